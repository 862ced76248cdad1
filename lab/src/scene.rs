// SPDX-License-Identifier: MIT OR Apache-2.0
//! What scenarios are written in.
//!
//! A scenario is a straight-line function over a [`Scene`]: insert a module, start programs, type,
//! expect, stop. Its record, the [`Transcript`], is the demonstration that a student watches and
//! the snapshot that the tests compare. Expected values stay on this side; the guest never sees
//! them.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use lab_agent::{Answer, Bytes, Exit, Op, ProcessId, Stdin, Stream};
use nix::sys::signal::Signal;

use crate::{
    console,
    machine::{Machine, PATIENCE, Trouble},
    modules::Care,
    transcript::{Entry, Finding, Kind, Status, Transcript, Verdict},
    workshop::Workshop,
};

/// Taint bits that inserting any module of ours sets: out of tree (12), unsigned (13).
const HARMLESS_TAINT: u64 = 1 << 12 | 1 << 13;

/// Why a scenario stops before its end.
#[derive(Debug)]
pub enum Halt {
    /// Something else was observed than expected.
    Fail {
        /// What was expected.
        expected: String,
        /// What was seen.
        got: String,
    },
    /// The machine is of no more use.
    Trouble(Trouble),
    /// The harness could not do its work.
    Harness(crate::Error),
}

impl From<Trouble> for Halt {
    fn from(trouble: Trouble) -> Self {
        Halt::Trouble(trouble)
    }
}

impl From<crate::Error> for Halt {
    fn from(error: crate::Error) -> Self {
        Halt::Harness(error)
    }
}

/// Result of everything that a scenario does.
pub type Outcome<T = ()> = Result<T, Halt>;

/// [`Halt::Fail`], if the two differ.
///
/// # Errors
/// Says what was expected and what was seen.
pub fn expect_eq<T: PartialEq + std::fmt::Debug>(what: &str, got: T, expected: T) -> Outcome {
    if got == expected {
        return Ok(());
    }
    Err(fail(format!("{what}: {expected:?}"), format!("{got:?}")))
}

/// A failure.
pub fn fail(expected: impl Into<String>, got: impl Into<String>) -> Halt {
    Halt::Fail {
        expected: expected.into(),
        got: got.into(),
    }
}

/// Something to be observed: a clause, and the function that observes it.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// `stage/CLAUSE-what`.
    pub id: &'static str,
    /// One line for people.
    pub title: &'static str,
    /// What is done.
    pub run: fn(&mut Scene<'_>) -> Outcome,
}

/// A program that was started in the guest.
#[derive(Clone, Debug)]
pub struct Program {
    /// What it is called in the transcript.
    pub name: String,
    id: ProcessId,
}

/// A scenario while it runs.
pub struct Scene<'a> {
    pub(crate) machine: &'a mut Machine,
    workshop: &'a Workshop,
    pub(crate) transcript: Transcript,
    watch: &'a mut dyn FnMut(&Entry),
    /// Where payloads come from; the same seed gives the same ones.
    pub rng: fastrand::Rng,
    step: usize,
    programs: Vec<Program>,
    /// Those whose output is different in each run, and not in the record.
    muted: Vec<ProcessId>,
    modules: Vec<String>,
    /// How much of the kernel's log is in the transcript.
    logged: usize,
    /// Whether the kernel's log is left out of the transcript.
    log_muted: bool,
    /// How much of each program's output has been used.
    used: HashMap<(ProcessId, Stream), usize>,
    id: &'static str,
}

/// What is left when a scenario has ended.
pub struct Ended {
    /// Its record.
    pub transcript: Transcript,
    /// Whether the machine can be used again: nothing runs, no module is in, nothing was tainted.
    pub healthy: bool,
}

