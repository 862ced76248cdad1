// SPDX-License-Identifier: MIT OR Apache-2.0
//! The state of a scenario while it runs: the record, its steps, and the machine.
//!
//! A scenario is a straight-line function over a [`Scene`]: insert a module, start programs, type,
//! expect, stop. Its record, the [`Transcript`], is the demonstration that a student watches and
//! the snapshot that the tests compare. Expected values stay on this side; the guest never sees
//! them.

use std::collections::HashMap;

use lab_agent::{ProcessId, Stream};
use lab_machine::Machine;
use protocol::netlink::PortId;

use crate::{
    datagram::Datagram,
    detail::Detail,
    halt::Outcome,
    leak_watch::LeakWatch,
    transcript::{Entry, LineKind, Status, Transcript, Verdict},
    workshop::Workshop,
};

/// A program that was started in the guest.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its name in the transcript.
    pub name: String,
    pub(crate) id: ProcessId,
    /// Its number in the guest.
    pub pid: u32,
}

/// The clause of a check's id: `N3` of `part2/N3-lengths`. The stage's own name may have a dash.
pub fn clause(id: &str) -> &str {
    let (_, name) = id.split_once('/').unwrap_or_default();
    name.split('-').next().unwrap_or_default()
}

/// A scenario while it runs.
pub struct Scene<'a> {
    /// The machine that it runs on.
    pub machine: &'a mut Machine,
    pub(crate) workshop: &'a Workshop,
    /// Its record so far.
    pub transcript: Transcript,
    pub(crate) watch: &'a mut dyn FnMut(&Entry),
    /// Source of payloads; the same seed gives the same ones.
    pub rng: fastrand::Rng,
    pub(crate) step: usize,
    pub(crate) programs: Vec<Program>,
    /// How many [`crate::peer::Peer`]s were made.
    pub(crate) peers: u32,
    /// Programs whose output differs in each run and is not in the record.
    pub(crate) muted: Vec<ProcessId>,
    pub(crate) modules: Vec<String>,
    /// Acknowledgements that came before the answer to their request, by receiver.
    pub(crate) early_acks: Vec<(PortId, Datagram)>,
    pub(crate) leak_watch: Option<LeakWatch>,
    /// Whether code of a submission has run on this machine.
    pub(crate) theirs_has_run: bool,
    /// How much of the kernel's log is in the transcript.
    pub(crate) logged: usize,
    /// Whether the kernel's log is left out of the transcript.
    pub(crate) log_muted: bool,
    /// How much of each program's output an expectation has read.
    pub(crate) used: HashMap<(ProcessId, Stream), usize>,
    /// How much of each program's output is in the transcript.
    pub(crate) shown: HashMap<(ProcessId, Stream), usize>,
    pub(crate) id: &'static str,
    /// The details that the scenario judges besides its clause.
    pub(crate) details: &'static [Detail],
}

impl Scene<'_> {
    /// Whether a clause counts in this scenario. A submission is held to some clauses only in their
    /// own checks, so that one mistake does not cost all others. This checkout's own modules are
    /// held to all clauses everywhere.
    pub fn counts(&self, wanted: &str) -> bool {
        self.counts_any(&[wanted])
    }

    /// Whether one of these clauses counts in this scenario.
    pub fn counts_any(&self, wanted: &[&str]) -> bool {
        !self.contract_only() || wanted.contains(&self.clause())
    }

    /// Whether this scenario holds the modules to a detail.
    pub fn judges(&self, detail: Detail) -> bool {
        !self.contract_only() || self.details.contains(&detail)
    }

    /// The clause of this scenario.
    pub fn clause(&self) -> &'static str {
        clause(self.id)
    }

    /// Whether only the contract counts, because the modules were submitted.
    pub fn contract_only(&self) -> bool {
        self.workshop.subject.contract_only
    }

    /// Make an entry in the record.
    pub(crate) fn record(&mut self, entry: Entry) {
        (self.watch)(&entry);
        self.transcript.entries.push(entry);
    }

    /// Note an action.
    pub fn note(&mut self, who: &str, kind: LineKind, text: impl Into<String>) {
        self.record(Entry::Line {
            who: who.to_owned(),
            kind,
            text: text.into(),
        });
    }

    /// One step: it begins, `act` is carried out, the log and the output of programs are noted, a
    /// verdict is given. A failure ends the scenario.
    ///
    /// # Errors
    /// The [`crate::Halt`] of `act`, which is already in the record.
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
                // Output up to the failure helps to understand it.
                let end = self.machine.look(|observed| observed.log.len());
                self.show_log(end);
                self.show_output();
                let verdict = self.verdict_on(&halt);
                self.record(Entry::Verdict(verdict));
                Err(halt)
            }
        }
    }

    /// Note the log lines of the lab's modules, up to `end`.
    pub(crate) fn show_log(&mut self, end: usize) {
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
            self.note("kernel", LineKind::Logs, text);
        }
    }
}

/// Whether a line of the log is a module's own. The kernel itself logs some lines about a module
/// once.
pub(crate) fn is_from(text: &str, module: &str) -> bool {
    text.strip_prefix(module)
        .and_then(|rest| rest.strip_prefix(": "))
        .is_some_and(|said| !said.contains("taints kernel") && !said.contains("tainting kernel"))
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
}
