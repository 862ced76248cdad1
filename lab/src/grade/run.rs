// SPDX-License-Identifier: MIT OR Apache-2.0
//! Carrying out checks: each on a pristine machine of its own, several at a time, parents first.

use std::{
    collections::HashMap,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crate::{
    console::Class,
    paths,
    scene::{Ended, Scenario, perform},
    transcript::{Entry, Finding, Kind, Status, Transcript},
    workshop::Workshop,
};

/// A check that is to be carried out.
#[derive(Clone)]
pub struct Planned {
    /// Its id; there is no other with the same.
    pub id: String,
    /// What is done.
    pub scenario: &'static Scenario,
    /// What it cannot be observed without; comes before it.
    pub parent: Option<String>,
    /// Where its payloads come from.
    pub seed: u64,
}

/// What came of a check.
#[derive(Clone, Debug)]
pub struct Observation {
    /// As in [`Planned`].
    pub id: String,
    /// How it ended.
    pub status: Status,
    /// How long it took, all attempts together.
    pub took: Duration,
    /// The step that it ended in, and what was done there, a line each; empty if it passed.
    pub done: Vec<String>,
    /// What was expected, seen and said by the kernel, unless it passed.
    pub finding: Option<Finding>,
}

impl Observation {
    fn new(id: &str, status: Status, expected: &str, got: String) -> Self {
        Observation {
            id: id.to_owned(),
            status,
            took: Duration::ZERO,
            done: Vec::new(),
            finding: Some(Finding {
                expected: expected.to_owned(),
                got,
                class: None,
                excerpt: None,
                console: None,
            }),
        }
    }
}

/// Whose work a check looks at. The other side of each exchange is the lab's own, so that nobody
/// loses points for what somebody else has done, or for a part of their own that is another
/// clause's matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The module's.
    Kernel,
    /// The programs'.
    User,
}

/// Clauses that are about programs.
const PROGRAMS: [&str; 9] = ["S1", "S2", "P1", "P2", "N10", "N11", "B4", "E3", "L4"];

impl Side {
    /// By the scenario's clause.
    pub fn of(scenario: &Scenario) -> Self {
        let clause = scenario.clause();
        if clause.starts_with('T') || PROGRAMS.contains(&clause) {
            Side::User
        } else {
            Side::Kernel
        }
    }
}

/// The seed of a check, from the seed of all.
pub fn seed(of_all: u64, id: &str) -> u64 {
    let digest = paths::digest([&of_all.to_le_bytes()[..], id.as_bytes()]);
    u64::from_str_radix(&digest, 16).unwrap_or(of_all)
}

/// What checks are carried out with.
pub struct Bench<'a> {
    /// For checks of modules: those that were handed in, and programs of ours.
    pub modules: &'a Workshop,
    /// For checks of programs: those that were handed in, and modules of ours.
    pub programs: &'a Workshop,
    /// How long one check may take.
    pub timeout: Duration,
    /// How many machines may run at a time.
    pub machines: usize,
}

/// What has been carried out so far.
struct Progress<'a> {
    waiting: Vec<&'a Planned>,
    ended: HashMap<&'a str, Status>,
}

