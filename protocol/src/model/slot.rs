// SPDX-License-Identifier: MIT OR Apache-2.0
//! The message slots: files, the channels chosen for them, the messages in the channels.

use std::collections::BTreeMap;

use super::{Allowed, Errno, Handle};
use crate::slot::{CHANNEL, ChannelId, MESSAGE_MAX};

/// One call of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call<'a> {
    /// Open a slot, for a file of this name.
    Open(u8),
    /// Close it.
    Close,
    /// ioctl(2).
    Ioctl {
        /// Number of the command.
        command: u32,
        /// By value.
        argument: u32,
    },
    /// write(2).
    Write {
        /// The buffer. Its length is passed to the call.
        data: &'a [u8],
        /// Whether all of it is readable.
        readable: bool,
    },
    /// read(2).
    Read {
        /// Length of the buffer, as passed to the call.
        room: usize,
        /// Number of writable bytes from its start.
        writable: usize,
    },
}

/// The result of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Success; the number has no other meaning.
    Done,
    /// Number of written bytes.
    Written(usize),
    /// The bytes that were read.
    Message(Vec<u8>),
}

#[derive(Clone, Debug)]
struct File {
    minor: u8,
    channel: Option<ChannelId>,
}

/// All slots, and their open files.
#[derive(Clone, Debug, Default)]
pub struct Slots {
    files: BTreeMap<Handle, File>,
    messages: BTreeMap<(u8, ChannelId), Vec<u8>>,
}

impl Slots {
    /// Whether a file of this name is open.
    pub fn is_open(&self, file: Handle) -> bool {
        self.files.contains_key(&file)
    }

    /// A process ends in any way: its files are closed, and the messages stay.
    pub fn end(&mut self, process: u8) {
        self.files.retain(|file, _| file.process != process);
    }

    /// Make a call on a file. A call that may fail does fail here, and changes nothing.
    ///
    /// # Errors
    /// The errnos of all mistakes; `EBADF` if the file is not open, or is open already.
    pub fn call(&mut self, file: Handle, call: Call<'_>) -> Allowed<Value> {
        if let Call::Open(minor) = call {
            if self.is_open(file) {
                return Err(vec![Errno::EBADF]);
            }
            let channel = None;
            self.files.insert(file, File { minor, channel });
            return Ok(Value::Done);
        }
        let Some(open) = self.files.get_mut(&file) else {
            return Err(vec![Errno::EBADF]);
        };
        let place = open.channel.map(|channel| (open.minor, channel));
        match call {
            Call::Open(_) => Err(vec![Errno::EBADF]),
            Call::Close => {
                self.files.remove(&file);
                Ok(Value::Done)
            }
            Call::Ioctl { command, argument } => match ChannelId::new(argument) {
                Some(channel) if command == CHANNEL => {
                    open.channel = Some(channel);
                    Ok(Value::Done)
                }
                _ => Err(vec![Errno::EINVAL]),
            },
            Call::Write { data, readable } => {
                let fits = (1..=MESSAGE_MAX).contains(&data.len());
                let place = all_right([
                    (place.is_some(), Errno::EINVAL),
                    (fits, Errno::EMSGSIZE),
                    (readable, Errno::EFAULT),
                ])
                .and(place.ok_or_else(Vec::new))?;
                self.messages.insert(place, data.to_vec());
                Ok(Value::Written(data.len()))
            }
            Call::Read { room, writable } => {
                let message = place.and_then(|place| self.messages.get(&place));
                // Without a message, the contract leaves open how much of the buffer is used.
                let len = message.map_or(room, Vec::len);
                let message = all_right([
                    (place.is_some(), Errno::EINVAL),
                    (place.is_none() || message.is_some(), Errno::EWOULDBLOCK),
                    (message.is_none() || len <= room, Errno::ENOSPC),
                    (len.min(room) <= writable, Errno::EFAULT),
                ])
                .and(message.ok_or_else(Vec::new))?;
                Ok(Value::Message(message.clone()))
            }
        }
    }
}