/// Carry out a scenario on a machine. Each entry of the record goes to `watch` as it is made.
pub fn perform(
    scenario: &Scenario,
    workshop: &Workshop,
    machine: &mut Machine,
    seed: u64,
    watch: &mut dyn FnMut(&Entry),
) -> Ended {
    let console_before = machine.look(|observed| observed.console.len());
    let mut scene = Scene {
        machine,
        workshop,
        transcript: Transcript::default(),
        watch,
        rng: fastrand::Rng::with_seed(seed),
        step: 0,
        programs: Vec::new(),
        muted: Vec::new(),
        modules: Vec::new(),
        logged: 0,
        log_muted: false,
        used: HashMap::new(),
        id: scenario.id,
    };
    let outcome = scene.begin().and_then(|taint| {
        (scenario.run)(&mut scene)?;
        Ok(taint)
    });
    let cleaned = match outcome {
        Ok(taint) => scene
            .clean_up()
            .and_then(|()| scene.check_taint(taint, console_before)),
        Err(halt) => {
            // A halt inside a step has become its verdict; one outside has none yet.
            scene.conclude(halt);
            scene.clean_up()
        }
    };
    let healthy = match cleaned {
        Ok(()) => true,
        Err(halt) => {
            scene.conclude(halt);
            false
        }
    };
    let healthy = healthy
        && !matches!(
            scene.transcript.status(),
            Status::Crash | Status::Timeout | Status::Error
        );
    Ended {
        transcript: scene.transcript,
        healthy,
    }
}