impl Bench<'_> {
    /// Carry out all of these, telling `each` of every one that has ended, in the order in which
    /// they end, until `stop` says so.
    pub fn carry_out(
        &self,
        checks: &[Planned],
        stop: impl Fn() -> bool + Sync,
        each: impl Fn(Observation) + Sync,
    ) {
        let progress = Mutex::new(Progress {
            waiting: checks.iter().collect(),
            ended: HashMap::new(),
        });
        let changed = Condvar::new();
        let lock = || progress.lock().unwrap_or_else(PoisonError::into_inner);
        thread::scope(|scope| {
            for _ in 0..self.machines {
                scope.spawn(|| {
                    while let Some((check, verdict)) = next(lock(), &changed) {
                        let observed = match verdict {
                            _ if stop() => break,
                            Some(why) => Observation::new(
                                &check.id,
                                Status::Blocked,
                                "what it depends on works",
                                why,
                            ),
                            None => self.once_or_twice(check),
                        };
                        lock().ended.insert(&check.id, observed.status);
                        each(observed);
                        changed.notify_all();
                    }
                    // Whoever waits for what this one would have done need not.
                    lock().waiting.clear();
                    changed.notify_all();
                });
            }
        });
    }

    /// A check that meets trouble of the machinery's is carried out once more.
    fn once_or_twice(&self, check: &Planned) -> Observation {
        let begin = Instant::now();
        let mut observed = self.once(check);
        if observed.status == Status::Error {
            observed = self.once(check);
        }
        observed.took = begin.elapsed();
        observed
    }

    fn once(&self, check: &Planned) -> Observation {
        let workshop = match Side::of(check.scenario) {
            Side::Kernel => self.modules,
            Side::User => self.programs,
        };
        let mut machine = match workshop.machine() {
            Ok(machine) => machine,
            Err(error) => {
                let expected = "a machine starts";
                return Observation::new(&check.id, Status::Error, expected, error.to_string());
            }
        };
        let deadline = Instant::now() + self.timeout;
        machine.deadline = Some(deadline);
        let ended = perform(
            check.scenario,
            workshop,
            &mut machine,
            check.seed,
            &mut |_| (),
        );
        let mut observed = observe(&check.id, ended);
        let late = matches!(observed.status, Status::Fail | Status::Error);
        if late && Instant::now() >= deadline {
            observed.status = Status::Timeout;
        }
        observed
    }
}

/// The next check whose parent has ended; why it need not be carried out, if its parent failed.
fn next<'a>(
    mut progress: MutexGuard<'_, Progress<'a>>,
    changed: &Condvar,
) -> Option<(&'a Planned, Option<String>)> {
    loop {
        if progress.waiting.is_empty() {
            return None;
        }
        let known = |check: &Planned| match &check.parent {
            Some(parent) => progress.ended.contains_key(parent.as_str()),
            None => true,
        };
        if let Some(at) = progress.waiting.iter().position(|check| known(check)) {
            let check = progress.waiting.remove(at);
            let blocked = check.parent.as_ref().and_then(|parent| {
                let status = progress.ended.get(parent.as_str())?;
                (*status != Status::Pass).then(|| format!("{parent}: {status}"))
            });
            return Some((check, blocked));
        }
        progress = changed
            .wait(progress)
            .unwrap_or_else(PoisonError::into_inner);
    }
}

/// What a scenario that has ended says of a check.
fn observe(id: &str, ended: Ended) -> Observation {
    let status = ended.transcript.status();
    let passed = status == Status::Pass;
    Observation {
        id: id.to_owned(),
        status,
        took: Duration::ZERO,
        done: if passed {
            Vec::new()
        } else {
            last_step(&ended.transcript)
        },
        finding: ended
            .transcript
            .verdicts()
            .find(|verdict| verdict.status == status)
            .and_then(|verdict| verdict.got.clone()),
    }
}

/// Lines of a step that are told at most: its end is where it went wrong.
const LAST_LINES: usize = 12;

/// What was done in the step that a scenario has ended in.
fn last_step(transcript: &Transcript) -> Vec<String> {
    let bad = transcript.entries.iter().position(
        |entry| matches!(entry, Entry::Verdict(verdict) if verdict.status != Status::Pass),
    );
    let entries = &transcript.entries[..bad.unwrap_or(transcript.entries.len())];
    let step = entries
        .iter()
        .rposition(|entry| matches!(entry, Entry::Step { .. } | Entry::Verdict(_)));
    let mut lines = Vec::new();
    for entry in &entries[step.unwrap_or_default()..] {
        match entry {
            Entry::Step { title, .. } => lines.push(title.clone()),
            Entry::Line { who, kind, text } => {
                let verb = match kind {
                    Kind::Does => "",
                    Kind::Types => " types",
                    Kind::Prints => " prints",
                    Kind::Complains => " complains",
                    Kind::Logs => " logs",
                };
                lines.push(format!("{who}{verb}: {text}"));
            }
            Entry::Verdict(_) => {}
        }
    }
    if lines.len() > LAST_LINES {
        let left_out = lines.len() - LAST_LINES;
        lines.drain(1..=left_out);
    }
    lines
}

/// The kinds of reports that the kernel has made.
pub fn classes(observations: &[Observation]) -> Vec<Class> {
    let mut found = Vec::new();
    for observed in observations {
        let class = observed.finding.as_ref().and_then(|finding| finding.class);
        if let Some(class) = class
            && !found.contains(&class)
        {
            found.push(class);
        }
    }
    found
}
