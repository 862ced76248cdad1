// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the host has an actor do: system calls, and the memory that they are given.

use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;

/// A system call that an actor makes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Call {
    /// `socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol)`: `Answer::Value` is the
    /// descriptor.
    Socket {
        /// Netlink protocol number.
        protocol: i32,
    },
    /// bind(2).
    Bind {
        /// Socket.
        fd: i32,
        /// 0 lets the kernel choose.
        portid: u32,
        /// Mask of multicast groups.
        groups: u32,
    },
    /// getsockname(2): `Answer::Value` is the portid.
    PortId {
        /// Socket.
        fd: i32,
    },
    /// setsockopt(2) with an `int`.
    SetOption {
        /// Socket.
        fd: i32,
        /// `SOL_NETLINK` or `SOL_SOCKET`.
        level: i32,
        /// Option number.
        option: i32,
        /// Its value.
        value: i32,
    },
    /// sendto(2): `Answer::Value` is the number of bytes.
    Send {
        /// Socket.
        fd: i32,
        /// Destination; 0 is the kernel.
        portid: u32,
        /// The whole datagram.
        data: Bytes,
    },
    /// poll(2), then recvmsg(2): `Answer::Datagram`, or `ETIMEDOUT` if none came.
    Receive {
        /// Socket.
        fd: i32,
        /// How long to wait for one.
        timeout_ms: u64,
    },
    /// close(2).
    Close {
        /// Descriptor.
        fd: i32,
    },
    /// fork(2), whereupon one of the two ends and the other goes on: `Answer::Done` from
    /// that one when the first has ended. All that was open is open still.
    Fork {
        /// Who goes on.
        stays: Kin,
    },
    /// dup(2): `Answer::Value` is the new descriptor of the same open file.
    Duplicate {
        /// Descriptor.
        fd: i32,
    },
    /// A datagram socket of the `AF_UNIX` family, bound to a name in the abstract namespace:
    /// `Answer::Value` is its descriptor.
    Mailbox {
        /// Its name.
        name: String,
    },
    /// sendmsg(2) with `SCM_RIGHTS`: gives an open file to the process behind a [`Call::Mailbox`].
    SendFile {
        /// Descriptor.
        fd: i32,
        /// The name of the mailbox.
        to: String,
    },
    /// recvmsg(2) with `SCM_RIGHTS`: `Answer::Value` is the descriptor of the file that came.
    ReceiveFile {
        /// The mailbox.
        mailbox: i32,
    },
    /// `unshare(CLONE_NEWNET)`: from now on in a network namespace of its own.
    LeaveNetwork,
    /// setresgid(2) and setresuid(2): root no more, for good. All that was open is open still.
    BecomeUser {
        /// User and group.
        uid: u32,
    },
    /// `open(path, flags | O_CLOEXEC)`: `Answer::Value` is the descriptor.
    Open {
        /// Absolute path in the guest.
        path: String,
        /// `O_RDWR` and the like.
        flags: i32,
    },
    /// ioctl(2) with a number as its argument: `Answer::Value` is what it returns.
    Ioctl {
        /// Descriptor.
        fd: i32,
        /// Which command.
        command: u32,
        /// By value.
        argument: u64,
    },
    /// ioctl(2) with a pointer to a number of eight bytes: `Answer::Value` is what it
    /// returns.
    IoctlAt {
        /// Descriptor.
        fd: i32,
        /// Which command.
        command: u32,
        /// What the argument points to.
        number: u64,
    },
    /// read(2): `Answer::Filled`.
    ReadFile {
        /// Descriptor.
        fd: i32,
        /// What the buffer is like.
        memory: BufferMemory,
        /// Its length in bytes, as the call is told.
        len: usize,
    },
    /// write(2): `Answer::Value` is the number of bytes.
    WriteFile {
        /// Descriptor.
        fd: i32,
        /// What the buffer is like.
        memory: BufferMemory,
        /// What is in it, as far as it can be accessed; as many bytes as the call is told.
        data: Bytes,
    },
    /// Choose one channel of a message slot after the other and write a byte to each:
    /// `Answer::Value` is how many there were when the time was over or all were done.
    FillChannels {
        /// Descriptor.
        fd: i32,
        /// The ioctl command.
        command: u32,
        /// Whether it takes a pointer to the channel's id.
        by_pointer: bool,
        /// The first id.
        first: u32,
        /// How many.
        count: u32,
        /// When to stop, in milliseconds.
        limit_ms: u64,
    },
    /// finit_module(2): as `Op::Insert`.
    Insert {
        /// Path of the `.ko` in the guest.
        path: String,
        /// Module parameters, separated by spaces.
        params: String,
    },
    /// A call in the course of which one allocation, or one copy from or to user space, fails:
    /// `Answer::Faulted`. For kernels with fault injection.
    WithFault {
        /// Which one, from 1.
        nth: u32,
        /// The call.
        call: Box<Call>,
    },
    /// All of these calls in order, again and again: `Answer::Batch`. For what would be
    /// too many lines, or too far apart in time.
    Batch {
        /// How often.
        rounds: u64,
        /// Go on when a call has failed.
        persist: bool,
        /// The calls of one round.
        calls: Vec<Call>,
    },
    /// The same call again and again, whether it fails or not: `Answer::Repeated`. For
    /// what is to be looked at each time and mostly gives the same.
    Repeat {
        /// How often.
        times: u64,
        /// The call.
        call: Box<Call>,
    },
}

