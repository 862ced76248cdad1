// SPDX-License-Identifier: MIT OR Apache-2.0
//! Expectations of how programs end, and that their output is complete.

use lab_agent::{Exit, Stream};
use lab_machine::PATIENCE;

use crate::{
    halt::{Outcome, fail, readable},
    scene::{Program, Scene},
    transcript::LineKind,
};

impl Scene<'_> {
    pub(crate) fn nothing_more(&self, program: &Program) -> String {
        match self.exit_of(program) {
            Some(exit) => format!("nothing more; it ended: {exit}"),
            None => "nothing in time".to_owned(),
        }
    }

    pub(crate) fn exit_of(&self, program: &Program) -> Option<Exit> {
        self.machine
            .look(|observed| observed.processes.get(&program.id)?.exit)
    }

    /// Expect that a program ends like this. Its stdout and stderr must have no output that was not
    /// expected before.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if it ends otherwise, not in time, or with other output.
    pub fn expect_exit(&mut self, program: &Program, expected: Exit) -> Outcome {
        let more = self.expect_end(program, expected)?;
        if more.is_empty() {
            return Ok(());
        }
        Err(fail(
            format!("{} has nothing more to say", program.name),
            more.join(" / "),
        ))
    }

    /// Expect that a program ends like this, whatever else it prints. The rest of its output is
    /// noted and returned.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if it ends otherwise or not in time.
    pub fn expect_end(&mut self, program: &Program, expected: Exit) -> Outcome<Vec<String>> {
        let wanted = format!("{} ends: {expected}", program.name);
        let (exit, more) = self.end(program, &wanted)?;
        if exit == expected {
            Ok(more)
        } else {
            Err(fail(wanted, exit.to_string()))
        }
    }

    /// Expect that a program ends. Other clauses check its exit status.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if it does not end in time.
    pub fn expect_any_end(&mut self, program: &Program) -> Outcome {
        self.end(program, &format!("{} ends", program.name))
            .map(drop)
    }

    /// Wait for a program's end. Note it and the rest of the output.
    pub(crate) fn end(&mut self, program: &Program, wanted: &str) -> Outcome<(Exit, Vec<String>)> {
        let limit = self.machine.scaled(PATIENCE);
        let exit = self
            .machine
            .wait(limit, |observed| observed.processes.get(&program.id)?.exit)?;
        let Some(exit) = exit else {
            let got = format!("it still runs after {} s", limit.as_secs());
            return Err(fail(wanted, got + &self.stuck(Some(program), false)));
        };
        let mut more = Vec::new();
        for stream in [Stream::Stdout, Stream::Stderr] {
            while let Some(line) = self.take_line(program, stream) {
                if !self.muted.contains(&program.id) {
                    self.note_output(program, stream, &line);
                }
                more.push(readable(&line));
            }
        }
        self.note(&program.name, LineKind::Does, format!("ends: {exit}"));
        Ok((exit, more))
    }
}
