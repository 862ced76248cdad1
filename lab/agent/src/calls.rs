// SPDX-License-Identifier: MIT OR Apache-2.0
//! Orders for an actor: system calls, and the memory of their buffers.

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
    /// fork(2); one process ends and the other continues. `Answer::Done` comes from the other one
    /// after the end of the first. All files stay open.
    Fork {
        /// The process that continues.
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
    /// `unshare(CLONE_NEWNET)`: continue in a new network namespace.
    LeaveNetwork,
    /// setresgid(2) and setresuid(2): give up root for good. All files stay open.
    BecomeUser {
        /// User and group.
        uid: u32,
    },
    /// `open(path, flags | O_CLOEXEC)`: `Answer::Value` is the descriptor.
    Open {
        /// Absolute path in the guest.
        path: String,
        /// `O_RDWR` and other flags.
        flags: i32,
    },
    /// ioctl(2) with a number as its argument: `Answer::Value` is the result.
    Ioctl {
        /// Descriptor.
        fd: i32,
        /// Number of the command.
        command: u32,
        /// By value.
        argument: u64,
    },
    /// ioctl(2) with a pointer to a number of eight bytes: `Answer::Value` is the result.
    IoctlAt {
        /// Descriptor.
        fd: i32,
        /// Number of the command.
        command: u32,
        /// The number to which the argument points.
        number: u64,
    },
    /// read(2): `Answer::Filled`.
    ReadFile {
        /// Descriptor.
        fd: i32,
        /// The kind of the buffer.
        memory: BufferMemory,
        /// Its length in bytes, as passed to the call.
        len: usize,
    },
    /// write(2): `Answer::Value` is the number of bytes.
    WriteFile {
        /// Descriptor.
        fd: i32,
        /// The kind of the buffer.
        memory: BufferMemory,
        /// The contents of its accessible part. Their number is passed to the call.
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
    /// A call during which one allocation, or one copy from or to user space, fails:
    /// `Answer::Faulted`. For kernels with fault injection.
    WithFault {
        /// Number of the failing allocation or copy, from 1.
        nth: u32,
        /// The call.
        call: Box<Call>,
    },
    /// All of these calls in order, repeatedly: `Answer::Batch`. Single orders would be too many
    /// lines, or too slow.
    Batch {
        /// Number of rounds.
        rounds: u64,
        /// Continue after a failed call.
        persist: bool,
        /// The calls of one round.
        calls: Vec<Call>,
    },
    /// The same call repeatedly, whether it fails or not: `Answer::Repeated`. For many observations
    /// with few distinct results.
    Repeat {
        /// Number of repetitions.
        times: u64,
        /// The call.
        call: Box<Call>,
    },
}

impl Call {
    /// The name of the system call, for people.
    pub fn name(&self) -> &'static str {
        match self {
            Call::Socket { .. } => "socket",
            Call::Bind { .. } | Call::Mailbox { .. } => "bind",
            Call::PortId { .. } => "getsockname",
            Call::SetOption { .. } => "setsockopt",
            Call::Send { .. } => "sendto",
            Call::Receive { .. } | Call::ReceiveFile { .. } => "recvmsg",
            Call::Close { .. } => "close",
            Call::Fork { .. } => "fork",
            Call::Duplicate { .. } => "dup",
            Call::SendFile { .. } => "sendmsg",
            Call::LeaveNetwork => "unshare",
            Call::BecomeUser { .. } => "setresuid",
            Call::Open { .. } => "open",
            Call::Ioctl { .. } | Call::IoctlAt { .. } => "ioctl",
            Call::ReadFile { .. } => "read",
            Call::WriteFile { .. } => "write",
            Call::FillChannels { .. } => "ioctl and write, for many channels,",
            Call::Insert { .. } => "finit_module",
            Call::Batch { .. } => "a list of calls",
            Call::WithFault { call, .. } | Call::Repeat { call, .. } => call.name(),
        }
    }
}

/// One of the two after fork(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kin {
    /// The parent.
    Parent,
    /// The child.
    Child,
}

/// Contents of the buffer of [`Call::ReadFile`] before the call.
pub const POISON: u8 = 0xa5;

/// Access rights of a page of memory.
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
    /// Its first bytes are the last of a page, and the next page is not mapped.
    Crossing {
        /// Number of accessible bytes, up to 4096.
        mapped: usize,
    },
    /// It crosses the border between pages of two kinds.
    Border {
        /// Distance from its start to the border, in bytes, up to 4096.
        before: usize,
        /// The page before the border.
        front: Page,
        /// The pages after the border.
        back: Page,
    },
}

impl BufferMemory {
    /// The same as a border: distance from the start of the buffer, and the kinds of pages.
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

    /// The pages of the first `len` bytes of a buffer.
    pub fn pages(self, len: usize) -> impl Iterator<Item = Page> {
        let (before, front, back) = self.border();
        let in_front = (before > 0 && len > 0).then_some(front);
        in_front.into_iter().chain((len > before).then_some(back))
    }
}
