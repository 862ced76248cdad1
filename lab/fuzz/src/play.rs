// SPDX-License-Identifier: MIT OR Apache-2.0
//! Carries out a sequence with two processes, in order, and with as few orders to the guest as
//! possible.

use std::{
    collections::BTreeMap,
    fmt::{self, Debug, Display},
};

use lab_agent::{Answer, Call, CallResult, Exit, Stdin};
use lab_machine::Trouble;
use lab_scene::{
    Outcome, Program, Scene,
    actor::{returned, shown},
};
use nix::sys::signal::Signal;
use proptest::strategy::{BoxedStrategy, Just, Strategy};
use proptest_state_machine::ReferenceStateMachine;
use protocol::model::{Allowed, Handle};

/// The users that the processes run as: root, and an ordinary one.
pub(crate) const USERS: [u32; 2] = [0, 1000];

/// A module, its model, and how processes carry out the model's operations.
pub(crate) trait Subject: ReferenceStateMachine<Transition: Display> {
    /// The name in `kernel/`.
    const MODULE: &'static str;
    /// `fuzz/MODULE`; consoles are named after it.
    const ID: &'static str;

    /// Preparations before the first operation; the module is inserted.
    fn prepare(scene: &mut Scene<'_>, start: &Self::State) -> Outcome;

    /// The process of an operation, and whether it is killed.
    fn actor(operation: &Self::Transition) -> Actor;

    /// The system calls of an operation.
    fn calls(state: &Self::State, operation: &Self::Transition) -> Vec<Call>;

    /// Compare the results of the calls with the model. The operation has not been applied to the
    /// state yet. Processes have pids.
    fn judge(
        state: &Self::State,
        operation: &Self::Transition,
        observed: &[CallResult],
        pids: [u32; 2],
    ) -> Result<(), Mismatch>;
}

/// Sometimes a process is killed.
pub(crate) fn killing<O: Clone + Debug + 'static>(
    kill: fn(u8) -> O,
) -> impl Iterator<Item = (u32, BoxedStrategy<O>)> {
    (0..USERS.len() as u8).map(move |process| (1, Just(kill(process)).boxed()))
}

/// The effect of an operation on a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Actor {
    /// This process makes calls.
    Calls(u8),
    /// This process is killed, and a new one takes its place.
    Killed(u8),
}

/// An answer that the model does not allow.
#[derive(Clone, Debug)]
pub(crate) struct Mismatch {
    pub(crate) expected: String,
    pub(crate) got: String,
}

/// A mismatch and its operation.
pub(crate) struct Difference {
    /// From 0.
    pub(crate) operation: usize,
    pub(crate) expected: String,
    pub(crate) got: String,
}

/// Carry out a sequence. Returns the first difference.
pub(crate) fn play<M: Subject>(
    scene: &mut Scene<'_>,
    start: &M::State,
    operations: &[M::Transition],
) -> Outcome<Option<Difference>> {
    scene.insert(M::MODULE, "")?;
    M::prepare(scene, start)?;
    let mut processes = [begin(scene, 0)?, begin(scene, 1)?];
    let mut state = start.clone();
    let mut done = 0;
    let together = |one: &M::Transition, next: &M::Transition| {
        M::actor(one) == M::actor(next) && matches!(M::actor(one), Actor::Calls(_))
    };
    for turn in operations.chunk_by(together) {
        match M::actor(&turn[0]) {
            Actor::Killed(process) => {
                let place = &mut processes[usize::from(process)];
                scene.signal(place, Signal::SIGKILL)?;
                scene.expect_end(place, Exit::Signal(Signal::SIGKILL as i32))?;
                *place = begin(scene, process)?;
                state = M::apply(state, &turn[0]);
            }
            Actor::Calls(process) => {
                let observed =
                    take_turn::<M>(scene, &processes[usize::from(process)], &state, turn)?;
                let pids = [processes[0].pid, processes[1].pid];
                for (at, (operation, observed)) in turn.iter().zip(observed).enumerate() {
                    if let Err(Mismatch { expected, got }) =
                        M::judge(&state, operation, &observed, pids)
                    {
                        let operation = done + at;
                        return Ok(Some(Difference {
                            operation,
                            expected,
                            got,
                        }));
                    }
                    state = M::apply(state, operation);
                }
            }
        }
        done += turn.len();
    }
    Ok(None)
}

/// Start a process.
fn begin(scene: &mut Scene<'_>, process: u8) -> Outcome<Program> {
    let name = Handle { process, name: 0 }.to_string();
    let uid = USERS[usize::from(process)];
    scene.spawn(&name[..1], "/bin/lab-agent", &["actor"], uid, Stdin::Pipe)
}

