// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where each task of the guest waits in the kernel.

use std::{fs, io, path::Path};

/// The kernel stack of each task, with a line above it: `task PID STATE NAME`. A task that ends
/// meanwhile is left out.
///
/// # Errors
/// `/proc` cannot be read.
pub(crate) fn of_all() -> io::Result<Vec<u8>> {
    let mut text = String::new();
    for process in fs::read_dir("/proc")? {
        let process = process?;
        let name = process.file_name();
        let Some(pid) = name.to_str().filter(|name| name.parse::<u32>().is_ok()) else {
            continue;
        };
        let tasks = fs::read_dir(process.path().join("task"));
        for task in tasks.into_iter().flatten().flatten() {
            let Some((state, name)) = state(&task.path()) else {
                continue;
            };
            let stack = fs::read_to_string(task.path().join("stack")).unwrap_or_default();
            text += &format!("task {pid} {state} {name}\n{stack}");
        }
    }
    Ok(text.into_bytes())
}

/// State and name of a task (proc_pid_stat(5)). The name can have any character.
fn state(task: &Path) -> Option<(char, String)> {
    let stat = fs::read(task.join("stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    let (before, after) = stat.rsplit_once(") ")?;
    let (_, name) = before.split_once('(')?;
    let name = name.replace(char::is_control, "?");
    Some((after.chars().next()?, name))
}