/// One of the two after fork(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kin {
    /// The process that was there before.
    Parent,
    /// The new one.
    Child,
}

/// What [`Call::ReadFile`] has in its buffer before the call.
pub const POISON: u8 = 0xa5;

/// What may be done with a page of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Page {
    /// It can be read and written.
    Writable,
    /// Mapped with `PROT_READ`.
    ReadOnly,
    /// Mapped with `PROT_NONE`.
    NoAccess,
    /// Nothing is mapped there.
    Unmapped,
}

impl Page {
    /// Whether it can be read.
    pub fn readable(self) -> bool {
        matches!(self, Page::Writable | Page::ReadOnly)
    }
}

/// The memory that a buffer of a system call lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BufferMemory {
    /// It can be read and written.
    Ordinary,
    /// Nothing is mapped there.
    Unmapped,
    /// Mapped with `PROT_NONE`.
    NoAccess,
    /// Mapped with `PROT_READ`.
    ReadOnly,
    /// Its first bytes are the last of a page, and nothing is mapped behind them.
    Crossing {
        /// How many bytes can be accessed, up to 4096.
        mapped: usize,
    },
    /// It lies at the border between pages of two kinds.
    Border {
        /// How far in front of the border it starts, in bytes, up to 4096.
        before: usize,
        /// The page in front of the border.
        front: Page,
        /// All that is behind it, as far as the buffer goes.
        back: Page,
    },
}

impl BufferMemory {
    /// The same as a border: how far in front of it the buffer starts, and the kinds of pages.
    pub fn border(self) -> (usize, Page, Page) {
        match self {
            BufferMemory::Ordinary => (0, Page::Writable, Page::Writable),
            BufferMemory::Unmapped => (0, Page::Unmapped, Page::Unmapped),
            BufferMemory::NoAccess => (0, Page::NoAccess, Page::NoAccess),
            BufferMemory::ReadOnly => (0, Page::ReadOnly, Page::ReadOnly),
            BufferMemory::Crossing { mapped } => (mapped, Page::Writable, Page::Unmapped),
            BufferMemory::Border {
                before,
                front,
                back,
            } => (before, front, back),
        }
    }

    /// The pages that the first `len` bytes of a buffer lie in.
    pub fn pages(self, len: usize) -> impl Iterator<Item = Page> {
        let (before, front, back) = self.border();
        let in_front = (before > 0 && len > 0).then_some(front);
        in_front.into_iter().chain((len > before).then_some(back))
    }
}
