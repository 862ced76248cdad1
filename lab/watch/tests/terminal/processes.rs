// SPDX-License-Identifier: MIT OR Apache-2.0
//! The processes that a program has started.

use std::{collections::BTreeMap, fs};

/// A process: its pid, and when it was started, because pids are used again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    start: u64,
    pub(crate) name: String,
}

/// All processes, each with its parent (proc(5), `/proc/PID/stat`).
fn all() -> BTreeMap<Process, u32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid: u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (before, after) = stat.rsplit_once(") ")?;
        let (_, name) = before.split_once('(')?;
        let fields: Vec<&str> = after.split_whitespace().collect();
        let process = Process {
            pid,
            start: fields[19].parse().ok()?,
            name: name.to_owned(),
        };
        Some((process, fields[1].parse().ok()?))
    })
    .collect()
}

/// A process and all below it.
pub(crate) fn family_of(pid: u32) -> Vec<Process> {
    let all = all();
    let mut family: Vec<Process> = all.keys().filter(|it| it.pid == pid).cloned().collect();
    let mut at = 0;
    while at < family.len() {
        let parent = family[at].pid;
        let children = all.iter().filter(|(_, above)| **above == parent);
        family.extend(children.map(|(child, _)| child.clone()));
        at += 1;
    }
    family
}

/// Those of some processes that are still there.
pub(crate) fn left_of(family: &[Process]) -> Vec<Process> {
    let all = all();
    let there = family.iter().filter(|it| all.contains_key(it));
    there.cloned().collect()
}
