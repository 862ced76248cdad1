// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the gradings of all mutants show of the checks: their seconds, and clauses that are lost
//! besides the wrong one.

use std::{
    collections::{BTreeMap, HashSet},
    fmt::Write,
    time::Duration,
};

use lab_grade::report::Report;
use lab_scene::transcript::Status;

/// The longest times of a check.
#[derive(Default)]
struct Times {
    passed: Duration,
    failed: Duration,
}

#[derive(Default)]
pub(crate) struct Tally {
    checks: BTreeMap<String, Times>,
    /// How many mutants cost so many clauses besides their own.
    besides: BTreeMap<usize, usize>,
}

impl Tally {
    /// Add the report of a mutant whose own clauses are `guilty`.
    pub(crate) fn add(&mut self, report: &Report, guilty: &HashSet<String>) {
        let mut lost = HashSet::new();
        for check in report.checks() {
            let outcome = &check.outcome;
            let times = self.checks.entry(check.id.clone()).or_default();
            match outcome.status {
                Status::Pass => times.passed = times.passed.max(outcome.time),
                Status::Blocked | Status::Error => {}
                Status::Fail | Status::Crash | Status::Timeout => {
                    times.failed = times.failed.max(outcome.time);
                    lost.insert(clause(&check.id));
                }
            }
        }
        let besides = lost.difference(guilty).count();
        *self.besides.entry(besides).or_default() += 1;
    }

    /// Tables for people: checks by the time of their slowest failure, and mutants by their cost.
    pub(crate) fn tables(&self) -> String {
        let mut checks: Vec<_> = self.checks.iter().collect();
        checks.sort_by_key(|(_, times)| std::cmp::Reverse(times.failed));
        let mut text = format!(
            "{:<36} {:>10} {:>10}\n",
            "longest time of", "passing", "failing"
        );
        for (id, times) in checks {
            let seconds = |time: Duration| match time {
                Duration::ZERO => "-".to_owned(),
                time => format!("{:.1} s", time.as_secs_f64()),
            };
            let _ = writeln!(
                text,
                "{id:<36} {:>10} {:>10}",
                seconds(times.passed),
                seconds(times.failed)
            );
        }
        let besides = self.besides.iter();
        let besides: Vec<_> = besides
            .map(|(clauses, mutants)| format!("{clauses} in {mutants}"))
            .collect();
        text + &format!(
            "clauses lost besides, in how many mutants: {}\n",
            besides.join(", ")
        )
    }
}

/// The clause of a check, with its stage.
pub(crate) fn clause(id: &str) -> String {
    let (stage, _) = id.split_once('/').unwrap_or_default();
    format!("{stage}/{}", lab_scene::clause(id))
}
