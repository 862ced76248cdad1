// SPDX-License-Identifier: MIT OR Apache-2.0
//! What scenarios are written in.
//!
//! A scenario is a straight-line function over a [`Scene`]: insert a module, start programs, type,
//! expect, stop. Its record, the [`Transcript`], is the demonstration that a student watches and
//! the snapshot that the tests compare. Expected values stay on this side; the guest never sees
//! them.

mod leaks;
mod modules;
mod programs;
mod said;

use std::{collections::HashMap, time::Duration};

use lab_agent::{Op, ProcessId, Stream};
use nix::sys::signal::Signal;
use protocol::netlink::PortId;

use crate::{
    machine::{Machine, PATIENCE, Trouble},
    peer::Datagram,
    transcript::{Entry, Finding, Kind, Status, Transcript, Verdict},
    workshop::Workshop,
};
use lab_console::{Class, Report};

/// Taint bits that inserting any module of ours sets: out of tree (12), unsigned (13).
const HARMLESS_TAINT: u64 = 1 << 12 | 1 << 13;

/// Taint bit that the watchdog for soft lockups sets.
const LOCKUP_TAINT: u64 = 1 << 14;

/// How long the threads of a machine wait for a processor before watchdogs in it are no longer
/// believed. They complain after 20 s; on an idle host a scenario waits a fraction of a second.
const STARVED: Duration = Duration::from_secs(5);

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
    Harness(lab_base::Error),
}

impl From<Trouble> for Halt {
    fn from(trouble: Trouble) -> Self {
        Halt::Trouble(trouble)
    }
}

