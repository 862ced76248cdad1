// SPDX-License-Identifier: MIT OR Apache-2.0
//! The record of a scenario: actions, observations, verdicts. Pure.

use std::{collections::HashMap, fmt, path::PathBuf, sync::LazyLock};

use lab_console::Class;
use regex::{Captures, Regex};
use serde::{Deserialize, Serialize};

/// How a step or a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As expected.
    Pass,
    /// It was not carried out, because something it depends on is missing or has not passed.
    Blocked,
    /// The observation differs from the expectation.
    Fail,
    /// The kernel complained or died.
    Crash,
    /// A call into the kernel did not return.
    Timeout,
    /// The machinery failed; the code under test is not the cause.
    Error,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Status::Pass => "pass",
            Status::Blocked => "blocked",
            Status::Fail => "FAIL",
            Status::Crash => "CRASH",
            Status::Timeout => "TIMEOUT",
            Status::Error => "ERROR",
        })
    }
}

/// The result of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// How it ended.
    pub status: Status,
    /// The observation, unless it passed.
    pub got: Option<Failure>,
}

/// An observation that differs from the expectation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The exact expectation.
    pub expected: String,
    /// The observation.
    pub got: String,
    /// The class of the kernel's report, if there is one.
    pub class: Option<Class>,
    /// The kernel's report, from its first line, or the end of its console.
    pub excerpt: Option<String>,
    /// Path of the whole console.
    pub console: Option<PathBuf>,
}

/// The kind of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LineKind {
    /// An action.
    Does,
    /// A line was typed into a program.
    Types,
    /// A program wrote a line to stdout.
    Prints,
    /// A program wrote a line to stderr.
    Complains,
    /// The kernel logged a line.
    Logs,
}

/// One entry of the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Entry {
    /// A step begins.
    Step {
        /// From 1.
        number: usize,
        /// Its action.
        title: String,
        /// Its expectation.
        expected: String,
    },
    /// Something happened.
    Line {
        /// A program, `kernel` or `host`.
        who: String,
        /// The kind of line.
        kind: LineKind,
        /// The text of the line.
        text: String,
    },
    /// A step has ended.
    Verdict(Verdict),
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Entry::Step { number, title, .. } => write!(f, "{number}. {title}"),
            Entry::Line { who, kind, text } => {
                let mark = match kind {
                    LineKind::Does => " ",
                    LineKind::Types => "<",
                    LineKind::Prints => ">",
                    LineKind::Complains => "!",
                    LineKind::Logs => "|",
                };
                write!(f, "   {who:<14} {mark} {text}")
            }
            Entry::Verdict(Verdict { status, got: None }) => write!(f, "   {status}"),
            Entry::Verdict(Verdict {
                status,
                got: Some(failure),
            }) => {
                let Failure {
                    expected,
                    got,
                    class,
                    excerpt,
                    console,
                } = failure;
                write!(
                    f,
                    "   {status}\n     expected: {expected}\n     got:      {got}"
                )?;
                if let Some(class) = class {
                    write!(f, "\n     meaning:  {}", class.meaning())?;
                }
                if let Some(excerpt) = excerpt {
                    for line in excerpt.lines() {
                        write!(f, "\n       {line}")?;
                    }
                }
                if let Some(console) = console {
                    write!(f, "\n     whole console: {}", console.display())?;
                }
                Ok(())
            }
        }
    }
}

/// One step of a record and its verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepResult<'a> {
    /// Number, title and expectation; `None` for a verdict after the last step.
    pub step: Option<(usize, &'a str, &'a str)>,
    /// How it ended; `None` while it is carried out.
    pub verdict: Option<&'a Verdict>,
}

/// All entries of one run of a scenario.
#[derive(Clone, Debug, Default)]
pub struct Transcript {
    /// In order.
    pub entries: Vec<Entry>,
    /// Names of the processes and sockets, by the numbers that they had in this run.
    pub names: HashMap<u64, String>,
}

