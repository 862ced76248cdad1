// SPDX-License-Identifier: MIT OR Apache-2.0
//! Message slots in the guest that a scenario drives call by call.

use lab_agent::{Answer, Bytes, Call, Memory, Op, Outcome as Observed, POISON};
use nix::{errno::Errno, libc};
use protocol::slot::MESSAGE_MAX;

use crate::{
    actor::{returned, shown},
    scene::{Outcome, Program, Scene, expect_eq, fail, readable},
    subject::SlotEdition,
    transcript::Kind,
};

/// How much longer than any message the buffers are that messages are read into.
const MARGIN: usize = 64;

/// A slot that a process has open.
#[derive(Clone, Debug)]
pub struct SlotFile {
    /// The process, an actor.
    pub program: Program,
    /// Its descriptor.
    pub fd: i32,
    /// How it is spoken to.
    pub edition: SlotEdition,
}

/// What a file's channel holds.
#[derive(Clone, Copy, Debug)]
pub enum Held<'a> {
    /// No channel has been chosen.
    NoChannel,
    /// Nothing has been written to it.
    Nothing,
    /// This.
    Message(&'a [u8]),
}

impl SlotFile {
    /// The ioctl that chooses a channel.
    pub fn choose(&self, id: u64) -> Call {
        self.ioctl(self.edition.command, id)
    }

    /// Any ioctl, its argument passed as that of the one that chooses a channel.
    pub fn ioctl(&self, command: u32, argument: u64) -> Call {
        if self.edition.by_pointer {
            Call::IoctlAt {
                fd: self.fd,
                command,
                number: argument,
            }
        } else {
            Call::Ioctl {
                fd: self.fd,
                command,
                argument,
            }
        }
    }

    /// write(2) from an ordinary buffer.
    pub fn write(&self, data: &[u8]) -> Call {
        self.write_from(Memory::Ordinary, data)
    }

    /// write(2) from a buffer of any kind.
    pub fn write_from(&self, memory: Memory, data: &[u8]) -> Call {
        Call::WriteFile {
            fd: self.fd,
            memory,
            data: Bytes(data.to_vec()),
        }
    }

    /// read(2) into an ordinary buffer of this length.
    pub fn read(&self, len: usize) -> Call {
        self.read_into(Memory::Ordinary, len)
    }

    /// read(2) into a buffer of any kind.
    pub fn read_into(&self, memory: Memory, len: usize) -> Call {
        Call::ReadFile {
            fd: self.fd,
            memory,
            len,
        }
    }
}

/// What a read gave, in words, and whether it is exactly this message and nothing behind it has
/// been touched.
pub fn judge_read(observed: &Observed, message: &[u8]) -> (String, Outcome) {
    let (said, judged) = judge_message(observed, message, true);
    let untouched = |()| {
        let Ok(Answer::Filled { buffer, .. }) = observed else {
            return Ok(());
        };
        let rest = buffer.0.iter().skip(message.len());
        let touched = rest.filter(|&&byte| byte != POISON).count();
        expect_eq("bytes changed behind the message", touched, 0)
    };
    (said, judged.and_then(untouched))
}

/// The same, whatever is behind the message; and unless it is to be `exact`, that may be counted, too.
fn judge_message(observed: &Observed, message: &[u8], exact: bool) -> (String, Outcome) {
    let returned = returned(observed);
    let Ok(Answer::Filled { buffer, .. }) = observed else {
        let said = format!("reads: {observed:?}");
        return (said.clone(), Err(fail("an answer with a buffer", said)));
    };
    let read = usize::try_from(returned.unwrap_or_default()).unwrap_or_default();
    let start = &buffer.0[..read.min(buffer.0.len())];
    let said = match returned {
        Ok(_) => format!("reads {}", counted(start)),
        Err(_) => format!("reads: {}", shown(returned)),
    };
    if !start.starts_with(message) || (exact && returned != Ok(message.len() as i64)) {
        let expected = format!("reads {}", counted(message));
        return (said.clone(), Err(fail(expected, said)));
    }
    (said, Ok(()))
}

/// Whether a read found nothing; unless it is to be `exact`, it may say so as it likes.
fn judge_empty(observed: &Observed, exact: bool) -> (String, Outcome) {
    let said = format!("reads: {}", shown(returned(observed)));
    let (wanted, found) = match (returned(observed), exact) {
        (got, true) => ("EWOULDBLOCK", got == Err(Errno::EWOULDBLOCK)),
        (got, false) => ("nothing is there", matches!(got, Err(_) | Ok(0))),
    };
    let judged = if found {
        Ok(())
    } else {
        Err(fail(format!("reads: {wanted}"), said.as_str()))
    };
    (said, judged)
}

/// Bytes for a transcript, with their number.
fn counted(data: &[u8]) -> String {
    let bytes = if data.len() == 1 { "byte" } else { "bytes" };
    format!("{} {bytes}: {}", data.len(), readable(data))
}

