// SPDX-License-Identifier: MIT OR Apache-2.0
//! Operations on message slots: a few files of two processes. The numbers of slots and channels are
//! neighbours, or differ in one bit.

use std::fmt;

use lab_agent::{BufferMemory, Bytes, Call, CallResult, Page};
use lab_scene::{Halt, Outcome, Scene, judge_read};
use nix::libc;
use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    strategy::{BoxedStrategy, Union},
};
use proptest_state_machine::ReferenceStateMachine;
use protocol::{
    model::{
        Handle,
        slot::{self, Slots, Value},
    },
    slot::{CHANNEL, MESSAGE_MAX},
};

use crate::body::{Body, any_body};
use crate::play::{
    Actor, Descriptors, Mismatch, Subject, USERS, judge_returned, killing, write_kill,
};

/// The most files that a process has open.
const FILES: u8 = 3;

pub(crate) struct Slot;

/// The model, and the source of operations.
#[derive(Clone, Debug)]
pub(crate) struct State {
    model: Slots,
    files: Descriptors,
    /// The process of the last call. Usually it makes the next one, too.
    last: u8,
    minors: Vec<u8>,
    channels: Vec<u32>,
}

#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Kill(u8),
    Call(Handle, What),
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    Open(u8),
    Close,
    Ioctl { command: u32, argument: u32 },
    Write { memory: BufferMemory, body: Body },
    Read { memory: BufferMemory, room: usize },
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, what) = match self {
            Operation::Kill(process) => return write_kill(f, *process),
            Operation::Call(file, what) => (file, what),
        };
        write!(f, "{file}: ")?;
        match what {
            What::Open(minor) => write!(f, "open slot {minor}"),
            What::Close => write!(f, "close"),
            What::Ioctl { command, argument } if *command == CHANNEL => {
                write!(f, "choose channel {argument} ({argument:#x})")
            }
            What::Ioctl { command, argument } => write!(f, "ioctl {command:#x}, {argument}"),
            What::Write { memory, body } => write!(f, "write {body}{}", Where(*memory)),
            What::Read { memory, room } => write!(f, "read into {room} bytes{}", Where(*memory)),
        }
    }
}

/// The end of an accessible buffer, if it has one.
struct Where(BufferMemory);

impl fmt::Display for Where {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            BufferMemory::Ordinary => Ok(()),
            memory => write!(f, ", {memory:?}"),
        }
    }
}

/// How many of the first `room` bytes are writable, from the start.
fn writable(memory: BufferMemory, room: usize) -> usize {
    let (before, front, back) = memory.border();
    match (front, back) {
        (front, _) if before > 0 && front != Page::Writable => 0,
        (_, Page::Writable) => room,
        _ => before.min(room),
    }
}

fn readable(memory: BufferMemory, len: usize) -> bool {
    memory.pages(len).all(Page::readable)
}

impl What {
    /// With the written bytes.
    fn ask<'a>(&self, bytes: &'a [u8]) -> slot::Call<'a> {
        match *self {
            What::Open(minor) => slot::Call::Open(minor),
            What::Close => slot::Call::Close,
            What::Ioctl { command, argument } => slot::Call::Ioctl { command, argument },
            What::Write { memory, body } => slot::Call::Write {
                data: bytes,
                readable: readable(memory, body.len),
            },
            What::Read { memory, room } => slot::Call::Read {
                room,
                writable: writable(memory, room),
            },
        }
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            What::Write { body, .. } => body.bytes(),
            _ => Vec::new(),
        }
    }
}

fn any_length() -> impl Strategy<Value = usize> {
    let edges = [0, 1, 2, MESSAGE_MAX - 1, MESSAGE_MAX, MESSAGE_MAX + 1];
    prop_oneof![
        5 => 1..=MESSAGE_MAX,
        3 => select(edges.to_vec()),
        1 => MESSAGE_MAX..5000,
    ]
}

