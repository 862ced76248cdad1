// SPDX-License-Identifier: MIT OR Apache-2.0
//! Carrying out the checks of a rubric: each on a pristine machine of its own, several at a time,
//! parents first.

use std::{
    collections::HashSet,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use lab_base::paths;
use lab_scene::{LooksAt, transcript::Status};
use lab_stages::step_of;

use super::{
    again::Elsewhere,
    outcome::CheckOutcome,
    report::Report,
    rubric::{Check, Rubric},
    submitted::Submitted,
    timed::within,
};

/// The seed of a check, from the seed of all.
fn seed(of_all: u64, id: &str) -> u64 {
    let digest = paths::digest([&of_all.to_le_bytes()[..], id.as_bytes()]);
    u64::from_str_radix(&digest, 16).unwrap_or(of_all)
}

/// Means to carry out checks.
pub struct Runner<'a> {
    /// The submission.
    pub submitted: Submitted,
    /// The submission on another kernel, which judges checks again that crash here.
    pub elsewhere: Option<Elsewhere<'a>>,
    /// How long one check may take.
    pub timeout: Duration,
    /// Raised when the checks that run have to end at once.
    pub interrupted: Arc<AtomicBool>,
    /// How many machines may run at a time.
    pub machines: usize,
}

/// The checks that have not been carried out.
struct Progress<'a> {
    waiting: Vec<&'a Check>,
    /// Those that no check has to wait for: they have ended, or are not planned.
    ended: HashSet<&'a str>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Runner<'_> {
    /// Carry out all checks of a rubric, and note their outcomes in the report, until they are
    /// interrupted. `each` is called after each check.
    pub fn carry_out(&self, rubric: &Rubric, report: &Mutex<Report>, each: impl Fn(&Check) + Sync) {
        let planned: HashSet<&str> = rubric.checks().map(|check| check.id.as_str()).collect();
        let parents = rubric.checks().filter_map(|check| check.parent.as_deref());
        let progress = Mutex::new(Progress {
            waiting: rubric.checks().collect(),
            ended: parents.filter(|parent| !planned.contains(parent)).collect(),
        });
        let changed = Condvar::new();
        let of_all = lock(report).seed;
        let work = || {
            while let Some(check) = next(lock(&progress), &changed) {
                if self.is_interrupted() {
                    break;
                }
                let blocked = lock(report).blocked(&check.id);
                let outcome =
                    blocked.unwrap_or_else(|| self.once_or_twice(&self.submitted, check, of_all));
                let again = self.again(check, of_all, &outcome);
                let mut report = lock(report);
                if let Some(again) = again {
                    report.judged_again(&check.id, &outcome, again);
                }
                report.record(&check.id, outcome);
                drop(report);
                lock(&progress).ended.insert(&check.id);
                changed.notify_all();
                each(check);
            }
            // No thread waits for the rest.
            lock(&progress).waiting.clear();
            changed.notify_all();
        };
        thread::scope(|scope| {
            for _ in 0..self.machines {
                scope.spawn(work);
            }
        });
        if let Some(elsewhere) = &self.elsewhere {
            lock(report).charge_once(elsewhere.kernel());
        }
    }

    /// The outcome on the other kernel of a check that has crashed here.
    fn again(&self, check: &Check, of_all: u64, outcome: &CheckOutcome) -> Option<CheckOutcome> {
        if outcome.status != Status::Crash {
            return None;
        }
        let submitted = self.elsewhere.as_ref()?.submitted()?;
        Some(self.once_or_twice(submitted, check, of_all))
    }

    fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Carry out a check. If the lab itself fails, carry it out once more.
    fn once_or_twice(&self, submitted: &Submitted, check: &Check, of_all: u64) -> CheckOutcome {
        let seed = check.seed.unwrap_or_else(|| seed(of_all, &check.id));
        let first = self.once(submitted, check, seed);
        if first.status != Status::Error || self.is_interrupted() {
            return first;
        }
        let mut second = self.once(submitted, check, seed);
        second.time += first.time;
        second
    }

    fn once(&self, submitted: &Submitted, check: &Check, seed: u64) -> CheckOutcome {
        let begin = Instant::now();
        let workshop = match check.scenario.looks_at {
            LooksAt::Module(_) => &submitted.modules,
            LooksAt::Programs => &submitted.programs,
        };
        let (scenario, interrupted) = (check.scenario, &self.interrupted);
        let (transcript, is_late) =
            match within(self.timeout, interrupted, scenario, workshop, seed) {
                Ok(ended) => ended,
                Err(error) => {
                    return CheckOutcome::new(Status::Error, "a machine starts", error.to_string());
                }
            };
        let outcome = CheckOutcome::of(&transcript, begin.elapsed());
        // A wait that was cut short can look like a failure, or like silence that was expected.
        if self.is_interrupted() && outcome.status != Status::Crash {
            return outcome.interrupted();
        }
        let outcome = match outcome.status {
            Status::Fail | Status::Error if is_late => CheckOutcome {
                status: Status::Timeout,
                ..outcome
            },
            _ => outcome,
        };
        match own_modules(check).filter(|_| submitted.is_ours) {
            Some(text) if outcome.status != Status::Pass => outcome.noting(&text),
            _ => outcome,
        }
    }
}

/// Of a check of programs in this tree: a student wrote the modules, too, so they may be the reason.
fn own_modules(check: &Check) -> Option<String> {
    let modules = step_of(check.scenario.id)?.modules;
    let is_it = check.scenario.looks_at == LooksAt::Programs && !modules.is_empty();
    is_it.then(|| format!("with your own module {}", modules.join(", ")))
}

/// The next check that need not wait for another.
fn next<'a>(mut progress: MutexGuard<'_, Progress<'a>>, changed: &Condvar) -> Option<&'a Check> {
    loop {
        if progress.waiting.is_empty() {
            return None;
        }
        let ready = progress.waiting.iter().position(|check| {
            let parent = check.parent.as_deref();
            parent.is_none_or(|parent| progress.ended.contains(parent))
        });
        if let Some(at) = ready {
            return Some(progress.waiting.remove(at));
        }
        progress = changed
            .wait(progress)
            .unwrap_or_else(PoisonError::into_inner);
    }
}