impl Scene<'_> {
    /// How the slots of this machine are spoken to.
    pub fn slot_edition(&self) -> SlotEdition {
        self.workshop().subject.slot
    }

    /// Make the node `/dev/slotMINOR` with these permission bits and return its path.
    ///
    /// # Errors
    /// [`crate::scene::Halt::Fail`] if it cannot be made.
    pub fn make_slot(&mut self, minor: u32, mode: u32) -> Outcome<String> {
        self.make_node(&format!("/dev/slot{minor}"), minor, mode)
    }

    /// The same, with a path of choice.
    ///
    /// # Errors
    /// [`crate::scene::Halt::Fail`] if it cannot be made.
    pub fn make_node(&mut self, path: &str, minor: u32, mode: u32) -> Outcome<String> {
        let major = self.slot_edition().major;
        self.note(
            "host",
            Kind::Does,
            format!("mknod -m {mode:o} {path} c {major} {minor}"),
        );
        let op = Op::MakeDevice {
            path: path.to_owned(),
            major,
            minor,
            mode,
        };
        self.machine
            .order("making a device node", op)?
            .map_err(|refusal| fail(format!("{path} can be made"), refusal.to_string()))?;
        Ok(path.to_owned())
    }

    /// Make an empty file with these permission bits.
    ///
    /// # Errors
    /// [`crate::scene::Halt::Fail`] if it cannot be made.
    pub fn put_file(&mut self, path: &str, mode: u32) -> Outcome {
        let op = Op::Put {
            path: path.to_owned(),
            mode,
            data: Bytes::default(),
        };
        self.machine
            .order("making a file", op)?
            .map(drop)
            .map_err(|refusal| fail(format!("{path} can be made"), refusal.to_string()))
    }

    /// Have an actor open a slot to read and write.
    ///
    /// # Errors
    /// [`crate::scene::Halt::Fail`] if open fails.
    pub fn open_slot(&mut self, actor: &Program, path: &str) -> Outcome<SlotFile> {
        self.note(&actor.name, Kind::Does, format!("opens {path}"));
        self.open_with(actor, path, libc::O_RDWR)
    }

    /// The same with flags of choice (open(2)), and without a note.
    ///
    /// # Errors
    /// [`crate::scene::Halt::Fail`] if open fails.
    pub fn open_with(&mut self, actor: &Program, path: &str, flags: i32) -> Outcome<SlotFile> {
        let path = path.to_owned();
        let call = Call::Open { path, flags };
        let fd = self.value(actor, &call)? as i32;
        Ok(SlotFile {
            program: actor.clone(),
            fd,
            edition: self.slot_edition(),
        })
    }

    /// Close a slot.
    ///
    /// # Errors
    /// [`crate::scene::Halt::Fail`] if close fails.
    pub fn close_slot(&mut self, file: &SlotFile) -> Outcome {
        self.note(&file.program.name, Kind::Does, "closes its file");
        self.value(&file.program, &Call::Close { fd: file.fd })
            .map(drop)
    }

    /// Choose a channel: the ioctl must return 0.
    ///
    /// # Errors
    /// [`crate::scene::Halt::Fail`] if it does not.
    pub fn choose(&mut self, file: &SlotFile, id: u32) -> Outcome {
        let observed = self.call(&file.program, &file.choose(id.into()))?;
        self.note(
            &file.program.name,
            Kind::Does,
            format!("chooses channel {id}: {}", shown(returned(&observed))),
        );
        match returned(&observed) {
            Ok(1..) if !self.counts("I1") => Ok(()),
            returned => expect_eq("ioctl returns", returned, Ok(0)),
        }
    }

    /// Write a message: write must return its length.
    ///
    /// # Errors
    /// [`crate::scene::Halt::Fail`] if it does not.
    pub fn put(&mut self, file: &SlotFile, message: &[u8]) -> Outcome {
        let observed = self.call(&file.program, &file.write(message))?;
        let len = message.len() as i64;
        let mut said = format!("writes {}", counted(message));
        if returned(&observed) != Ok(len) {
            said = format!("{said}: {}", shown(returned(&observed)));
        }
        self.note(&file.program.name, Kind::Does, said);
        expect_eq("write returns", returned(&observed), Ok(len))
    }

    /// Expect exactly this message: read must return its length, its bytes must be in the buffer,
    /// and what is behind them must be untouched.
    ///
    /// # Errors
    /// [`crate::scene::Halt::Fail`] with what is different.
    pub fn expect_message(&mut self, file: &SlotFile, message: &[u8]) -> Outcome {
        let margin = if self.counts("R1") { MARGIN } else { 0 };
        let observed = self.call(&file.program, &file.read(MESSAGE_MAX + margin))?;
        let (said, judged) = self.judge_held(&observed, Some(message));
        self.note(&file.program.name, Kind::Does, said);
        judged
    }

    /// What a read gave, in words, and whether it is what the channel holds; `None` is nothing. That
    /// the rest of the buffer is untouched is R1's matter, that the length is right W1's, too, with
    /// which errno nothing is read R3's.
    pub fn judge_held(&self, observed: &Observed, held: Option<&[u8]>) -> (String, Outcome) {
        match held {
            Some(message) if self.counts("R1") => judge_read(observed, message),
            Some(message) => judge_message(observed, message, self.counts("W1")),
            None => judge_empty(observed, self.counts("R3")),
        }
    }

    /// As [`Scene::expect_message`], with a buffer of any kind and length.
    ///
    /// # Errors
    /// [`crate::scene::Halt::Fail`] with what is different.
    pub fn expect_message_in(
        &mut self,
        file: &SlotFile,
        memory: Memory,
        len: usize,
        message: &[u8],
    ) -> Outcome {
        let observed = self.call(&file.program, &file.read_into(memory, len))?;
        let (said, judged) = judge_read(&observed, message);
        self.note(&file.program.name, Kind::Does, said);
        judged
    }

    /// Expect that reading finds nothing in the channel.
    ///
    /// # Errors
    /// [`crate::scene::Halt::Fail`] if there is something.
    pub fn expect_empty(&mut self, file: &SlotFile) -> Outcome {
        let observed = self.call(&file.program, &file.read(MESSAGE_MAX))?;
        let (said, judged) = self.judge_held(&observed, None);
        self.note(&file.program.name, Kind::Does, said);
        judged
    }

    /// Expect that the chosen channel holds what it is said to.
    ///
    /// # Errors
    /// [`crate::scene::Halt::Fail`] if it holds something else.
    pub fn expect_held(&mut self, file: &SlotFile, held: Held<'_>) -> Outcome {
        match held {
            Held::Message(message) => self.expect_message(file, message),
            Held::Nothing => self.expect_empty(file),
            Held::NoChannel => self.expect_no_channel(file, "reads"),
        }
    }

    /// Expect that no channel is chosen: reading, which is called `reads`, is refused. That it is with
    /// EINVAL is R2's matter, and W2's what becomes of a write.
    ///
    /// # Errors
    /// [`crate::scene::Halt::Fail`] if something is read.
    pub fn expect_no_channel(&mut self, file: &SlotFile, reads: &str) -> Outcome {
        let read = file.read(MESSAGE_MAX);
        if self.counts("R2") {
            return self.expect_refusal(file, reads, &read, Errno::EINVAL);
        }
        let observed = self.call(&file.program, &read)?;
        let said = format!("{reads}: {}", shown(returned(&observed)));
        self.note(&file.program.name, Kind::Does, said);
        judge_empty(&observed, false).1
    }

    /// Expect that each of these calls fails with this errno, and that after each the channel
    /// still holds what it held before.
    ///
    /// # Errors
    /// [`crate::scene::Halt::Fail`] with the first that is otherwise.
    pub fn expect_refusals(
        &mut self,
        file: &SlotFile,
        calls: &[(String, Call)],
        errno: Errno,
        held: Held<'_>,
    ) -> Outcome {
        calls.iter().try_for_each(|(what, call)| {
            self.expect_refusal(file, what, call, errno)?;
            self.expect_held(file, held)
        })
    }

    /// Expect that after a write the channel holds what it held before, if the write has failed.
    /// If it has worked, that is put right again as far as it can be.
    ///
    /// # Errors
    /// [`crate::scene::Halt::Fail`] if it does not.
    pub fn expect_intact(
        &mut self,
        file: &SlotFile,
        what: &str,
        write: &Call,
        held: Held<'_>,
    ) -> Outcome {
        let read = file.read(MESSAGE_MAX);
        // With which errno nothing is read is R3's matter; that it stays the same is not.
        let before = match held {
            Held::Nothing => Some(returned(&self.call(&file.program, &read)?)),
            _ => None,
        };
        let observed = self.call(&file.program, write)?;
        let said = format!("{what}: {}", shown(returned(&observed)));
        self.note(&file.program.name, Kind::Does, said);
        match (returned(&observed), held, before) {
            (Err(_), _, Some(before)) => {
                let after = returned(&self.call(&file.program, &read)?);
                let said = format!("reads: {}", shown(after));
                self.note(&file.program.name, Kind::Does, said.as_str());
                if after == before {
                    return Ok(());
                }
                Err(fail(format!("reads: {}", shown(before)), said))
            }
            (Err(_), held, _) => self.expect_held(file, held),
            (Ok(_), Held::Message(message), _) => self.put(file, message),
            (Ok(_), _, _) => Ok(()),
        }
    }

    /// Expect that a call fails with exactly this errno; `what` describes it.
    ///
    /// # Errors
    /// [`crate::scene::Halt::Fail`] if it works, or fails otherwise.
    pub fn expect_refusal(
        &mut self,
        file: &SlotFile,
        what: &str,
        call: &Call,
        errno: Errno,
    ) -> Outcome {
        let observed = self.call(&file.program, call)?;
        let said = format!("{what}: {}", shown(returned(&observed)));
        self.note(&file.program.name, Kind::Does, said.as_str());
        if returned(&observed).is_err_and(|got| file.edition.accepts(errno, got)) {
            return Ok(());
        }
        Err(fail(format!("{what}: {}", shown(Err(errno))), said))
    }
}
