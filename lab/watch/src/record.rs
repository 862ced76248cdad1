// SPDX-License-Identifier: MIT OR Apache-2.0
//! One run of a step: what the worker has reported of it. Pure.

use std::time::{Duration, Instant};

use lab_course::plan::Said;
use lab_scene::transcript::{Entry, Status, StepResult, Transcript};

use crate::messages::{Beginning, Report};

/// A run that goes on or has ended.
#[derive(Debug)]
pub(crate) struct Run {
    /// Why it was begun.
    pub(crate) because: String,
    /// When the code was saved, or the key pressed.
    pub(crate) began: Instant,
    /// Time until the verdict.
    pub(crate) took: Option<Duration>,
    pub(crate) beginning: Option<Beginning>,
    pub(crate) transcript: Transcript,
    /// What the compiler said of code that it accepted.
    pub(crate) words: Vec<String>,
    /// What the worker is doing, if that takes long.
    pub(crate) doing: Option<String>,
    /// What is next, and what the demonstration did not look at.
    pub(crate) after: Vec<Said>,
    pub(crate) end: Option<End>,
    /// Whether code has changed since it began.
    pub(crate) is_old: bool,
}

/// How a run has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The demonstration was carried out.
    Shown,
    /// The code does not compile.
    Compile { what: String, output: String },
    /// The lab could not do its work.
    Failed(String),
    /// The user went on before it ended.
    Stopped,
}

/// The state of a run, in a word or two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Running,
    Stopped,
    Pass,
    /// Of the first step that did not pass.
    Bad(Status),
    /// The code does not compile.
    Broken,
    /// The lab could not do its work.
    Failed,
}

impl State {
    pub(crate) fn word(self) -> String {
        match self {
            State::Running => "running".to_owned(),
            State::Stopped => "stopped".to_owned(),
            State::Pass => Status::Pass.to_string(),
            State::Bad(status) => status.to_string(),
            State::Broken => "FAIL".to_owned(),
            State::Failed => Status::Error.to_string(),
        }
    }
}

impl Run {
    pub(crate) fn new(because: String, began: Instant) -> Self {
        Run {
            because,
            began,
            took: None,
            beginning: None,
            transcript: Transcript::default(),
            words: Vec::new(),
            doing: None,
            after: Vec::new(),
            end: None,
            is_old: false,
        }
    }

    /// Add what the worker has reported.
    pub(crate) fn add(&mut self, report: Report, now: Instant) {
        match report {
            Report::Built => self.doing = None,
            Report::Begun(beginning) => self.beginning = Some(beginning),
            Report::Entry(entry) => self.transcript.entries.push(entry),
            Report::After(said) => self.after = said,
            Report::Ended => self.end = Some(End::Shown),
            Report::Compile { what, output } => self.end = Some(End::Compile { what, output }),
            Report::Failed(why) => self.end = Some(End::Failed(why)),
        }
        if self.end.is_some() || self.first_bad().is_some() {
            self.took
                .get_or_insert(now.saturating_duration_since(self.began));
        }
    }

    /// Add a line that the worker has written to stderr.
    pub(crate) fn add_words(&mut self, line: String) {
        if is_progress(&line) {
            self.doing = Some(line);
        } else {
            self.words.push(line);
        }
    }

