// SPDX-License-Identifier: MIT OR Apache-2.0
//! Carrying out the checks of a rubric: each on a pristine machine of its own, several at a time,
//! parents first.

use std::{
    collections::HashSet,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use lab_base::paths;
use lab_scene::{LooksAt, perform, transcript::Status, workshop::Workshop};

use super::{
    outcome::CheckOutcome,
    report::Report,
    rubric::{Check, Rubric},
};

/// The seed of a check, from the seed of all.
fn seed(of_all: u64, id: &str) -> u64 {
    let digest = paths::digest([&of_all.to_le_bytes()[..], id.as_bytes()]);
    u64::from_str_radix(&digest, 16).unwrap_or(of_all)
}

/// What checks are carried out with.
pub struct Runner {
    /// For checks of modules: those that were handed in, and programs of ours.
    pub modules: Workshop,
    /// For checks of programs: those that were handed in, and modules of ours.
    pub programs: Workshop,
    /// How long one check may take.
    pub timeout: Duration,
    /// How many machines may run at a time.
    pub machines: usize,
}

/// What is still to be done.
struct Progress<'a> {
    waiting: Vec<&'a Check>,
    /// Those that no check has to wait for: they have ended, or are not planned.
    ended: HashSet<&'a str>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Runner {
    /// Carry out all checks of a rubric and note in the report what comes of them, until `stop`
    /// says so. `each` is told of every check that has ended.
    pub fn carry_out(
        &self,
        rubric: &Rubric,
        report: &Mutex<Report>,
        stop: impl Fn() -> bool + Sync,
        each: impl Fn(&Check) + Sync,
    ) {
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
                if stop() {
                    break;
                }
                let blocked = lock(report).blocked(&check.id);
                let outcome = blocked.unwrap_or_else(|| self.once_or_twice(check, of_all));
                lock(report).record(&check.id, outcome);
                lock(&progress).ended.insert(&check.id);
                changed.notify_all();
                each(check);
            }
            // Who waits for what would have been done here need not.
            lock(&progress).waiting.clear();
            changed.notify_all();
        };
        thread::scope(|scope| {
            for _ in 0..self.machines {
                scope.spawn(work);
            }
        });
    }

    /// Carry out a check; if it meets trouble of the machinery's, once more.
    fn once_or_twice(&self, check: &Check, of_all: u64) -> CheckOutcome {
        let seed = check.seed.unwrap_or_else(|| seed(of_all, &check.id));
        let first = self.once(check, seed);
        if first.status != Status::Error {
            return first;
        }
        let mut second = self.once(check, seed);
        second.time += first.time;
        second
    }

    fn once(&self, check: &Check, seed: u64) -> CheckOutcome {
        let begin = Instant::now();
        let workshop = match check.scenario.looks_at {
            LooksAt::Module(_) => &self.modules,
            LooksAt::Programs => &self.programs,
        };
        let mut machine = match workshop.machine() {
            Ok(machine) => machine,
            Err(error) => {
                return CheckOutcome::new(Status::Error, "a machine starts", error.to_string());
            }
        };
        machine.limit_all(self.timeout);
        let ended = perform(check.scenario, workshop, &mut machine, seed, &mut |_| ());
        let mut outcome = CheckOutcome::of(&ended.transcript, begin.elapsed());
        let late = matches!(outcome.status, Status::Fail | Status::Error);
        if late && machine.is_late() {
            outcome.status = Status::Timeout;
        }
        outcome
    }
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
