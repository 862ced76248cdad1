// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why points were lost: one cause may cost many checks.

use lab_scene::transcript::Status;

use crate::{
    report::{GradedCheck, Report},
    safe_text::SafeText,
    shared::SharedFailure,
};

/// A cause, with all that it costs.
pub struct Cause<'a> {
    /// For people, without a full stop.
    pub words: String,
    /// Points of its checks that were not earned, and deductions for its crash.
    pub lost: u32,
    /// The checks, in the order of the report.
    pub checks: Vec<&'a GradedCheck>,
}

impl Report {
    /// The causes of lost points, in the order of their first checks. A blocked check belongs to the
    /// cause of the check that blocks it. Reports of the kernel of one kind are one cause, and so are
    /// failures that several checks share.
    pub fn causes(&self) -> Vec<Cause<'_>> {
        let shared = self.shared_failures();
        let mut causes: Vec<Cause<'_>> = Vec::new();
        for check in self.checks().filter(|check| check.points() < check.max) {
            let words = words(self.root(check), &shared);
            let lost = check.max - check.points();
            match causes.iter_mut().find(|cause| cause.words == words) {
                Some(cause) => {
                    cause.lost += lost;
                    cause.checks.push(check);
                }
                None => causes.push(Cause {
                    words,
                    lost,
                    checks: vec![check],
                }),
            }
        }
        for finding in self.findings() {
            let of_it = |cause: &&mut Cause<'_>| {
                let mut checks = cause.checks.iter();
                checks.any(|check| Some(&check.id) == finding.check.as_ref())
            };
            if let Some(cause) = causes.iter_mut().find(of_it) {
                cause.lost += finding.deduction;
            }
        }
        causes
    }

    /// The check that blocks this one, or the check itself.
    fn root<'a>(&'a self, check: &'a GradedCheck) -> &'a GradedCheck {
        let parent = check.parent.as_ref().filter(|_| is_blocked(check));
        let parent = parent.and_then(|id| self.checks().find(|other| other.id == *id));
        match parent.filter(|parent| parent.outcome.status != Status::Pass) {
            Some(parent) => self.root(parent),
            None => check,
        }
    }
}

/// Whether a check was not carried out for a reason that is not its own.
pub(crate) fn is_blocked(check: &GradedCheck) -> bool {
    check.outcome.status == Status::Blocked
}

fn words(check: &GradedCheck, shared: &[SharedFailure]) -> String {
    let outcome = &check.outcome;
    if let Some(shared) = shared
        .iter()
        .find(|shared| shared.checks.contains(&check.id))
    {
        return shared.in_words();
    }
    match (outcome.status, outcome.class, &outcome.got) {
        _ if check.hidden => format!("{}, a hidden check", check.id),
        (Status::Blocked, _, Some(got)) => SafeText::line(got).to_string(),
        (Status::Crash, Some(class), _) => format!("the kernel reports {class}"),
        _ => format!("{}: {}", check.id, check.title),
    }
}