impl Scene<'_> {
    fn begin(&mut self) -> Outcome<u64> {
        self.logged = self.machine.sync_log()?;
        self.taint()
    }

    fn taint(&mut self) -> Outcome<u64> {
        let text = self.read("/proc/sys/kernel/tainted")?;
        text.trim()
            .parse()
            .map_err(|_| Trouble::Lost(format!("the taint mask is {text:?}")).into())
    }

    /// The kernel must not have complained behind our back.
    fn check_taint(&mut self, before: u64, console_before: usize) -> Outcome {
        let after = self.taint()?;
        let new = (after & !before) & !HARMLESS_TAINT;
        let console = self.machine.look(|observed| {
            String::from_utf8_lossy(&observed.console[console_before..]).into_owned()
        });
        let report = console::first_report(&console);
        if new == 0 && report.is_none() {
            return Ok(());
        }
        let got = report.map_or_else(
            || format!("taint mask {new:#x}"),
            |report| report.headline(),
        );
        let finding = self.finding("the kernel does not complain".into(), got, true);
        self.record(Entry::Verdict(Verdict {
            status: Status::Crash,
            got: Some(finding),
        }));
        Ok(())
    }

    /// Make an entry in the record.
    pub(crate) fn record(&mut self, entry: Entry) {
        (self.watch)(&entry);
        self.transcript.entries.push(entry);
    }

    /// Note that somebody did something.
    pub(crate) fn note(&mut self, who: &str, kind: Kind, text: impl Into<String>) {
        self.record(Entry::Line {
            who: who.to_owned(),
            kind,
            text: text.into(),
        });
    }

    /// One step: it begins, `act` is carried out, the kernel's words and what programs have
    /// written are noted, a verdict is given. What goes wrong ends the scenario.
    ///
    /// # Errors
    /// The [`Halt`] of `act`; it is in the record already.
    pub fn step<T>(
        &mut self,
        title: &str,
        expected: &str,
        act: impl FnOnce(&mut Self) -> Outcome<T>,
    ) -> Outcome<T> {
        self.step += 1;
        self.record(Entry::Step {
            number: self.step,
            title: title.to_owned(),
            expected: expected.to_owned(),
        });
        let result = act(self).and_then(|value| {
            let end = self.machine.sync_log()?;
            self.show_log(end);
            self.show_output();
            Ok(value)
        });
        match result {
            Ok(value) => {
                self.record(Entry::Verdict(Verdict {
                    status: Status::Pass,
                    got: None,
                }));
                Ok(value)
            }
            Err(halt) => {
                // What was said until then helps to understand it.
                let end = self.machine.look(|observed| observed.log.len());
                self.show_log(end);
                self.show_output();
                let verdict = self.verdict_on(&halt);
                self.record(Entry::Verdict(verdict));
                Err(halt)
            }
        }
    }

    /// Give the verdict on a halt, unless the step that it came from has given it.
    fn conclude(&mut self, halt: Halt) {
        let given = self
            .transcript
            .verdicts()
            .any(|verdict| verdict.status != Status::Pass);
        if !given {
            let verdict = self.verdict_on(&halt);
            self.record(Entry::Verdict(verdict));
        }
    }

    fn verdict_on(&self, halt: &Halt) -> Verdict {
        let alive = "the machine lives".to_owned();
        let report = console::first_report(&self.machine.console());
        let (status, finding) = match halt {
            Halt::Fail { expected, got } => (
                Status::Fail,
                self.finding(expected.clone(), got.clone(), false),
            ),
            Halt::Trouble(Trouble::Ended { why, killed: true }) => {
                (Status::Error, self.finding(alive, why.clone(), true))
            }
            Halt::Trouble(Trouble::Ended { why, killed: false }) => {
                let got = report.map_or_else(
                    || format!("the machine reset without a word: {why}"),
                    |report| report.headline(),
                );
                (Status::Crash, self.finding(alive, got, true))
            }
            Halt::Trouble(trouble @ Trouble::Hung { .. }) => {
                let (status, got) = match report {
                    // That it hangs is what the watchdogs complain about, too.
                    Some(report) if report.is_stall() => {
                        (Status::Timeout, format!("{trouble}; {}", report.headline()))
                    }
                    Some(report) => (Status::Crash, report.headline()),
                    None => (Status::Timeout, trouble.to_string()),
                };
                (status, self.finding("the kernel returns".into(), got, true))
            }
            Halt::Trouble(Trouble::Lost(why)) => (
                Status::Error,
                self.finding("the agent answers".into(), why.clone(), true),
            ),
            Halt::Harness(error) => (
                Status::Error,
                self.finding("the lab works".into(), error.to_string(), false),
            ),
        };
        Verdict {
            status,
            got: Some(finding),
        }
    }

    /// A finding, with the console if that says more.
    fn finding(&self, expected: String, got: String, with_console: bool) -> Finding {
        let mut finding = Finding {
            expected,
            got,
            excerpt: None,
            console: None,
        };
        if with_console {
            let text = self.machine.console();
            finding.excerpt = Some(
                console::first_report(&text)
                    .map_or_else(|| console::tail(&text, 10), |report| report.excerpt),
            );
            let file = self.workshop.console_file(self.id);
            if self.machine.keep_console(&file).is_ok() {
                finding.console = Some(file);
            }
        }
        finding
    }

    /// Note what our modules have logged, up to `end`.
    fn show_log(&mut self, end: usize) {
        let modules = self.modules.clone();
        let lines: Vec<String> = self.machine.look(|observed| {
            observed.log[self.logged..end]
                .iter()
                .map(|line| line.text.clone())
                .filter(|text| modules.iter().any(|name| is_from(text, name)))
                .collect()
        });
        self.logged = self.logged.max(end);
        if self.log_muted {
            return;
        }
        for text in lines {
            self.note("kernel", Kind::Logs, text);
        }
    }

    /// Note what programs have written that nobody has waited for.
    fn show_output(&mut self) {
        for program in self.programs.clone() {
            if self.muted.contains(&program.id) {
                continue;
            }
            for stream in [Stream::Stdout, Stream::Stderr] {
                while let Some(line) = self.take_line(&program, stream) {
                    self.note_output(&program, stream, &line);
                }
            }
        }
    }

    fn note_output(&mut self, program: &Program, stream: Stream, line: &[u8]) {
        let kind = match stream {
            Stream::Stdout => Kind::Prints,
            Stream::Stderr => Kind::Complains,
        };
        self.note(&program.name, kind, readable(line));
    }

    /// Kill what runs, take out what is in.
    fn clean_up(&mut self) -> Outcome {
        for program in std::mem::take(&mut self.programs) {
            if self.exit_of(&program).is_none() {
                // May have ended in between: then there is nothing to kill.
                let _ = self.order_signal(&program, Signal::SIGKILL)?;
                let limit = self.machine.scaled(PATIENCE);
                self.machine
                    .wait(limit, |observed| observed.processes.get(&program.id)?.exit)?
                    .ok_or(Trouble::Hung {
                        what: format!("killing {}", program.name),
                        after: limit,
                    })?;
            }
        }
        for name in std::mem::take(&mut self.modules).into_iter().rev() {
            let removed = self
                .machine
                .order(&format!("rmmod {name}"), Op::Remove { name: name.clone() })?;
            if let Err(refusal) = removed {
                return Err(fail(format!("{name} can be removed"), refusal.to_string()));
            }
        }
        Ok(())
    }

    // Modules.

    /// Insert a module of `kernel/` and expect that to work.
    ///
    /// # Errors
    /// [`Halt::Fail`] if the kernel refuses it.
    pub fn insert(&mut self, name: &str, params: &str) -> Outcome {
        self.try_insert(name, params)?
            .map_err(|refusal| fail(format!("{name} is inserted"), refusal.to_string()))
    }

    /// Insert a module of `kernel/`: the refusal is a result like any other.
    ///
    /// # Errors
    /// [`Halt`], among them [`crate::Error::Compile`].
    pub fn try_insert(
        &mut self,
        name: &str,
        params: &str,
    ) -> Outcome<Result<(), lab_agent::Refusal>> {
        let file = self.workshop.module(name)?;
        self.try_insert_file(&file, params)
    }

    /// Insert a module of `lab/fixtures/`: the refusal is a result like any other.
    ///
    /// # Errors
    /// [`Halt`], among them [`crate::Error::Compile`].
    pub fn try_insert_fixture(
        &mut self,
        name: &str,
        params: &str,
    ) -> Outcome<Result<(), lab_agent::Refusal>> {
        let file = self.workshop.fixture(name)?;
        self.try_insert_file(&file, params)
    }

    fn try_insert_file(
        &mut self,
        file: &std::path::Path,
        params: &str,
    ) -> Outcome<Result<(), lab_agent::Refusal>> {
        let name = file
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let path = self.machine.put(file)?;
        let command = format!("insmod {name}.ko {params}");
        self.note("host", Kind::Does, command.trim_end());
        // Before it is in: its first words count too.
        self.modules.push(name.clone());
        let op = Op::Insert {
            path,
            params: params.to_owned(),
        };
        let outcome = self.machine.order(command.trim_end(), op)?;
        let end = self.machine.sync_log()?;
        self.show_log(end);
        if let Err(refusal) = &outcome {
            // Only this one: an earlier one of that name may be in.
            self.modules.pop();
            self.note("host", Kind::Does, refusal.to_string());
        }
        Ok(outcome.map(drop))
    }

    /// Remove a module and expect that to work.
    ///
    /// # Errors
    /// [`Halt::Fail`] if the kernel refuses.
    pub fn remove(&mut self, name: &str) -> Outcome {
        self.try_remove(name)?
            .map_err(|refusal| fail(format!("{name} is removed"), refusal.to_string()))
    }

    /// Remove a module: the refusal is a result like any other.
    ///
    /// # Errors
    /// [`Halt`].
    pub fn try_remove(&mut self, name: &str) -> Outcome<Result<(), lab_agent::Refusal>> {
        let command = format!("rmmod {name}");
        self.note("host", Kind::Does, command.as_str());
        let outcome = self.machine.order(
            &command,
            Op::Remove {
                name: name.to_owned(),
            },
        )?;
        match &outcome {
            Ok(_) => {
                let end = self.machine.sync_log()?;
                self.show_log(end);
                self.modules.retain(|module| module != name);
            }
            Err(refusal) => self.note("host", Kind::Does, refusal.to_string()),
        }
        Ok(outcome.map(drop))
    }

    /// Have a module log no more debug messages, where there would be too many.
    ///
    /// # Errors
    /// [`Halt::Fail`] if the kernel does not take the order.
    pub fn hush(&mut self, module: &str) -> Outcome {
        let op = Op::Put {
            path: "/proc/dynamic_debug/control".into(),
            mode: 0o644,
            data: Bytes(format!("module {module} -p\n").into_bytes()),
        };
        self.machine
            .order("switching debug messages off", op)?
            .map(drop)
            .map_err(|refusal| fail("debug messages can be switched off", refusal.to_string()))
    }

    /// Note no more of the kernel's log, where how much it says depends on time.
    pub fn mute_log(&mut self) {
        self.log_muted = true;
    }

    /// Observe again and again until `observe` says yes.
    ///
    /// # Errors
    /// [`Halt::Fail`] if it has not in time.
    pub fn expect_soon(
        &mut self,
        what: &str,
        mut observe: impl FnMut(&mut Self) -> Outcome<bool>,
    ) -> Outcome {
        let limit = self.machine.scaled(PATIENCE);
        let deadline = Instant::now() + limit;
        while !observe(self)? {
            if Instant::now() > deadline {
                return Err(fail(what, format!("not within {} s", limit.as_secs())));
            }
        }
        Ok(())
    }

    /// Read a file of the guest, as text.
    ///
    /// # Errors
    /// [`Halt::Fail`] if it cannot be read.
    pub fn read(&mut self, path: &str) -> Outcome<String> {
        match self.machine.order(
            &format!("reading {path}"),
            Op::Read {
                path: path.to_owned(),
            },
        )? {
            Ok(Answer::Data(data)) => Ok(String::from_utf8_lossy(&data.0).into_owned()),
            Ok(other) => Err(Trouble::Lost(format!("expected a file, found {other:?}")).into()),
            Err(refusal) => Err(fail(format!("{path} can be read"), refusal.to_string())),
        }
    }

    /// Expect that one of our modules logs a line that contains `text`. All that was logged
    /// before it is noted too.
    ///
    /// # Errors
    /// [`Halt::Fail`] if none does in time.
    pub fn expect_log(&mut self, text: &str) -> Outcome {
        let (from, modules) = (self.logged, self.modules.clone());
        let limit = self.machine.scaled(PATIENCE);
        let found = self.machine.wait(limit, |observed| {
            let mut lines = observed.log[from..].iter();
            let matches =
                |line: &str| line.contains(text) && modules.iter().any(|name| is_from(line, name));
            lines.position(|line| matches(&line.text))
        })?;
        match found {
            Some(at) => {
                self.show_log(from + at + 1);
                Ok(())
            }
            None => Err(fail(
                format!("the kernel logs \"{text}\""),
                format!("no such line within {} s", limit.as_secs()),
            )),
        }
    }

    /// Where modules and programs come from.
    pub(crate) fn workshop(&self) -> &Workshop {
        self.workshop
    }

    /// Put all modules and programs into the guest, as `make shell` does.
    ///
    /// # Errors
    /// [`Halt`], among them [`crate::Error::Compile`].
    pub(crate) fn put_all(&mut self) -> Outcome {
        let mut files = self.workshop.all_modules(Care::Normal)?;
        files.extend(self.workshop.all_programs()?);
        for file in files {
            self.machine.put(&file)?;
        }
        Ok(())
    }

    // Programs.

    /// Start a program of the lab as root, with a pipe as its stdin.
    ///
    /// # Errors
    /// [`Halt::Fail`] if it cannot be started.
    pub fn start(&mut self, name: &str, command: &[&str]) -> Outcome<Program> {
        self.start_as(name, command, 0, Stdin::Pipe)
    }

    /// Start a program of the lab.
    ///
    /// # Errors
    /// [`Halt::Fail`] if it cannot be started.
    pub fn start_as(
        &mut self,
        name: &str,
        command: &[&str],
        uid: u32,
        stdin: Stdin,
    ) -> Outcome<Program> {
        let path = self.machine.put(&self.workshop.program(command[0]))?;
        let (program, pid) = self.spawn(name, &path, &command[1..], uid, stdin)?;
        let user = if uid == 0 {
            String::new()
        } else {
            format!(", as user {uid}")
        };
        self.note(
            name,
            Kind::Does,
            format!("starts: {} (pid {pid}{user})", command.join(" ")),
        );
        Ok(program)
    }

    /// Start any program of the guest, without a note.
    pub(crate) fn spawn(
        &mut self,
        name: &str,
        path: &str,
        arguments: &[&str],
        uid: u32,
        stdin: Stdin,
    ) -> Outcome<(Program, u32)> {
        let mut argv = vec![path.to_owned()];
        argv.extend(arguments.iter().map(|&argument| argument.to_owned()));
        let (id, started) = self.machine.spawn(argv, uid, stdin)?;
        let pid = started
            .map_err(|refusal| fail(format!("{path} can be started"), refusal.to_string()))?;
        self.transcript.names.insert(pid.into(), name.to_owned());
        let program = Program {
            name: name.to_owned(),
            id,
        };
        self.programs.push(program.clone());
        Ok((program, pid))
    }

    /// Keep what a program writes out of the record, unless somebody waits for it.
    pub fn mute(&mut self, program: &Program) {
        self.muted.push(program.id);
    }

    /// Type a line into a program.
    ///
    /// # Errors
    /// [`Halt::Fail`] if it does not take it.
    pub fn type_line(&mut self, program: &Program, line: &str) -> Outcome {
        self.note(&program.name, Kind::Types, readable(line.as_bytes()));
        self.write(program, format!("{line}\n").as_bytes())
    }

    /// Write bytes into a program's stdin, without a note.
    ///
    /// # Errors
    /// [`Halt::Fail`] if it does not take them.
    pub fn write(&mut self, program: &Program, data: &[u8]) -> Outcome {
        self.try_write(program, data)?.map_err(|refusal| {
            fail(
                format!("{} reads its input", program.name),
                refusal.to_string(),
            )
        })
    }

    /// As [`Scene::write`]: the refusal, if it does not read on, is a result like any other.
    ///
    /// # Errors
    /// [`Halt::Trouble`].
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

    /// Give a program the end of its input.
    ///
    /// # Errors
    /// [`Halt::Fail`] if it has ended already.
    pub fn end_input(&mut self, program: &Program) -> Outcome {
        self.note(&program.name, Kind::Types, "(end of input)");
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
    /// [`Halt::Fail`] if it has ended already.
    pub fn signal(&mut self, program: &Program, signal: Signal) -> Outcome {
        self.note(
            "host",
            Kind::Does,
            format!("sends {signal} to {}", program.name),
        );
        self.order_signal(program, signal)?
            .map_err(|refusal| fail(format!("{} runs", program.name), refusal.to_string()))
    }

    fn order_signal(
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

    /// The next line that a program has written, without its newline, if it is there already. The
    /// rest after the last newline counts once the program has ended.
    fn take_line(&mut self, program: &Program, stream: Stream) -> Option<Vec<u8>> {
        let used = self.used.entry((program.id, stream)).or_default();
        let (line, len) = self
            .machine
            .look(|observed| next_line(observed, program.id, stream, *used))?;
        *used += len;
        Some(line)
    }

    /// The next line that a program writes, without its newline. Waits for it, up to `limit`,
    /// which is scaled; `None` after that, or when the program has ended.
    ///
    /// # Errors
    /// [`Halt::Trouble`].
    pub fn wait_line(
        &mut self,
        program: &Program,
        stream: Stream,
        limit: Duration,
    ) -> Outcome<Option<Vec<u8>>> {
        let used = self
            .used
            .get(&(program.id, stream))
            .copied()
            .unwrap_or_default();
        let limit = self.machine.scaled(limit);
        let found = self.machine.wait(limit, |observed| {
            let line = next_line(observed, program.id, stream, used);
            let ended = observed.processes.get(&program.id)?.exit.is_some();
            (line.is_some() || ended).then_some(line)
        })?;
        let Some((line, len)) = found.flatten() else {
            return Ok(None);
        };
        self.used.insert((program.id, stream), used + len);
        Ok(Some(line))
    }

    /// Expect exactly this as the next line on a program's stdout.
    ///
    /// # Errors
    /// [`Halt::Fail`] if another line comes, or none in time.
    pub fn expect_line(&mut self, program: &Program, expected: &str) -> Outcome {
        let wanted = || {
            format!(
                "{} prints \"{}\"",
                program.name,
                readable(expected.as_bytes())
            )
        };
        match self.wait_line(program, Stream::Stdout, PATIENCE)? {
            Some(line) => {
                self.note_output(program, Stream::Stdout, &line);
                if line == expected.as_bytes() {
                    return Ok(());
                }
                Err(fail(wanted(), format!("\"{}\"", readable(&line))))
            }
            None => Err(fail(wanted(), self.nothing_more(program))),
        }
    }

    /// As [`Scene::expect_line`], for a line that is different each time: the whole of it must
    /// match `pattern`, and `noted` stands for it in the record.
    ///
    /// # Errors
    /// [`Halt::Fail`] if another line comes, or none in time.
    pub fn expect_line_matching(
        &mut self,
        program: &Program,
        pattern: &regex::Regex,
        noted: &str,
    ) -> Outcome {
        let wanted = || format!("{} prints \"{noted}\"", program.name);
        match self.wait_line(program, Stream::Stdout, PATIENCE)? {
            Some(line) => {
                let text = readable(&line);
                if pattern
                    .find(&text)
                    .is_some_and(|found| found.len() == text.len())
                {
                    self.note(&program.name, Kind::Prints, noted);
                    return Ok(());
                }
                self.note_output(program, Stream::Stdout, &line);
                Err(fail(wanted(), format!("\"{text}\"")))
            }
            None => Err(fail(wanted(), self.nothing_more(program))),
        }
    }

    /// Expect that the next line on a program's stderr contains each of `parts`.
    ///
    /// # Errors
    /// [`Halt::Fail`] if another line comes, or none in time.
    pub fn expect_complaint(&mut self, program: &Program, parts: &[&str]) -> Outcome {
        let wanted = || format!("{} says {} on stderr", program.name, parts.join(", "));
        match self.wait_line(program, Stream::Stderr, PATIENCE)? {
            Some(line) => {
                self.note_output(program, Stream::Stderr, &line);
                let text = readable(&line);
                if parts.iter().all(|part| text.contains(part)) {
                    return Ok(());
                }
                Err(fail(wanted(), format!("\"{text}\"")))
            }
            None => Err(fail(wanted(), self.nothing_more(program))),
        }
    }

    /// Expect that a program ends with exit status 0, having written exactly these bytes on its
    /// stdout, to the last newline or none, and nothing on stderr.
    ///
    /// # Errors
    /// [`Halt::Fail`] if it writes other bytes or ends otherwise.
    pub fn expect_output(&mut self, program: &Program, expected: &[u8]) -> Outcome {
        let limit = self.machine.scaled(PATIENCE);
        // Output is reported before the end: what is there then is all.
        let written = self.machine.wait(limit, |observed| {
            let process = observed.processes.get(&program.id)?;
            process.exit?;
            Some(process.output.get(&Stream::Stdout).cloned())
        })?;
        let written = written.flatten().unwrap_or_default();
        if written == expected {
            if !written.is_empty() {
                self.note_output(program, Stream::Stdout, &written);
            }
            self.used
                .insert((program.id, Stream::Stdout), written.len());
            return self.expect_exit(program, Exit::Status(0));
        }
        self.expect_end(program, Exit::Status(0))?;
        Err(fail(
            format!("{} prints exactly \"{}\"", program.name, readable(expected)),
            format!("\"{}\"", readable(&written)),
        ))
    }

    fn nothing_more(&self, program: &Program) -> String {
        match self.exit_of(program) {
            Some(exit) => format!("nothing more; it ended: {exit}"),
            None => "nothing in time".to_owned(),
        }
    }

    fn exit_of(&self, program: &Program) -> Option<Exit> {
        self.machine
            .look(|observed| observed.processes.get(&program.id)?.exit)
    }

    /// Expect that a program ends like this, and that nothing is left on its stdout or stderr
    /// that was not expected before.
    ///
    /// # Errors
    /// [`Halt::Fail`] if it ends otherwise, not in time, or with more to say.
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

    /// Expect that a program ends like this, whatever else it says; that is noted and returned.
    ///
    /// # Errors
    /// [`Halt::Fail`] if it ends otherwise or not in time.
    pub fn expect_end(&mut self, program: &Program, expected: Exit) -> Outcome<Vec<String>> {
        let wanted = format!("{} ends: {expected}", program.name);
        let limit = self.machine.scaled(PATIENCE);
        let exit = self
            .machine
            .wait(limit, |observed| observed.processes.get(&program.id)?.exit)?;
        let Some(exit) = exit else {
            let got = format!("it still runs after {} s", limit.as_secs());
            return Err(fail(wanted, got));
        };
        let mut more = Vec::new();
        for stream in [Stream::Stdout, Stream::Stderr] {
            while let Some(line) = self.take_line(program, stream) {
                self.note_output(program, stream, &line);
                more.push(readable(&line));
            }
        }
        self.note(&program.name, Kind::Does, format!("ends: {exit}"));
        if exit == expected {
            Ok(more)
        } else {
            Err(fail(wanted, exit.to_string()))
        }
    }
}

/// Whether a line of the log is a module's own, and not what any kernel says of any module once.
fn is_from(text: &str, module: &str) -> bool {
    text.strip_prefix(module)
        .and_then(|rest| rest.strip_prefix(": "))
        .is_some_and(|said| !said.contains("taints kernel") && !said.contains("tainting kernel"))
}

/// The line at `used` and how many bytes it takes up.
fn next_line(
    observed: &crate::machine::Observed,
    id: ProcessId,
    stream: Stream,
    used: usize,
) -> Option<(Vec<u8>, usize)> {
    let process = observed.processes.get(&id)?;
    let rest = process.output.get(&stream)?.get(used..)?;
    match rest.iter().position(|&byte| byte == b'\n') {
        Some(end) => Some((rest[..end].to_vec(), end + 1)),
        None if process.exit.is_some() && !rest.is_empty() => Some((rest.to_vec(), rest.len())),
        None => None,
    }
}

/// Bytes as people can read them: UTF-8 stays, other bytes are escaped, long lines are cut.
pub(crate) fn readable(bytes: &[u8]) -> String {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
        _ => bytes.escape_ascii().to_string(),
    };
    if text.chars().count() <= 120 {
        return text;
    }
    let start: String = text.chars().take(60).collect();
    format!("{start}... ({} bytes)", bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_module_is_told_is_not_its_own_word() {
        assert!(is_from("nl_pubsub: ready", "nl_pubsub"));
        assert!(!is_from(
            "nl_pubsub: loading out-of-tree module taints kernel.",
            "nl_pubsub"
        ));
        assert!(!is_from("nl_pubsub2: ready", "nl_pubsub"));
    }

    #[test]
    fn bytes_are_shown_so_that_nothing_is_hidden() {
        assert_eq!(readable("größer".as_bytes()), "größer");
        assert_eq!(readable(b"a\x00b\xff"), "a\\x00b\\xff");
        assert!(readable(&[b'x'; 1000]).ends_with("... (1000 bytes)"));
    }
}
