// SPDX-License-Identifier: MIT OR Apache-2.0
//! The verdict on a halt: a failure, a crash of the kernel, a call that does not return, or a
//! problem of the lab itself.

use lab_console::{Class, KernelReport};
use lab_machine::Trouble;

use crate::{
    halt::Halt,
    scene::Scene,
    transcript::{Entry, Failure, Status, Verdict},
};

/// The observation that a peer has received nothing.
const NOTHING: &str = "nothing in time";

impl Scene<'_> {
    /// Give the verdict on a halt, unless its step has given one.
    pub(crate) fn conclude(&mut self, halt: Halt) {
        let given = self
            .transcript
            .verdicts()
            .any(|verdict| verdict.status != Status::Pass);
        if !given {
            let verdict = self.verdict_on(&halt);
            self.record(Entry::Verdict(verdict));
        }
    }

    pub(crate) fn verdict_on(&mut self, halt: &Halt) -> Verdict {
        let alive = "the machine lives".to_owned();
        let report = complaint(&self.machine.console());
        let (status, failure) = match halt {
            Halt::Fail { expected, got } => {
                let got = self.in_full(got);
                (Status::Fail, self.failure(expected.clone(), got, false))
            }
            Halt::Trouble(Trouble::Ended { why, killed: true }) => {
                (Status::Error, self.failure(alive, why.clone(), true))
            }
            Halt::Trouble(Trouble::Ended { why, killed: false }) => {
                let silent = || {
                    format!(
                        "{}: the machine ended without a report: {why}",
                        Class::Reboot
                    )
                };
                let got = report
                    .as_ref()
                    .map_or_else(silent, |report| self.headline(report));
                let mut failure = self.failure(alive, got, true);
                failure.class.get_or_insert(Class::Reboot);
                (Status::Crash, failure)
            }
            // Neither a module nor a submission can be the reason.
            Halt::Trouble(trouble @ Trouble::Hung { .. })
                if self.modules.is_empty() && !self.theirs_has_run && report.is_none() =>
            {
                let wanted = "the agent answers".to_owned();
                let failure = self.failure(wanted, trouble.to_string(), true);
                (Status::Error, failure)
            }
            Halt::Trouble(trouble @ Trouble::Hung { .. }) => {
                let is_reported = report.is_some();
                let (status, mut got) = match report {
                    // The watchdogs complain about the same hang.
                    Some(report) if report.class.is_stall() => (
                        Status::Timeout,
                        format!("{trouble}; {}", self.headline(&report)),
                    ),
                    Some(report) => (Status::Crash, self.headline(&report)),
                    None => (Status::Timeout, trouble.to_string()),
                };
                // Before the kernel is asked for more, which it prints on the console.
                let mut failure = self.failure("the kernel returns".into(), String::new(), true);
                if status == Status::Timeout {
                    got += &self.stuck(None, is_reported);
                }
                failure.got = got;
                (status, failure)
            }
            Halt::Trouble(Trouble::Lost(why)) if self.theirs_has_run => (
                Status::Fail,
                self.failure(
                    "only the agent writes to the agent's port, and logs stay small".into(),
                    why.clone(),
                    true,
                ),
            ),
            Halt::Trouble(Trouble::Lost(why) | Trouble::Host(why)) => (
                Status::Error,
                self.failure("the agent answers".into(), why.clone(), true),
            ),
            Halt::Harness(error @ lab_base::Error::Absent { .. }) => (
                Status::Blocked,
                self.failure("this part was submitted".into(), error.to_string(), false),
            ),
            Halt::Harness(error) => (
                Status::Error,
                self.failure("the lab works".into(), error.to_string(), false),
            ),
        };
        Verdict {
            status,
            got: Some(failure),
        }
    }

    /// An observation with what else is known about it, in further lines.
    fn in_full(&mut self, got: &str) -> String {
        let silence = match got {
            NOTHING if self.peers > 0 => self.silence(),
            _ => String::new(),
        };
        let complaints = self.complaints(got);
        format!("{got}{silence}{complaints}")
    }

    /// A report in one line, with the source line if it can be found.
    pub(crate) fn headline(&self, report: &KernelReport) -> String {
        report.headline(self.workshop.source_of(report).as_ref())
    }

    /// A failure, with the console if `with_console`.
    pub(crate) fn failure(&self, expected: String, got: String, with_console: bool) -> Failure {
        let mut failure = Failure {
            expected,
            got,
            class: None,
            excerpt: None,
            console: None,
        };
        if with_console {
            let text = self.machine.console();
            let report = complaint(&text);
            failure.class = report.as_ref().map(|report| report.class);
            failure.excerpt =
                Some(report.map_or_else(|| lab_console::tail(&text, 10), |report| report.excerpt));
            let file = self.workshop.console_file(self.id);
            if self.machine.keep_console(&file).is_ok() {
                failure.console = Some(file);
            }
        }
        failure
    }
}

/// The kernel's complaint. Those of a watchdog may be caused by a busy host, and come last.
fn complaint(console: &str) -> Option<KernelReport> {
    lab_console::first_fault(console).or_else(|| lab_console::first_report(console))
}
