// SPDX-License-Identifier: MIT OR Apache-2.0
//! The outcome of one check, taken from the record of its scenario. Pure.

use std::time::Duration;

use lab_console::{Class, lasting};
use lab_scene::transcript::{Entry, LineKind, Status, Transcript};

use super::safe_text::SafeText;

/// The outcome of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckOutcome {
    /// How it ended.
    pub status: Status,
    /// How long it took.
    pub time: Duration,
    /// The last action before it failed.
    pub done: Option<SafeText>,
    /// The expectation.
    pub expected: Option<SafeText>,
    /// The observation.
    pub got: Option<SafeText>,
    /// The kernel's report, if there is one.
    pub report: Option<SafeText>,
    /// The meaning of the report, and where to look first.
    pub meaning: Option<&'static str>,
    /// The class of the report.
    pub class: Option<Class>,
}

impl CheckOutcome {
    /// An outcome without a scenario: a module that does not compile, a machine that does not boot.
    pub fn new(status: Status, expected: impl Into<SafeText>, got: impl Into<SafeText>) -> Self {
        CheckOutcome {
            expected: Some(expected.into()),
            got: Some(got.into()),
            ..Self::bare(status, Duration::ZERO)
        }
    }

    fn bare(status: Status, time: Duration) -> Self {
        CheckOutcome {
            status,
            time,
            done: None,
            expected: None,
            got: None,
            report: None,
            meaning: None,
            class: None,
        }
    }

    pub(super) fn planned() -> Self {
        let expected = "it is carried out and says how it ended";
        Self::new(Status::Error, expected, "it was not carried out")
    }

    /// Whether the check was not carried out.
    pub(super) fn is_planned(&self) -> bool {
        *self == Self::planned()
    }

    pub(super) fn blocked(parent: &str, status: Status) -> Self {
        Self::new(
            Status::Blocked,
            format!("first, {parent} passes"),
            format!("{status}; this check was not carried out"),
        )
    }

    /// The outcome with one more line about what was done.
    pub(super) fn noting(mut self, text: &str) -> Self {
        let done = self.done.take().unwrap_or_default();
        self.done = Some(format!("{}\n{text}", &*done).trim_start().into());
        self
    }

    /// The outcome of a check that the user has interrupted. Its last action is told.
    pub(super) fn interrupted(self) -> Self {
        let got = format!("interrupted after {:.0} s", self.time.as_secs_f64());
        CheckOutcome {
            time: self.time,
            done: self.done,
            ..Self::new(Status::Error, "the check is carried to its end", got)
        }
    }

    pub(super) fn without_details(self) -> Self {
        CheckOutcome {
            class: self.class,
            ..Self::bare(self.status, self.time)
        }
    }

    /// The outcome of a scenario, and its time.
    pub fn of(transcript: &Transcript, time: Duration) -> Self {
        let status = transcript.status();
        let mut outcome = Self::bare(status, time);
        if status == Status::Pass {
            return outcome;
        }
        let worst = |entry: &Entry| matches!(entry, Entry::Verdict(it) if it.status == status);
        let Some(at) = transcript.entries.iter().position(worst) else {
            return Self::planned();
        };
        outcome.done = done(&transcript.entries[..at]);
        if let Entry::Verdict(verdict) = &transcript.entries[at]
            && let Some(failure) = &verdict.got
        {
            outcome.expected = Some(failure.expected.as_str().into());
            // The same submission gets the same report; the whole is in the console's file.
            outcome.got = Some(match failure.class {
                Some(_) => lasting(&failure.got).into(),
                None => failure.got.as_str().into(),
            });
            outcome.report = failure.excerpt.as_deref().map(|it| lasting(it).into());
            outcome.meaning = failure.class.map(Class::meaning);
            outcome.class = failure.class;
        }
        outcome
    }

    /// Its details, each with a name: the action, the expectation, the observation.
    pub fn details(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("done", self.done.as_deref()),
            ("expected", self.expected.as_deref()),
            ("got", self.got.as_deref()),
            ("meaning", self.meaning),
            ("kernel", self.report.as_deref()),
        ]
        .into_iter()
        .filter_map(|(name, text)| Some((name, text?)))
    }
}

