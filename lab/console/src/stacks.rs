// SPDX-License-Identifier: MIT OR Apache-2.0
//! Kernel stacks of tasks: which function of a module a task waits in.

use crate::{Place, trace};

/// A task of the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskStack {
    /// The process that it belongs to.
    pub pid: u32,
    /// As in proc_pid_stat(5): `S` sleeps, `D` sleeps and cannot be killed, `R` runs.
    pub state: char,
    /// Its own name.
    pub name: String,
    /// Its innermost function in one of the modules.
    pub place: Option<Place>,
    /// Its innermost function. The functions that only sleep are not on the stack.
    pub function: Option<String>,
}

/// The tasks of the agent's report: a line `task PID STATE NAME`, then a line for each function as
/// `/proc/PID/stack` has it.
pub fn tasks(report: &str, modules: &[String]) -> Vec<TaskStack> {
    let mut tasks: Vec<(TaskStack, Vec<&str>)> = Vec::new();
    for line in report.lines() {
        if let Some(task) = line.strip_prefix("task ").and_then(task) {
            tasks.push((task, Vec::new()));
        } else if let Some((_, stack)) = tasks.last_mut() {
            stack.push(line);
        }
    }
    let complete = |(task, stack): (TaskStack, Vec<&str>)| TaskStack {
        place: in_module(&stack, modules),
        function: stack.first().and_then(|line| function(line)),
        ..task
    };
    tasks.into_iter().map(complete).collect()
}

/// The first function of one of these modules in lines of a stack or of a register dump.
pub fn in_module(lines: &[&str], modules: &[String]) -> Option<Place> {
    let mut places = lines.iter().filter_map(|line| trace::place(&[line]));
    places.find(|place| modules.contains(&place.module))
}

fn task(line: &str) -> Option<TaskStack> {
    let mut words = line.splitn(3, ' ');
    Some(TaskStack {
        pid: words.next()?.parse().ok()?,
        state: words.next()?.chars().next()?,
        name: words.next()?.to_owned(),
        place: None,
        function: None,
    })
}

/// `[<0>] function+0x1/0x2`, without the suffix of the compiler.
fn function(line: &str) -> Option<String> {
    let (_, place) = line.split_once("] ")?;
    let name = place.split(['+', '.']).next()?;
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "task 1 S lab agent 2\n[<0>] port_fops_read+0x1/0x2 [virtio_console]\n\
        [<0>] vfs_read+0x9/0x20\ntask 57 D order-3\n[<0>] mslot_write+0x5b/0x1a0 [message_slot]\n\
        [<0>] vfs_write+0xbc/0x2a0\ntask 60 S sh\n[<0>] do_wait.isra.0+0x1/0x2\ntask 61 R sh\n";

    #[test]
    fn tasks_have_their_innermost_functions() {
        let tasks = tasks(REPORT, &["message_slot".to_owned()]);
        let told: Vec<_> = (tasks.iter())
            .map(|task| {
                let place = task.place.as_ref().map(Place::to_string);
                (task.pid, task.state, place, task.function.as_deref())
            })
            .collect();
        let place = Some("mslot_write [message_slot]".to_owned());
        assert_eq!(
            told,
            [
                (1, 'S', None, Some("port_fops_read")),
                (57, 'D', place, Some("mslot_write")),
                (60, 'S', None, Some("do_wait")),
                (61, 'R', None, None),
            ]
        );
        assert_eq!(tasks[0].name, "lab agent 2");
    }

    #[test]
    fn a_processor_that_runs_in_a_module_is_found() {
        let dump = [
            "NMI backtrace for cpu 1",
            "RIP: 0010:mslot_write+0x5b/0x1a0 [message_slot]",
        ];
        let place = in_module(&dump, &["message_slot".to_owned()]).unwrap();
        assert!(!place.is_return);
        assert_eq!(in_module(&dump, &["other".to_owned()]), None);
    }
}