    /// The first step that has not passed.
    pub(crate) fn first_bad(&self) -> Option<StepResult<'_>> {
        let is_bad = |step: &StepResult<'_>| {
            let verdict = step.verdict.as_ref();
            verdict.is_some_and(|verdict| verdict.status != Status::Pass)
        };
        self.transcript.steps().into_iter().find(is_bad)
    }

    /// How many steps have passed.
    pub(crate) fn passed(&self) -> usize {
        let verdicts = self.transcript.verdicts();
        verdicts
            .filter(|verdict| verdict.status == Status::Pass)
            .count()
    }

    /// Its state. A failure is known before the run has ended.
    pub(crate) fn state(&self) -> State {
        if let Some(verdict) = self.first_bad().and_then(|step| step.verdict) {
            return State::Bad(verdict.status);
        }
        match &self.end {
            None => State::Running,
            Some(End::Shown) if self.passed() == 0 => State::Failed,
            Some(End::Shown) => State::Pass,
            Some(End::Compile { .. }) => State::Broken,
            Some(End::Failed(_)) => State::Failed,
            Some(End::Stopped) => State::Stopped,
        }
    }

    /// The entries of a step, by its number.
    pub(crate) fn lines_of(&self, wanted: usize) -> impl Iterator<Item = &Entry> {
        let entries = self.transcript.entries.iter();
        entries
            .skip_while(
                move |entry| !matches!(entry, Entry::Step { number, .. } if *number == wanted),
            )
            .skip(1)
            .take_while(|entry| matches!(entry, Entry::Line { .. }))
    }
}

/// Whether a line says what the lab is doing: `starting lab 6.12.117 ...`, or the name of a crate that
/// is compiled (`lab_base::progress`). Other lines are the compiler's.
fn is_progress(line: &str) -> bool {
    let of_crate = line.starts_with("building ") && line.contains(": ");
    of_crate || line.ends_with(" ...")
}

#[cfg(test)]
mod tests {
    use lab_scene::transcript::{LineKind, Verdict};

    use super::*;

    pub(crate) fn verdict(status: Status) -> Report {
        Report::Entry(Entry::Verdict(Verdict { status, got: None }))
    }

    pub(crate) fn step(number: usize) -> Report {
        Report::Entry(Entry::Step {
            number,
            title: format!("do {number}"),
            expected: "done".into(),
        })
    }

    #[test]
    fn a_failure_is_known_before_the_end_and_a_pass_only_then() {
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let mut run = Run::new("start".into(), begin);
        run.add(step(1), at(1));
        run.add(verdict(Status::Pass), at(2));
        assert_eq!(run.state(), State::Running);
        run.add(step(2), at(2));
        run.add(verdict(Status::Timeout), at(3));
        assert_eq!(run.state(), State::Bad(Status::Timeout));
        run.add(Report::Ended, at(9));
        assert_eq!(run.took, Some(Duration::from_secs(3)));
        assert_eq!(run.state(), State::Bad(Status::Timeout));

        let mut run = Run::new("start".into(), begin);
        run.add(step(1), at(1));
        run.add(verdict(Status::Pass), at(2));
        run.add(Report::Ended, at(4));
        assert_eq!(run.state(), State::Pass);
        assert_eq!(run.took, Some(Duration::from_secs(4)));
    }

    #[test]
    fn a_run_in_which_nothing_was_judged_is_no_pass() {
        let now = Instant::now();
        let mut run = Run::new("start".into(), now);
        run.add(Report::Ended, now);
        assert_eq!(run.state(), State::Failed);
    }

    #[test]
    fn the_words_of_the_compiler_are_told_from_progress() {
        let mut run = Run::new("start".into(), Instant::now());
        for line in [
            "building nl_hello.ko for lab 6.12.117 ...",
            "/work/kernel/nl_hello/nl_hello.c:12:5: warning: unused variable 'x'",
            "building programs for the guest: nix",
        ] {
            run.add_words(line.to_owned());
        }
        assert_eq!(run.words.len(), 1);
        let doing = run.doing.as_deref();
        assert_eq!(doing, Some("building programs for the guest: nix"));
    }

    #[test]
    fn the_lines_of_a_step_end_with_it() {
        let now = Instant::now();
        let line = |text: &str| {
            Report::Entry(Entry::Line {
                who: "kernel".into(),
                kind: LineKind::Logs,
                text: text.into(),
            })
        };
        let mut run = Run::new("start".into(), now);
        for report in [
            step(1),
            line("a"),
            verdict(Status::Pass),
            step(2),
            line("b"),
        ] {
            run.add(report, now);
        }
        assert_eq!(run.lines_of(1).count(), 1);
        assert_eq!(run.lines_of(2).count(), 1);
        assert_eq!(run.lines_of(3).count(), 0);
    }
}
