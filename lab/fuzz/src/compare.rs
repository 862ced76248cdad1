// SPDX-License-Identifier: MIT OR Apache-2.0
//! Modules against their models: random sequences of operations are carried out in a machine. The
//! model in `protocol::model` must allow every answer.
//!
//! A sequence depends on its seed only. When an answer differs, or the kernel dies, the sequence is
//! shrunk: operations are left out and simplified. Each shorter sequence is carried out on a newly
//! inserted module.

use std::{
    cell::RefCell,
    fmt::{self, Display},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use lab_base::{Error, Result};
use lab_machine::Machine;
use lab_scene::{
    Scene, fail, improvise,
    transcript::{Failure, Status},
    workshop::Workshop,
};
use proptest::{
    strategy::Strategy,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner},
};

use crate::play::{Difference, Subject};

/// Operations of the longest sequence; the shortest has one.
const LONGEST: usize = 400;

/// Sequences per machine. A machine's reports are kept as long as the machine.
const PER_MACHINE: u32 = 50;

/// Limits of shrinking, in milliseconds and in attempts. By then a sequence is short enough to be
/// understood.
const SHRINK_MS: u32 = 120_000;
const ATTEMPTS: u32 = 5000;

/// Returns true if no further sequence shall begin.
pub type Enough<'a> = &'a mut dyn FnMut(&Tally) -> bool;

/// The work so far, without shrinking.
#[derive(Debug, Default)]
pub struct Tally {
    /// Operations of all sequences.
    pub operations: AtomicU64,
    /// Sequences.
    pub sequences: AtomicU64,
    /// Started machines, including those for shrinking.
    pub machines: AtomicU64,
    /// Whether a difference was found. It may not be completely shrunk yet.
    pub found: AtomicBool,
}

impl Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [operations, sequences, machines] =
            [&self.operations, &self.sequences, &self.machines].map(|n| n.load(Ordering::Relaxed));
        write!(
            f,
            "{operations} operations in {sequences} sequences on {machines} machines"
        )
    }
}

/// A shrunk sequence during which an answer was not allowed by the model.
#[derive(Clone, Debug)]
pub struct Found {
    /// The operations, one per line.
    pub operations: Vec<String>,
    /// Index of the failing operation; `None` if it is unknown, because the machine died.
    pub at: Option<usize>,
    /// The status of the failure.
    pub status: Status,
    /// The expectation and the observation.
    pub failure: Failure,
    /// Number of operations of the original sequence.
    pub drawn: usize,
}

impl Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "shrunk from {} operations:", self.drawn)?;
        for (at, operation) in self.operations.iter().enumerate() {
            writeln!(f, "  {:>2}. {operation}", at + 1)?;
            if self.at == Some(at) {
                writeln!(f, "      expected: {}", self.failure.expected)?;
                writeln!(f, "      got:      {}", self.failure.got)?;
            }
        }
        if self.at.is_none() {
            writeln!(f, "  {}: {}", self.status, self.failure.got)?;
            for line in self.failure.excerpt.iter().flat_map(|text| text.lines()) {
                writeln!(f, "    {line}")?;
            }
        }
        Ok(())
    }
}

/// Compare until `enough` returns true, or a difference is found.
pub(crate) fn run<M: Subject>(
    workshop: &Workshop,
    seed: u64,
    tally: &Tally,
    enough: Enough<'_>,
) -> Result<Option<Found>> {
    let mut runner = runner(seed);
    let strategy = M::sequential_strategy(1..=LONGEST);
    let bench = Bench {
        workshop,
        tally,
        state: RefCell::default(),
    };
    while !enough(tally) {
        let case = strategy
            .new_tree(&mut runner)
            .map_err(|reason| Error::Unexpected(format!("drawing a sequence: {reason}")))?;
        let compared = runner.run_one(case, |(state, operations, seen)| {
            let found = bench.attempt::<M>(&state, &operations);
            let Some(found) = found else { return Ok(()) };
            if let Some(seen) = seen {
                // The operations after the difference are left out first.
                let count = match found.at {
                    Some(at) => at + 1,
                    None => bench.deadly::<M>(&state, &operations),
                };
                seen.store(count, Ordering::SeqCst);
            }
            Err(TestCaseError::fail("another answer"))
        });
        if let Err(TestError::Fail(_, (state, operations, _))) = &compared {
            bench.leave_out::<M>(state, operations.clone());
        }
        let state = &mut *bench.state.borrow_mut();
        if let Some(error) = state.error.take() {
            return Err(error);
        }
        match compared {
            Ok(_) => {}
            // The last difference that was found is the shortest.
            Err(TestError::Fail(..)) => return Ok(state.found.take()),
            Err(TestError::Abort(reason)) => {
                return Err(Error::Unexpected(format!("shrinking: {reason}")));
            }
        }
    }
    Ok(None)
}