fn any_memory() -> impl Strategy<Value = BufferMemory> {
    let pages = [
        Page::Writable,
        Page::ReadOnly,
        Page::NoAccess,
        Page::Unmapped,
    ];
    let page = || select(pages.to_vec());
    let before = 0..=MESSAGE_MAX + 8;
    prop_oneof![
        10 => Just(BufferMemory::Ordinary),
        1 => select(vec![BufferMemory::Unmapped, BufferMemory::NoAccess, BufferMemory::ReadOnly]),
        1 => before.clone().prop_map(|mapped| BufferMemory::Crossing { mapped }),
        2 => (before, page(), page()).prop_map(|(before, front, back)| BufferMemory::Border {
            before,
            front,
            back,
        }),
    ]
}

/// Numbers that an implementation may confuse: neighbours, and numbers that differ in one bit or in
/// the order of their halves.
fn any_channels() -> impl Strategy<Value = Vec<u32>> {
    let base = prop_oneof![1_u32..=130, any::<u32>(), Just(u32::MAX)];
    (base, vec(0_u32..32, 3)).prop_map(|(base, bits)| {
        let mut channels = vec![base, base.wrapping_add(1), base.rotate_left(16)];
        channels.extend(bits.iter().map(|bit| base ^ 1 << bit));
        channels.retain(|&channel| channel != 0);
        channels
    })
}

fn any_minors() -> impl Strategy<Value = Vec<u8>> {
    (any::<u8>(), 0_u32..8, 0_u32..8)
        .prop_map(|(base, one, two)| vec![base, base ^ 1_u8 << one, base ^ 1_u8 << two])
}

fn any_ioctl(state: &State) -> impl Strategy<Value = What> + use<> {
    let channel = select(state.channels.clone());
    let ioctl = |(command, argument)| What::Ioctl { command, argument };
    prop_oneof![
        12 => (Just(CHANNEL), channel.clone()),
        1 => (Just(CHANNEL), Just(0)),
        // One wrong bit: number, type, size or direction.
        1 => ((0..32).prop_map(|bit| CHANNEL ^ 1_u32 << bit), channel),
    ]
    .prop_map(ioctl)
}

impl ReferenceStateMachine for Slot {
    type State = State;
    type Transition = Operation;

    fn init_state() -> BoxedStrategy<State> {
        (any_minors(), any_channels())
            .prop_map(|(minors, channels)| State {
                model: Slots::default(),
                files: Descriptors::default(),
                last: 0,
                minors,
                channels,
            })
            .no_shrink()
            .boxed()
    }

    fn transitions(state: &State) -> BoxedStrategy<Operation> {
        let mut all = Vec::new();
        for process in 0..USERS.len() as u8 {
            let often = if process == state.last { 20 } else { 1 };
            for name in 1..=FILES {
                let file = Handle { process, name };
                let mut offer = |weight: u32, what: BoxedStrategy<What>| {
                    let call = what.prop_map(move |what| Operation::Call(file, what));
                    all.push((often * weight, call.boxed()));
                };
                if !state.model.is_open(file) {
                    offer(2, select(state.minors.clone()).prop_map(What::Open).boxed());
                    continue;
                }
                let write = (any_memory(), any_body(any_length()))
                    .prop_map(|(memory, body)| What::Write { memory, body });
                let read = (any_memory(), any_length())
                    .prop_map(|(memory, room)| What::Read { memory, room });
                offer(1, Just(What::Close).boxed());
                offer(8, any_ioctl(state).boxed());
                offer(8, write.boxed());
                offer(10, read.boxed());
            }
        }
        // Last, because an operation is simplified by taking an earlier variant.
        all.extend(killing(Operation::Kill));
        Union::new_weighted(all).boxed()
    }

    fn preconditions(state: &State, operation: &Operation) -> bool {
        match operation {
            Operation::Kill(_) => true,
            Operation::Call(file, What::Open(_)) => !state.model.is_open(*file),
            Operation::Call(file, _) => state.model.is_open(*file),
        }
    }

    fn apply(mut state: State, operation: &Operation) -> State {
        match operation {
            Operation::Kill(process) => {
                state.model.end(*process);
                state.files.end(*process);
            }
            Operation::Call(file, what) => {
                state.last = file.process;
                // The answers are compared elsewhere.
                let _ = state.model.call(*file, what.ask(&what.bytes()));
                match what {
                    What::Open(_) => state.files.open(*file),
                    What::Close => state.files.close(*file),
                    _ => {}
                }
            }
        }
        state
    }
}