impl Transcript {
    /// The verdicts, in order.
    pub fn verdicts(&self) -> impl Iterator<Item = &Verdict> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Verdict(verdict) => Some(verdict),
            _ => None,
        })
    }

    /// The steps in order, each with its verdict. A step that is carried out has none yet.
    pub fn steps(&self) -> Vec<StepResult<'_>> {
        let mut steps: Vec<StepResult<'_>> = Vec::new();
        for entry in &self.entries {
            match entry {
                Entry::Step {
                    number,
                    title,
                    expected,
                } => steps.push(StepResult {
                    step: Some((*number, title, expected)),
                    verdict: None,
                }),
                Entry::Line { .. } => {}
                Entry::Verdict(verdict) => match steps.last_mut() {
                    Some(step) if step.verdict.is_none() => step.verdict = Some(verdict),
                    _ => steps.push(StepResult {
                        step: None,
                        verdict: Some(verdict),
                    }),
                },
            }
        }
        steps
    }

    /// The worst status. A scenario without any verdict has not been carried out.
    pub fn status(&self) -> Status {
        self.verdicts()
            .map(|verdict| verdict.status)
            .max_by_key(|status| match status {
                Status::Pass => 0,
                Status::Blocked => 1,
                Status::Fail => 2,
                Status::Timeout => 3,
                Status::Crash => 4,
                Status::Error => 5,
            })
            .unwrap_or(Status::Error)
    }

    /// The record with names instead of numbers that differ in each run. Snapshots are made of it.
    pub fn normalised(&self) -> String {
        let mut text = String::new();
        for entry in &self.entries {
            if let Entry::Step { expected, .. } = entry {
                text += &format!("{entry}\n   expected: {expected}\n");
            } else {
                text += &format!("{entry}\n");
            }
        }
        NUMBER
            .replace_all(&text, |found: &Captures<'_>| {
                let name = found[2]
                    .parse()
                    .ok()
                    .and_then(|number: u64| self.names.get(&number));
                format!("{} <{}>", &found[1], name.map_or("unknown", String::as_str))
            })
            .into_owned()
    }
}

/// Numbers that the kernel chose. 0 is always the kernel itself.
static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "a constant that the tests use")]
    Regex::new(r"(\bportid|\bpid|--from) ([1-9]\d*)\b").expect("a valid pattern")
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_names_and_the_kernel_stays_zero() {
        let line = |text: &str| Entry::Line {
            who: "kernel".into(),
            kind: LineKind::Logs,
            text: text.into(),
        };
        let transcript = Transcript {
            entries: vec![
                line("message 87 to portid 87, 87 bytes"),
                line("pid 12 from portid 0, portid 870"),
                line("--from 87"),
            ],
            names: [(87, "A".to_owned()), (12, "B".to_owned())].into(),
        };
        assert_eq!(
            transcript.normalised(),
            "   kernel         | message 87 to portid <A>, 87 bytes\n   \
             kernel         | pid <B> from portid 0, portid <unknown>\n   \
             kernel         | --from <A>\n"
        );
    }

    #[test]
    fn each_step_has_its_verdict_and_one_may_come_after_the_last() {
        let step = |number| Entry::Step {
            number,
            title: "do".into(),
            expected: "done".into(),
        };
        let pass = Verdict {
            status: Status::Pass,
            got: None,
        };
        let crash = Verdict {
            status: Status::Crash,
            got: None,
        };
        let mut transcript = Transcript {
            entries: vec![step(1), Entry::Verdict(pass.clone()), step(2)],
            ..Transcript::default()
        };
        let of = |number, verdict| StepResult {
            step: Some((number, "do", "done")),
            verdict,
        };
        assert_eq!(transcript.steps(), [of(1, Some(&pass)), of(2, None)]);
        transcript
            .entries
            .extend([pass.clone(), crash.clone()].map(Entry::Verdict));
        let after = StepResult {
            step: None,
            verdict: Some(&crash),
        };
        assert_eq!(
            transcript.steps(),
            [of(1, Some(&pass)), of(2, Some(&pass)), after]
        );
    }

    #[test]
    fn the_worst_verdict_counts_and_none_is_an_error() {
        let verdict = |status| Entry::Verdict(Verdict { status, got: None });
        let mut transcript = Transcript::default();
        assert_eq!(transcript.status(), Status::Error);
        transcript.entries = vec![verdict(Status::Crash), verdict(Status::Pass)];
        assert_eq!(transcript.status(), Status::Crash);
    }
}
