// SPDX-License-Identifier: MIT OR Apache-2.0
//! Message slots in the guest that a scenario drives call by call.

use lab_agent::{BufferMemory, Bytes, Call, Op};
use nix::libc;

use crate::{
    actor::{returned, shown},
    detail::Detail,
    halt::{Outcome, expect_eq, fail, readable},
    scene::{Program, Scene},
    subject::SlotEdition,
    transcript::LineKind,
};

/// A slot that a process has open.
#[derive(Clone, Debug)]
pub struct SlotFile {
    /// The process, an actor.
    pub program: Program,
    /// Its descriptor.
    pub fd: i32,
    /// How it is addressed.
    pub edition: SlotEdition,
}

/// Contents of a file's channel.
#[derive(Clone, Copy, Debug)]
pub enum Held<'a> {
    /// No channel has been chosen.
    NoChannel,
    /// No message has been written.
    Nothing,
    /// This message.
    Message(&'a [u8]),
}

impl SlotFile {
    /// The ioctl that chooses a channel.
    pub fn choose(&self, id: u64) -> Call {
        self.ioctl(self.edition.command, id)
    }

    /// Any ioctl; its argument is passed like that of the ioctl that chooses a channel.
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
        self.write_from(BufferMemory::Ordinary, data)
    }

    /// write(2) from a buffer of any kind.
    pub fn write_from(&self, memory: BufferMemory, data: &[u8]) -> Call {
        Call::WriteFile {
            fd: self.fd,
            memory,
            data: Bytes(data.to_vec()),
        }
    }

    /// read(2) into an ordinary buffer of this length.
    pub fn read(&self, len: usize) -> Call {
        self.read_into(BufferMemory::Ordinary, len)
    }

    /// read(2) into a buffer of any kind.
    pub fn read_into(&self, memory: BufferMemory, len: usize) -> Call {
        Call::ReadFile {
            fd: self.fd,
            memory,
            len,
        }
    }
}

/// Bytes for a transcript, with their number.
pub(crate) fn counted(data: &[u8]) -> String {
    let bytes = if data.len() == 1 { "byte" } else { "bytes" };
    format!("{} {bytes}: {}", data.len(), readable(data))
}

impl Scene<'_> {
    /// How the slots of this machine are addressed.
    pub fn slot_edition(&self) -> SlotEdition {
        self.workshop().subject.slot
    }

    /// Make the node `/dev/slotMINOR` with these permission bits and return its path.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if it cannot be made.
    pub fn make_slot(&mut self, minor: u32, mode: u32) -> Outcome<String> {
        self.make_node(&format!("/dev/slot{minor}"), minor, mode)
    }

    /// The same, with a given path.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if it cannot be made.
    pub fn make_node(&mut self, path: &str, minor: u32, mode: u32) -> Outcome<String> {
        let major = self.slot_edition().major;
        self.note(
            "host",
            LineKind::Does,
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
    /// [`crate::Halt::Fail`] if it cannot be made.
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

    /// Make an actor open a slot to read and write.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if open fails.
    pub fn open_slot(&mut self, actor: &Program, path: &str) -> Outcome<SlotFile> {
        self.note(&actor.name, LineKind::Does, format!("opens {path}"));
        self.open_with(actor, path, libc::O_RDWR)
    }

    /// The same with given flags (open(2)), and without a note.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if open fails.
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
    /// [`crate::Halt::Fail`] if close fails.
    pub fn close_slot(&mut self, file: &SlotFile) -> Outcome {
        self.note(&file.program.name, LineKind::Does, "closes its file");
        self.value(&file.program, &Call::Close { fd: file.fd })
            .map(drop)
    }

    /// Choose a channel: the ioctl must return 0.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if it does not.
    pub fn choose(&mut self, file: &SlotFile, id: u32) -> Outcome {
        let observed = self.call(&file.program, &file.choose(id.into()))?;
        self.note(
            &file.program.name,
            LineKind::Does,
            format!("chooses channel {id}: {}", shown(returned(&observed))),
        );
        match returned(&observed) {
            Ok(1..) if !self.judges(Detail::IoctlZero) => Ok(()),
            returned => expect_eq("ioctl returns", returned, Ok(0)),
        }
    }

    /// Write a message: write must return its length.
    ///
    /// # Errors
    /// [`crate::Halt::Fail`] if it does not.
    pub fn put(&mut self, file: &SlotFile, message: &[u8]) -> Outcome {
        let observed = self.call(&file.program, &file.write(message))?;
        let len = message.len() as i64;
        let mut said = format!("writes {}", counted(message));
        if returned(&observed) != Ok(len) {
            said = format!("{said}: {}", shown(returned(&observed)));
        }
        self.note(&file.program.name, LineKind::Does, said);
        expect_eq("write returns", returned(&observed), Ok(len))
    }
}