fn runner(seed: u64) -> TestRunner {
    let config = Config {
        failure_persistence: None,
        max_shrink_time: SHRINK_MS,
        max_shrink_iters: ATTEMPTS,
        max_local_rejects: u32::MAX,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// Whether each operation is possible after those before it.
fn is_possible<M: Subject>(start: &M::State, operations: &[M::Transition]) -> bool {
    let mut state = start.clone();
    operations.iter().all(|operation| {
        let possible = M::preconditions(&state, operation);
        state = M::apply(state.clone(), operation);
        possible
    })
}

/// The machine and the state in which sequences are carried out.
struct Bench<'a> {
    workshop: &'a Workshop,
    tally: &'a Tally,
    /// proptest gives its tests no `&mut`.
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    /// The machine, with the number of sequences that it has carried out.
    machine: Option<(Machine, u32)>,
    /// The last difference.
    found: Option<Found>,
    /// The error that ends the comparison.
    error: Option<Error>,
}

impl Bench<'_> {
    /// Carry out one sequence. Returns its difference, if any.
    fn attempt<M: Subject>(&self, start: &M::State, operations: &[M::Transition]) -> Option<Found> {
        let state = &mut *self.state.borrow_mut();
        if state.error.is_some() {
            return None;
        }
        if state.found.is_none() {
            let len = operations.len() as u64;
            self.tally.operations.fetch_add(len, Ordering::Relaxed);
            self.tally.sequences.fetch_add(1, Ordering::Relaxed);
        }
        let found = match self.carry_out::<M>(&mut state.machine, start, operations) {
            // A lost machine is no answer, so the sequence is repeated on another.
            Ok(Some(found)) if found.status == Status::Error => {
                eprintln!(
                    "a machine was lost: {}; repeating the sequence",
                    found.failure.got
                );
                self.carry_out::<M>(&mut state.machine, start, operations)
            }
            outcome => outcome,
        };
        match found {
            Ok(Some(found)) if found.status == Status::Error => {
                state.error = Some(Error::Unexpected(found.failure.got));
                None
            }
            Ok(found) => {
                let mut found = found?;
                match &state.found {
                    Some(first) => found.drawn = first.drawn,
                    // Shrinking takes time.
                    None => {
                        self.tally.found.store(true, Ordering::Relaxed);
                        eprintln!(
                            "{}: difference found after {}; shrinking it",
                            M::ID,
                            self.tally
                        );
                    }
                }
                state.found = Some(found.clone());
                Some(found)
            }
            Err(error) => {
                state.error = Some(error);
                None
            }
        }
    }

    /// Number of operations after which the machine dies. No answer tells this number.
    fn deadly<M: Subject>(&self, start: &M::State, operations: &[M::Transition]) -> usize {
        let (mut lives, mut dies) = (0, operations.len());
        while dies - lives > 1 {
            let middle = usize::midpoint(lives, dies);
            match self.attempt::<M>(start, &operations[..middle]) {
                Some(_) => dies = middle,
                None => lives = middle,
            }
        }
        dies
    }

    /// Leave out operations that are not needed, within proptest's time limit.
    ///
    /// proptest has tried each operation once; others may be unnecessary by now. An operation on
    /// which later ones depend is left out together with them, as an open with its close.
    fn leave_out<M: Subject>(&self, start: &M::State, mut operations: Vec<M::Transition>) {
        let begin = Instant::now();
        let mut at = operations.len();
        while at > 0 && begin.elapsed() < Duration::from_millis(SHRINK_MS.into()) {
            at -= 1;
            let mut fewer = operations.clone();
            fewer.remove(at);
            if !is_possible::<M>(start, &fewer) {
                let without = |with| {
                    let mut fewer = fewer.clone();
                    fewer.remove(with);
                    fewer
                };
                let mut pairs = (at..fewer.len()).map(without);
                match pairs.find(|fewer| is_possible::<M>(start, fewer)) {
                    Some(possible) => fewer = possible,
                    None => continue,
                }
            }
            if self.attempt::<M>(start, &fewer).is_some() {
                operations = fewer;
                at = operations.len();
            }
        }
    }

    fn carry_out<M: Subject>(
        &self,
        kept: &mut Option<(Machine, u32)>,
        start: &M::State,
        operations: &[M::Transition],
    ) -> Result<Option<Found>> {
        let (mut machine, used) = match kept.take() {
            Some(kept) => kept,
            None => {
                self.tally.machines.fetch_add(1, Ordering::Relaxed);
                (self.workshop.machine()?, 0)
            }
        };
        let mut at = None;
        let mut run = |scene: &mut Scene<'_>| {
            scene.mute_log();
            scene.step(
                "operations drawn at random",
                "the model's answers",
                |scene| match crate::play::play::<M>(scene, start, operations)? {
                    None => Ok(()),
                    Some(Difference {
                        operation,
                        expected,
                        got,
                    }) => {
                        at = Some(operation);
                        Err(fail(expected, got))
                    }
                },
            )
        };
        let ended = improvise(
            M::ID,
            &[],
            &mut run,
            self.workshop,
            &mut machine,
            0,
            &mut |_| (),
        );
        if ended.healthy && used + 1 < PER_MACHINE {
            *kept = Some((machine, used + 1));
        }
        let mut verdicts = ended.transcript.verdicts();
        let Some(verdict) = verdicts.find(|verdict| verdict.status != Status::Pass) else {
            return Ok(None);
        };
        Ok(verdict.got.clone().map(|failure| Found {
            operations: operations.iter().map(ToString::to_string).collect(),
            at,
            status: verdict.status,
            failure,
            drawn: operations.len(),
        }))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::strategy::ValueTree;

    use super::*;

    /// The sequences of this seed, with their first states.
    pub(crate) fn draw<M: Subject>(seed: u64, count: usize) -> Vec<(M::State, Vec<M::Transition>)> {
        let mut runner = runner(seed);
        let strategy = M::sequential_strategy(1..=LONGEST);
        let draw = |_| {
            let (state, operations, _) = strategy.new_tree(&mut runner).unwrap().current();
            (state, operations)
        };
        (0..count).map(draw).collect()
    }
}
