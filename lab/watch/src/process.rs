// SPDX-License-Identifier: MIT OR Apache-2.0
//! The processes of a watch: the worker, and the program that has the hints.

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{ChildStdin, Command},
};

use anyhow::Context;
use clap::ValueEnum;
use lab_base::{environment, paths::Paths};
use lab_cli::{Wish, spawn};

use crate::{
    event::{Event, Output},
    group::Group,
    messages::{Order, Report},
};

/// A process whose output becomes events. It ends with this value.
pub(crate) struct Process {
    _group: Group,
    stdin: Option<ChildStdin>,
}

impl Process {
    /// Start the process that builds and carries out the steps of a stage.
    ///
    /// # Errors
    /// It cannot be started.
    pub(crate) fn worker(
        stage: &str,
        wish: Wish,
        tell: impl Fn(Event) + Clone + Send + 'static,
    ) -> anyhow::Result<Self> {
        let itself = std::env::current_exe().context("finding this program")?;
        let mut command = environment::command(itself);
        command.args(["work", stage]);
        command.args(["--machine", &name_of(wish.start)]);
        if let Some(kernel) = wish.kernel {
            command.args(["--kernel", &name_of(kernel)]);
        }
        Process::start(
            &mut command,
            tell,
            |line| match serde_json::from_str::<Report>(&line) {
                Ok(report) => Event::Report(report),
                Err(_) => Event::Words(line),
            },
            Event::Words,
            Event::WorkerEnded,
        )
    }

    /// Ask for the next hint for a check. Another program has the hints, and it counts them.
    ///
    /// # Errors
    /// It cannot be started.
    pub(crate) fn hint(
        paths: &Paths,
        check: &str,
        tell: impl Fn(Event) + Clone + Send + 'static,
    ) -> anyhow::Result<Self> {
        let mut command = environment::command(paths.checkout.join("lab/quick.sh"));
        command.args(["lab-grade", "hint", check]);
        Process::start(
            &mut command,
            tell,
            |line| Event::Hint(Output::Stdout(line)),
            |line| Event::Hint(Output::Stderr(line)),
            Event::HintEnded,
        )
    }

    fn start(
        command: &mut Command,
        tell: impl Fn(Event) + Clone + Send + 'static,
        on_stdout: impl Fn(String) -> Event + Send + 'static,
        on_stderr: impl Fn(String) -> Event + Send + 'static,
        at_end: Event,
    ) -> anyhow::Result<Self> {
        let mut group = Group::start(command)
            .with_context(|| format!("starting {}", command.get_program().display()))?;
        let (stdin, stdout, stderr) = group.pipes();
        let also = tell.clone();
        spawn("stderr", move || {
            listen(stderr, |line| also(on_stderr(line)))
        })?;
        spawn("stdout", move || {
            listen(stdout, |line| tell(on_stdout(line)));
            tell(at_end);
        })?;
        Ok(Process {
            _group: group,
            stdin,
        })
    }

    /// Give the worker an order. A worker that has ended tells that by itself.
    pub(crate) fn order(&mut self, order: &Order) -> anyhow::Result<()> {
        let line = serde_json::to_string(order).context("writing an order")?;
        if let Some(stdin) = &mut self.stdin {
            let _ = writeln!(stdin, "{line}");
        }
        Ok(())
    }
}

/// A value as it is given on a command line.
fn name_of(value: impl ValueEnum) -> String {
    let value = value.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}

/// Read lines until the end.
fn listen(pipe: Option<impl Read>, mut tell: impl FnMut(String)) {
    let lines = pipe
        .into_iter()
        .flat_map(|it| BufReader::new(it).split(b'\n'));
    for line in lines.map_while(Result::ok) {
        tell(String::from_utf8_lossy(&line).into_owned());
    }
}