/// Make a process carry out the calls of some operations as one order. Returns the results of each
/// operation.
fn take_turn<M: Subject>(
    scene: &mut Scene<'_>,
    program: &Program,
    state: &M::State,
    turn: &[M::Transition],
) -> Outcome<Vec<Vec<CallResult>>> {
    let mut ahead = state.clone();
    let (mut calls, mut counts) = (Vec::new(), Vec::new());
    for operation in turn {
        let more = M::calls(&ahead, operation);
        counts.push(more.len());
        calls.extend(more);
        ahead = M::apply(ahead, operation);
    }
    let batch = Call::Batch {
        rounds: 1,
        persist: true,
        calls,
    };
    match scene.call(program, &batch)? {
        Ok(Answer::Batch { outcomes, .. }) if outcomes.len() == counts.iter().sum::<usize>() => {
            let mut outcomes = outcomes.into_iter();
            let take = |count| outcomes.by_ref().take(count).collect();
            Ok(counts.into_iter().map(take).collect())
        }
        other => Err(Trouble::Lost(format!("a batch returned {other:?}")).into()),
    }
}

/// Descriptors of open files. The kernel gives the lowest free one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Descriptors(BTreeMap<Handle, i32>);

impl Descriptors {
    /// The next descriptor of a process. The first three are its pipes.
    pub(crate) fn next(&self, process: u8) -> i32 {
        let taken = |fd: &i32| {
            let mut open = self.0.iter();
            open.any(|(handle, other)| handle.process == process && other == fd)
        };
        (3..).find(|fd| !taken(fd)).unwrap_or(i32::MAX)
    }

    /// The descriptor of a handle. For a closed handle, a descriptor that is never open.
    pub(crate) fn of(&self, handle: Handle) -> i32 {
        self.0.get(&handle).copied().unwrap_or(-1)
    }

    pub(crate) fn open(&mut self, handle: Handle) {
        self.0.insert(handle, self.next(handle.process));
    }

    pub(crate) fn close(&mut self, handle: Handle) {
        self.0.remove(&handle);
    }

    pub(crate) fn end(&mut self, process: u8) {
        self.0.retain(|handle, _| handle.process != process);
    }
}

/// Compare the result of a call with the allowed results.
pub(crate) fn judge_returned(
    allowed: &Allowed<i64>,
    observed: &CallResult,
) -> Result<(), Mismatch> {
    let got = returned(observed);
    let same = match (allowed, got) {
        (Ok(value), Ok(got)) => *value == got,
        (Err(errnos), Err(got)) => errnos.iter().any(|&errno| errno as i32 == got as i32),
        _ => false,
    };
    if same {
        return Ok(());
    }
    Err(Mismatch {
        expected: match allowed {
            Ok(value) => value.to_string(),
            Err(errnos) => one_of(errnos),
        },
        got: shown(got),
    })
}

/// Errnos by their names.
pub(crate) fn one_of(errnos: &[protocol::model::Errno]) -> String {
    let names: Vec<_> = errnos.iter().map(ToString::to_string).collect();
    names.join(" or ")
}

/// An operation that kills a process.
pub(crate) fn write_kill(f: &mut fmt::Formatter<'_>, process: u8) -> fmt::Result {
    let name = char::from(b'A' + process);
    write!(f, "{name}: is killed, and another begins")
}

#[cfg(test)]
mod tests {
    use protocol::model::Errno;

    use super::*;

    #[test]
    fn the_models_errnos_have_the_systems_numbers() {
        use Errno::*;
        for errno in [
            EPERM, ENOENT, EBADF, EFAULT, EBUSY, EINVAL, ENOSPC, ERANGE, EMSGSIZE, EOPNOTSUPP,
            EADDRINUSE, EALREADY,
        ] {
            let named = nix::errno::Errno::from_raw(errno as i32);
            assert_eq!(format!("{named:?}"), errno.to_string());
        }
        assert_eq!(EWOULDBLOCK as i32, nix::errno::Errno::EWOULDBLOCK as i32);
    }

    #[test]
    fn a_descriptor_is_the_lowest_that_is_free() {
        let handle = |process, name| Handle { process, name };
        let mut open = Descriptors::default();
        for name in 1..=3 {
            open.open(handle(0, name));
        }
        open.close(handle(0, 1));
        assert_eq!((open.next(0), open.next(1)), (3, 3));
        assert_eq!(open.of(handle(0, 2)), 4);
        open.end(0);
        assert_eq!(open.of(handle(0, 2)), -1);
    }
}