impl From<lab_base::Error> for Halt {
    fn from(error: lab_base::Error) -> Self {
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

/// The clause of a check's id: `N3` of `part2/N3-lengths`. The stage's own name may have a dash.
pub fn clause(id: &str) -> &str {
    let (_, name) = id.split_once('/').unwrap_or_default();
    name.split('-').next().unwrap_or_default()
}

impl Scenario {
    /// The clause that it observes.
    pub fn clause(&self) -> &'static str {
        clause(self.id)
    }
}

/// A program that was started in the guest.
#[derive(Clone, Debug)]
pub struct Program {
    /// What it is called in the transcript.
    pub name: String,
    id: ProcessId,
    /// In the guest.
    pub pid: u32,
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
    /// Acknowledgements that came before what they acknowledge, by who got them.
    pub(crate) early_acks: Vec<(PortId, Datagram)>,
    leak_watch: Option<leaks::LeakWatch>,
    /// How much of the kernel's log is in the transcript.
    logged: usize,
    /// Whether the kernel's log is left out of the transcript.
    log_muted: bool,
    /// How much of each program's output has been waited for.
    used: HashMap<(ProcessId, Stream), usize>,
    /// How much of each program's output is in the transcript.
    shown: HashMap<(ProcessId, Stream), usize>,
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
    let mut run = scenario.run;
    improvise(scenario.id, &mut run, workshop, machine, seed, watch)
}

/// As [`perform`], for what is no scenario of a stage but made up as it goes on.
pub(crate) fn improvise(
    id: &'static str,
    run: &mut dyn FnMut(&mut Scene<'_>) -> Outcome,
    workshop: &Workshop,
    machine: &mut Machine,
    seed: u64,
    watch: &mut dyn FnMut(&Entry),
) -> Ended {
    let console_before = machine.look(|observed| observed.console.len());
    let starved_before = machine.starved();
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
        early_acks: Vec::new(),
        leak_watch: None,
        logged: 0,
        log_muted: false,
        used: HashMap::new(),
        shown: HashMap::new(),
        id,
    };
    let outcome = scene.begin().and_then(|taint| {
        run(&mut scene)?;
        Ok(taint)
    });
    let cleaned = match outcome {
        Ok(taint) => scene
            .clean_up()
            .and_then(|()| scene.check_taint(taint, console_before, starved_before)),
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
        && !workshop.subject.contract_only
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

    /// Whether a clause counts in this scenario. A submission is held to some of them in the checks of
    /// those clauses alone, so that one mistake does not cost all others; this checkout's own modules
    /// are held to all everywhere.
    pub(crate) fn counts(&self, wanted: &str) -> bool {
        self.counts_any(&[wanted])
    }

    /// Whether one of these clauses counts in this scenario.
    pub(crate) fn counts_any(&self, wanted: &[&str]) -> bool {
        !self.contract_only() || wanted.contains(&self.clause())
    }

    /// The clause that is observed.
    pub(crate) fn clause(&self) -> &'static str {
        clause(self.id)
    }

    /// Whether the contract is all that counts: the modules were handed in.
    pub(crate) fn contract_only(&self) -> bool {
        self.workshop.subject.contract_only
    }

    fn taint(&mut self) -> Outcome<u64> {
        let text = self.read("/proc/sys/kernel/tainted")?;
        text.trim()
            .parse()
            .map_err(|_| Trouble::Lost(format!("the taint mask is {text:?}")).into())
    }

    /// The kernel must not have complained behind our back. A watchdog may, if the host had no
    /// processor for the machine: what took too long has come to its end.
    fn check_taint(
        &mut self,
        before: u64,
        console_before: usize,
        starved_before: Duration,
    ) -> Outcome {
        let after = self.taint()?;
        let starved = self.machine.starved().saturating_sub(starved_before) >= STARVED;
        let harmless = if starved {
            HARMLESS_TAINT | LOCKUP_TAINT
        } else {
            HARMLESS_TAINT
        };
        let new = (after & !before) & !harmless;
        let console = self.machine.look(|observed| {
            String::from_utf8_lossy(&observed.console[console_before..]).into_owned()
        });
        let report = if starved {
            lab_console::first_fault(&console)
        } else {
            lab_console::first_report(&console)
        };
        if new == 0 && report.is_none() {
            return Ok(());
        }
        let got = report.map_or_else(
            || format!("taint mask {new:#x}"),
            |report| self.headline(&report),
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
        let report = complaint(&self.machine.console());
        let (status, finding) = match halt {
            Halt::Fail { expected, got } => (
                Status::Fail,
                self.finding(expected.clone(), got.clone(), false),
            ),
            Halt::Trouble(Trouble::Ended { why, killed: true }) => {
                (Status::Error, self.finding(alive, why.clone(), true))
            }
            Halt::Trouble(Trouble::Ended { why, killed: false }) => {
                let silent =
                    || format!("{}: the machine ended without a word: {why}", Class::Reboot);
                let got = report
                    .as_ref()
                    .map_or_else(silent, |report| self.headline(report));
                let mut finding = self.finding(alive, got, true);
                finding.class.get_or_insert(Class::Reboot);
                (Status::Crash, finding)
            }
            // Nothing of the module's can have kept the agent from answering.
            Halt::Trouble(trouble @ Trouble::Hung { .. })
                if self.modules.is_empty() && report.is_none() =>
            {
                let wanted = "the agent answers".to_owned();
                let finding = self.finding(wanted, trouble.to_string(), true);
                (Status::Error, finding)
            }
            Halt::Trouble(trouble @ Trouble::Hung { .. }) => {
                let (status, got) = match report {
                    // That it hangs is what the watchdogs complain about, too.
                    Some(report) if report.class.is_stall() => (
                        Status::Timeout,
                        format!("{trouble}; {}", self.headline(&report)),
                    ),
                    Some(report) => (Status::Crash, self.headline(&report)),
                    None => (Status::Timeout, trouble.to_string()),
                };
                (status, self.finding("the kernel returns".into(), got, true))
            }
            Halt::Trouble(Trouble::Lost(why)) => (
                Status::Error,
                self.finding("the agent answers".into(), why.clone(), true),
            ),
            Halt::Harness(error @ lab_base::Error::Absent { .. }) => (
                Status::Blocked,
                self.finding("it is there".into(), error.to_string(), false),
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

    /// A report in one line, with the line of the source if that can be found out.
    fn headline(&self, report: &Report) -> String {
        report.headline(self.workshop.source_of(report).as_ref())
    }

    /// A finding, with the console if that says more.
    fn finding(&self, expected: String, got: String, with_console: bool) -> Finding {
        let mut finding = Finding {
            expected,
            got,
            class: None,
            excerpt: None,
            console: None,
        };
        if with_console {
            let text = self.machine.console();
            let report = complaint(&text);
            finding.class = report.as_ref().map(|report| report.class);
            finding.excerpt =
                Some(report.map_or_else(|| lab_console::tail(&text, 10), |report| report.excerpt));
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

    /// Kill what runs, take out what is in. A module that was handed in stays: what its removal does
    /// is the matter of the checks that remove it, and the machine is not used again.
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
        if self.contract_only() {
            return Ok(());
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
}

/// What the kernel complains of. What a watchdog says may be the host's fault, and comes last.
fn complaint(console: &str) -> Option<Report> {
    lab_console::first_fault(console).or_else(|| lab_console::first_report(console))
}

/// Whether a line of the log is a module's own, and not what any kernel says of any module once.
fn is_from(text: &str, module: &str) -> bool {
    text.strip_prefix(module)
        .and_then(|rest| rest.strip_prefix(": "))
        .is_some_and(|said| !said.contains("taints kernel") && !said.contains("tainting kernel"))
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
