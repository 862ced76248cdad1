// SPDX-License-Identifier: MIT OR Apache-2.0
//! Actions of a scenario with programs in the guest: start, type, stop.

use lab_agent::{Bytes, Op, Stdin};
use nix::sys::signal::Signal;

use crate::transcript::LineKind;
use crate::{
    halt::{Outcome, fail, readable},
    scene::{Program, Scene},
};

impl Scene<'_> {
    /// Whether the programs were submitted. The contract fixes their output on stdout, except part
    /// 1's results. It also fixes that a complaint names a call and an errno. For this checkout's
    /// own programs, the wording is compared, too.
    pub fn others_programs(&self) -> bool {
        !self.workshop().subject.programs.is_empty()
    }

    /// Start a program of the lab as root, with a pipe as its stdin.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if it cannot be started.
    pub fn start(&mut self, name: &str, command: &[&str]) -> Outcome<Program> {
        self.start_as(name, command, 0, Stdin::Pipe)
    }

    /// Start a program of the lab.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if it cannot be started.
    pub fn start_as(
        &mut self,
        name: &str,
        command: &[&str],
        uid: u32,
        stdin: Stdin,
    ) -> Outcome<Program> {
        let path = self.machine.put(&self.workshop.program(command[0])?)?;
        self.theirs_has_run |= self.others_programs();
        let program = self.spawn(name, &path, &command[1..], uid, stdin)?;
        let user = if uid == 0 {
            String::new()
        } else {
            format!(", as user {uid}")
        };
        self.note(
            name,
            LineKind::Does,
            format!("starts: {} (pid {}{user})", command.join(" "), program.pid),
        );
        Ok(program)
    }

    /// Start any program of the guest, without a note.
    pub fn spawn(
        &mut self,
        name: &str,
        path: &str,
        arguments: &[&str],
        uid: u32,
        stdin: Stdin,
    ) -> Outcome<Program> {
        let mut argv = vec![path.to_owned()];
        argv.extend(arguments.iter().map(|&argument| argument.to_owned()));
        let (id, started) = self.machine.spawn(argv, uid, stdin)?;
        let pid = started
            .map_err(|refusal| fail(format!("{path} can be started"), refusal.to_string()))?;
        self.transcript.names.insert(pid.into(), name.to_owned());
        let program = Program {
            name: name.to_owned(),
            id,
            pid,
        };
        self.programs.push(program.clone());
        Ok(program)
    }

    /// Start a shell command, for arguments that are not UTF-8 or for a redirection. A program in
    /// it must have been started before.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if it cannot be started.
    pub fn shell(&mut self, uid: u32, line: &str) -> Outcome<Program> {
        let program = self.spawn("shell", "/bin/sh", &["-c", line], uid, Stdin::Pipe)?;
        self.note("shell", LineKind::Does, format!("runs: {line}"));
        Ok(program)
    }

    /// A field of `/proc/PID/status` of a program, for example `State` (proc(5)); empty if there is
    /// no such line.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if it has ended.
    pub fn status(&mut self, program: &Program, field: &str) -> Outcome<String> {
        let status = self.read(&format!("/proc/{}/status", program.pid))?;
        let mut lines = status.lines().filter_map(|line| line.split_once(":\t"));
        let value = lines.find_map(|(name, value)| (name == field).then_some(value));
        Ok(value.unwrap_or_default().to_owned())
    }

    /// Keep the output of a program out of the record, unless an expectation reads it.
    pub fn mute(&mut self, program: &Program) {
        self.muted.push(program.id);
    }

    /// Type a line into a program.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if it does not read it.
    pub fn type_line(&mut self, program: &Program, line: &str) -> Outcome {
        self.note(&program.name, LineKind::Types, readable(line.as_bytes()));
        self.write(program, format!("{line}\n").as_bytes())
    }

    /// Write bytes into a program's stdin, without a note.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if it does not read them.
    pub fn write(&mut self, program: &Program, data: &[u8]) -> Outcome {
        self.try_write(program, data)?.map_err(|refusal| {
            fail(
                format!("{} reads its input", program.name),
                refusal.to_string(),
            )
        })
    }

    /// As [`Scene::write`]. A refusal, if it does not read on, is an ordinary result.
    ///
    /// # Errors
    /// [`crate::Halt::Trouble`].
    pub fn try_write(
        &mut self,
        program: &Program,
        data: &[u8],
    ) -> Outcome<Result<(), lab_agent::Refusal>> {
        let op = Op::Write {
            process: program.id,
            data: Bytes(data.to_vec()),
        };
        let what = format!("writing to {}", program.name);
        Ok(self.machine.order(&what, op)?.map(drop))
    }

    /// Close the stdin of a program.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if it has ended already.
    pub fn end_input(&mut self, program: &Program) -> Outcome {
        self.note(&program.name, LineKind::Types, "(end of input)");
        let op = Op::CloseStdin {
            process: program.id,
        };
        self.machine
            .order("closing a pipe", op)?
            .map(drop)
            .map_err(|refusal| fail(format!("{} runs", program.name), refusal.to_string()))
    }

    /// Send a signal to a program.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if it has ended already.
    pub fn signal(&mut self, program: &Program, signal: Signal) -> Outcome {
        self.note(
            "host",
            LineKind::Does,
            format!("sends {signal} to {}", program.name),
        );
        self.order_signal(program, signal)?
            .map_err(|refusal| fail(format!("{} runs", program.name), refusal.to_string()))
    }

    pub(crate) fn order_signal(
        &mut self,
        program: &Program,
        signal: Signal,
    ) -> Outcome<Result<(), lab_agent::Refusal>> {
        let op = Op::Signal {
            process: program.id,
            signal: signal as i32,
        };
        Ok(self.machine.order("sending a signal", op)?.map(drop))
    }
}