/// The errnos of the conditions that are false.
fn all_right<const N: usize>(conditions: [(bool, Errno); N]) -> Allowed<()> {
    let wrong = conditions.into_iter().filter(|(holds, _)| !holds);
    let errnos: Vec<_> = wrong.map(|(_, errno)| errno).collect();
    if errnos.is_empty() {
        Ok(())
    } else {
        Err(errnos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Handle = Handle {
        process: 0,
        name: 1,
    };
    const B: Handle = Handle {
        process: 1,
        name: 1,
    };
    const ALL: Call<'static> = Call::Read {
        room: MESSAGE_MAX,
        writable: MESSAGE_MAX,
    };

    fn choose(argument: u32) -> Call<'static> {
        let command = CHANNEL;
        Call::Ioctl { command, argument }
    }

    fn write(data: &[u8]) -> Call<'_> {
        let readable = true;
        Call::Write { data, readable }
    }

    fn opened(calls: &[(Handle, Call<'_>)]) -> Slots {
        let mut slots = Slots::default();
        for (file, call) in calls {
            assert!(slots.call(*file, *call).is_ok(), "{file} {call:?}");
        }
        slots
    }

    fn message(bytes: &[u8]) -> Allowed<Value> {
        Ok(Value::Message(bytes.to_vec()))
    }

    #[test]
    fn a_message_outlives_files_and_processes_until_it_is_overwritten() {
        let mut slots = opened(&[(A, Call::Open(3)), (A, choose(5)), (A, write(b"hello"))]);
        slots.end(0);
        assert!(!slots.is_open(A));
        for call in [Call::Open(3), choose(5)] {
            assert_eq!(slots.call(B, call), Ok(Value::Done));
        }
        for _ in 0..2 {
            assert_eq!(slots.call(B, ALL), message(b"hello"));
        }
        assert_eq!(slots.call(B, write(b"bye")), Ok(Value::Written(3)));
        assert_eq!(slots.call(B, ALL), message(b"bye"));
    }

    #[test]
    fn channels_and_slots_are_apart_and_the_choice_is_the_files() {
        let mut slots = opened(&[
            (A, Call::Open(3)),
            (A, choose(5)),
            (A, write(b"hello")),
            (B, Call::Open(3)),
        ]);
        assert_eq!(slots.call(B, ALL), Err(vec![Errno::EINVAL]));
        assert_eq!(slots.call(B, choose(6)), Ok(Value::Done));
        assert_eq!(slots.call(B, ALL), Err(vec![Errno::EWOULDBLOCK]));
        for call in [Call::Close, Call::Open(4), choose(5)] {
            assert_eq!(slots.call(B, call), Ok(Value::Done));
        }
        assert_eq!(slots.call(B, ALL), Err(vec![Errno::EWOULDBLOCK]));
        assert_eq!(slots.call(A, ALL), message(b"hello"));
    }

    #[test]
    fn what_fails_changes_nothing() {
        let mut slots = opened(&[(A, Call::Open(3)), (A, choose(5)), (A, write(b"hello"))]);
        let other = Call::Ioctl {
            command: CHANNEL + 1,
            argument: 6,
        };
        let bad = Call::Write {
            data: b"x",
            readable: false,
        };
        let read = |room, writable| Call::Read { room, writable };
        for (call, errno) in [
            (choose(0), Errno::EINVAL),
            (other, Errno::EINVAL),
            (write(b""), Errno::EMSGSIZE),
            (write(&[1; MESSAGE_MAX + 1]), Errno::EMSGSIZE),
            (bad, Errno::EFAULT),
            (read(4, 4), Errno::ENOSPC),
            (read(128, 4), Errno::EFAULT),
        ] {
            assert_eq!(slots.call(A, call), Err(vec![errno]), "{call:?}");
            assert_eq!(slots.call(A, ALL), message(b"hello"));
        }
        // The buffer need not be writable after the message.
        assert_eq!(slots.call(A, read(128, 5)), message(b"hello"));
    }

    #[test]
    fn of_several_errors_each_may_be_told() {
        let mut slots = opened(&[(A, Call::Open(3))]);
        let expected = vec![Errno::EINVAL, Errno::EMSGSIZE];
        assert_eq!(slots.call(A, write(b"")), Err(expected));
        assert_eq!(slots.call(B, ALL), Err(vec![Errno::EBADF]));
        assert_eq!(slots.call(A, Call::Open(4)), Err(vec![Errno::EBADF]));
    }
}