impl Subject for Slot {
    const MODULE: &'static str = "message_slot";
    const ID: &'static str = "fuzz/message_slot";

    fn prepare(scene: &mut Scene<'_>, start: &State) -> Outcome {
        for &minor in &start.minors {
            scene.make_slot(minor.into(), 0o666)?;
        }
        Ok(())
    }

    fn actor(operation: &Operation) -> Actor {
        match operation {
            Operation::Kill(process) => Actor::Killed(*process),
            Operation::Call(file, _) => Actor::Calls(file.process),
        }
    }

    fn calls(state: &State, operation: &Operation) -> Vec<Call> {
        let Operation::Call(file, what) = operation else {
            return Vec::new();
        };
        let fd = state.files.of(*file);
        vec![match *what {
            What::Open(minor) => Call::Open {
                path: format!("/dev/slot{minor}"),
                flags: libc::O_RDWR,
            },
            What::Close => Call::Close { fd },
            What::Ioctl { command, argument } => Call::Ioctl {
                fd,
                command,
                argument: argument.into(),
            },
            What::Write { memory, body } => Call::WriteFile {
                fd,
                memory,
                data: Bytes(body.bytes()),
            },
            What::Read { memory, room } => Call::ReadFile {
                fd,
                memory,
                len: room,
            },
        }]
    }

    fn judge(
        state: &State,
        operation: &Operation,
        observed: &[CallResult],
        _pids: [u32; 2],
    ) -> Result<(), Mismatch> {
        let (Operation::Call(file, what), [observed]) = (operation, observed) else {
            return Ok(());
        };
        let allowed = state.model.clone().call(*file, what.ask(&what.bytes()));
        let number = match allowed {
            Ok(Value::Message(message)) => {
                return match judge_read(observed, &message).1 {
                    Err(Halt::Fail { expected, got }) => Err(Mismatch { expected, got }),
                    _ => Ok(()),
                };
            }
            Ok(Value::Written(len)) => Ok(len as i64),
            Ok(Value::Done) if matches!(what, What::Open(_)) => {
                Ok(state.files.next(file.process).into())
            }
            Ok(Value::Done) => Ok(0),
            Err(errnos) => Err(errnos),
        };
        judge_returned(&number, observed)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use protocol::model::Errno;

    use super::*;

    #[test]
    fn what_can_be_accessed_is_counted_from_the_start() {
        let memory = |before, front, back| BufferMemory::Border {
            before,
            front,
            back,
        };
        for (memory, room, expected) in [
            (BufferMemory::Ordinary, 9, 9),
            (BufferMemory::ReadOnly, 9, 0),
            (BufferMemory::Crossing { mapped: 4 }, 9, 4),
            (BufferMemory::Crossing { mapped: 4 }, 3, 3),
            (memory(4, Page::ReadOnly, Page::Writable), 9, 0),
            (memory(0, Page::ReadOnly, Page::Writable), 9, 9),
        ] {
            assert_eq!(writable(memory, room), expected, "{memory:?}");
        }
        assert!(readable(BufferMemory::ReadOnly, 9));
        assert!(readable(BufferMemory::Crossing { mapped: 4 }, 4));
        assert!(!readable(BufferMemory::Crossing { mapped: 4 }, 5));
    }

    #[test]
    fn every_answer_of_the_contract_is_drawn() {
        let mut errnos = BTreeSet::new();
        let mut messages = 0;
        for (mut state, operations) in crate::compare::tests::draw::<Slot>(1, 20) {
            for operation in operations {
                if let Operation::Call(file, what) = &operation {
                    match state.model.clone().call(*file, what.ask(&what.bytes())) {
                        Err(several) => errnos.extend(several),
                        Ok(Value::Message(_)) => messages += 1,
                        Ok(_) => {}
                    }
                }
                state = Slot::apply(state, &operation);
            }
        }
        use Errno::{EFAULT, EINVAL, EMSGSIZE, ENOSPC, EWOULDBLOCK};
        let expected = [EWOULDBLOCK, EFAULT, EINVAL, ENOSPC, EMSGSIZE];
        assert_eq!(errnos.into_iter().collect::<Vec<_>>(), expected);
        assert!(messages > 100, "{messages}");
    }
}
