// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where a call or a program is stuck: an observation for people, which no verdict depends on.

use std::time::Duration;

use lab_agent::{Answer, Op};
use lab_build::kernels::Which;
use lab_console::Place;
use lab_console::stacks::{self, TaskStack};

use crate::scene::{Program, Scene};

/// How long a machine may take to say where it is stuck. It answers at once if it can.
const LIMIT: Duration = Duration::from_secs(2);

/// Most stuck tasks that are told.
const TASKS_MAX: usize = 3;

/// Name of the agent's threads that carry out orders.
const ORDER: &str = "order-";

impl Scene<'_> {
    /// Where the tasks of this program wait, and all tasks that wait in a module. One line each;
    /// empty if nothing is known. `is_reported` says that the kernel itself has reported a function
    /// that runs for too long.
    pub(crate) fn stuck(&mut self, program: Option<&Program>, is_reported: bool) -> String {
        let pid = program.map(|program| program.pid);
        let Some(tasks) = self.tasks() else {
            return "\nthe kernel answers nothing any more: its processors wait for a spinlock, or run \
                    with interrupts switched off"
                .to_owned()
                + self.more();
        };
        let (of_program, others): (Vec<_>, Vec<_>) =
            tasks.iter().partition(|task| Some(task.pid) == pid);
        let in_module = others.into_iter().filter(|task| task.place.is_some());
        let is_told = |task: &&TaskStack| task.place.is_some() || task.state != 'R';
        let mut lines: Vec<String> = (of_program.iter().copied().filter(is_told))
            .chain(in_module)
            .map(|task| self.told(task))
            .collect();
        lines.dedup();
        let waits = tasks
            .iter()
            .any(|task| task.place.is_some() && task.state == 'D');
        let runs = of_program.iter().any(|task| task.state == 'R');
        if !is_reported && (lines.is_empty() || runs) {
            lines.extend(
                self.running()
                    .map(|place| format!("a processor runs in {place}")),
            );
        }
        lines.truncate(TASKS_MAX);
        let more = if waits { self.more() } else { "" };
        lines
            .iter()
            .map(|line| format!("\n{line}"))
            .collect::<String>()
            + more
    }

    /// What another kernel would report.
    fn more(&self) -> &'static str {
        match self.workshop.kernel.which {
            Which::Debug => "",
            Which::Lab | Which::Stock => {
                "\nthe debug kernel reports more about locks: make grade KERNEL=debug"
            }
        }
    }

    fn tasks(&mut self) -> Option<Vec<TaskStack>> {
        let limit = self.machine.scaled(LIMIT);
        let answer = self
            .machine
            .beyond_limit(|machine| machine.order_within(limit, "looking at stacks", Op::Stacks));
        match answer {
            Ok(Ok(Answer::Data(report))) => {
                let report = String::from_utf8_lossy(&report.0);
                Some(stacks::tasks(&report, &self.modules))
            }
            _ => None,
        }
    }

    fn told(&self, task: &TaskStack) -> String {
        let program = self.programs.iter().find(|other| other.pid == task.pid);
        let who = match program {
            Some(program) => &program.name,
            None if task.name.starts_with(ORDER) => "the call",
            None => &task.name,
        };
        let what = match task.state {
            'D' => "waits, and cannot be killed,",
            'R' => "runs",
            'Z' => return format!("{who} has ended"),
            _ => "sleeps",
        };
        let place = match (&task.place, &task.function) {
            (Some(place), _) => self.in_source(place),
            (None, Some(function)) => format!("{function}(), outside of the modules"),
            (None, None) => return format!("{who} {what} in no function that is known"),
        };
        format!("{who} {what} in {place}")
    }

    /// A place, with the line of the source if it is known.
    fn in_source(&self, place: &Place) -> String {
        match self.workshop.source_at(place) {
            Some(source) => format!("{place}, {source}"),
            None => place.to_string(),
        }
    }

    /// The function of a module that a processor runs in. The kernel prints the backtraces of its
    /// processors on the console (Documentation/admin-guide/sysrq.rst).
    fn running(&mut self) -> Option<String> {
        let limit = self.machine.scaled(LIMIT);
        let modules = self.modules.clone();
        let place = self.machine.beyond_limit(|machine| {
            let begin = machine.look(|observed| observed.console.len());
            let op = Op::Control {
                path: "/proc/sysrq-trigger".into(),
                text: "l".into(),
            };
            machine
                .order_within(limit, "asking for backtraces", op)
                .ok()?
                .ok()?;
            let found = machine.wait(limit, |observed| {
                let text = String::from_utf8_lossy(&observed.console[begin..]);
                let lines: Vec<&str> = text.lines().collect();
                stacks::in_module(&lines, &modules)
            });
            found.ok()?
        })?;
        Some(self.in_source(&place))
    }
}