/// A check that met a report, and its outcome on another kernel.
#[derive(Clone, Debug)]
pub(crate) struct Again {
    /// Class and place of the report.
    pub(crate) met: SafeText,
    pub(crate) outcome: CheckOutcome,
}

impl Again {
    /// A check that has crashed, judged again.
    pub(crate) fn new(crashed: &CheckOutcome, outcome: CheckOutcome) -> Option<Self> {
        let met = crashed.got.clone()?;
        Some(Again { met, outcome })
    }

    /// Whether the other kernel lets the check pass.
    pub(crate) fn passes(&self) -> bool {
        self.outcome.status == Status::Pass
    }
}

/// The last action: the step, if one had begun, and the last line in it.
fn done(before: &[Entry]) -> Option<SafeText> {
    let mut step = None;
    let mut line = None;
    for entry in before {
        match entry {
            Entry::Step { title, .. } => (step, line) = (Some(title), None),
            Entry::Line {
                who,
                kind: LineKind::Does | LineKind::Types,
                text,
            } => line = Some(format!("{who} {text}")),
            Entry::Line { .. } => {}
            Entry::Verdict(_) => (step, line) = (None, None),
        }
    }
    let done = match (step, line) {
        (Some(step), Some(line)) => format!("{step} (last: {line})"),
        (Some(step), None) => step.clone(),
        (None, line) => line?,
    };
    Some(done.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_scene::transcript::{Failure, Verdict};

    fn step(title: &str) -> Entry {
        Entry::Step {
            number: 1,
            title: title.into(),
            expected: "works".into(),
        }
    }

    fn line(text: &str) -> Entry {
        Entry::Line {
            who: "student".into(),
            kind: LineKind::Does,
            text: text.into(),
        }
    }

    fn verdict(status: Status, class: Option<Class>) -> Entry {
        let failure = Failure {
            expected: "the machine lives".into(),
            got: "it does not".into(),
            class,
            excerpt: class.map(|_| "Oops\nRIP".into()),
            console: None,
        };
        Entry::Verdict(Verdict {
            status,
            got: (status != Status::Pass).then_some(failure),
        })
    }

    fn outcome(entries: Vec<Entry>) -> CheckOutcome {
        let transcript = Transcript {
            entries,
            ..Transcript::default()
        };
        CheckOutcome::of(&transcript, Duration::from_secs(1))
    }

    #[test]
    fn what_was_done_last_is_told_with_its_step() {
        let pass = verdict(Status::Pass, None);
        let crash = verdict(Status::Crash, Some(Class::UseAfterFree));
        let outcome = outcome(vec![
            step("open"),
            line("opens it"),
            pass,
            step("write"),
            line("chooses 5"),
            line("writes 7 bytes"),
            crash,
        ]);
        assert_eq!(outcome.status, Status::Crash);
        assert_eq!(
            outcome.done,
            Some("write (last: student writes 7 bytes)".into())
        );
        assert_eq!(outcome.meaning, Some(Class::UseAfterFree.meaning()));
        assert_eq!(outcome.report, Some("Oops\nRIP".into()));
    }

    #[test]
    fn outside_of_a_step_the_last_act_counts() {
        let fail = || verdict(Status::Fail, None);
        let outside = outcome(vec![line("inserts it"), fail()]);
        assert_eq!(outside.done, Some("student inserts it".into()));
        assert_eq!(outcome(vec![fail()]).done, None);
        // A step that has passed does not count.
        let pass = verdict(Status::Pass, None);
        let after = outcome(vec![step("open"), line("opens it"), pass, fail()]);
        assert_eq!(after.done, None);
    }

    #[test]
    fn a_scenario_without_a_verdict_is_an_error() {
        assert_eq!(outcome(vec![step("open")]), CheckOutcome::planned());
    }

    #[test]
    fn of_what_passed_nothing_is_told() {
        let pass = outcome(vec![step("open"), verdict(Status::Pass, None)]);
        assert_eq!(
            pass,
            CheckOutcome::bare(Status::Pass, Duration::from_secs(1))
        );
    }
}
