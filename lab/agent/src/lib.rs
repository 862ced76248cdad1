// SPDX-License-Identifier: MIT OR Apache-2.0
//! What host and agent say to each other: one JSON value per line.
//!
//! The host sends [`Order`]s over a virtio-serial port and the agent sends [`Report`]s back. No
//! expected value ever travels into the guest: an answer is a raw observation (a value, or the
//! call that failed and its errno), and the host decides what it is worth.
//!
//! System calls that need a process of their own (to be killed, to be an unprivileged user, to be
//! in another network namespace) are made by an *actor*: this same binary started as
//! `agent actor`, which takes [`Call`]s on stdin and answers with [`Outcome`]s on stdout.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Name of the virtio-serial port between host and agent.
pub const PORT_NAME: &str = "org.ipclab.agent";

/// Where the agent mounts a tmpfs for modules and programs, inside the guest.
pub const WORK_DIR: &str = "/lab";

/// Bytes that need not be text; base64 on the wire.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Bytes(pub Vec<u8>);

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            0..=64 => write!(f, "b\"{}\"", self.0.escape_ascii()),
            len => write!(f, "{len} bytes"),
        }
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        STANDARD
            .decode(text.as_bytes())
            .map(Bytes)
            .map_err(serde::de::Error::custom)
    }
}

/// Number that the host gives to a process it has started.
pub type ProcessId = u64;

/// One order; its answer carries the same id. Orders run concurrently.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    /// Chosen by the host.
    pub id: u64,
    /// What to do.
    pub op: Op,
}

/// What the agent itself can do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Op {
    /// Answer with [`Answer::Done`].
    Ping,
    /// Create or replace a file.
    Put {
        /// Absolute path in the guest.
        path: String,
        /// Permission bits.
        mode: u32,
        /// Its contents.
        data: Bytes,
    },
    /// Write to a file that is there, as those of procfs, sysfs and debugfs are.
    Control {
        /// Absolute path in the guest.
        path: String,
        /// Written with one call.
        text: String,
    },
    /// Create or replace a device node: mknod(2), then chmod(2).
    MakeDevice {
        /// Absolute path in the guest.
        path: String,
        /// Major number of a character device.
        major: u32,
        /// Minor number.
        minor: u32,
        /// Permission bits.
        mode: u32,
    },
    /// Read a file to its end: [`Answer::Data`].
    Read {
        /// Absolute path in the guest.
        path: String,
    },
    /// From a file, the lines that contain a text: [`Answer::Data`].
    Lines {
        /// Absolute path in the guest.
        path: String,
        /// What they contain.
        text: String,
    },
    /// From what the slab caches know of their objects (`SLAB/alloc_traces` in debugfs), the
    /// entries that contain a text, each under a line `cache NAME`: [`Answer::Data`]. Objects that
    /// were freed and are only kept back are given back first, so that they do not count.
    AllocTraces {
        /// What they contain.
        text: String,
    },
    /// Insert a kernel module: finit_module(2).
    Insert {
        /// Path of the `.ko` in the guest.
        path: String,
        /// Module parameters, separated by spaces.
        params: String,
    },
    /// Remove a kernel module: delete_module(2) with `O_NONBLOCK`.
    Remove {
        /// Its name.
        name: String,
    },
    /// Write one line into the kernel log.
    Mark {
        /// The line, without a newline.
        text: String,
    },
    /// Start a process: [`Answer::Started`]. What it writes and how it ends is reported.
    Spawn {
        /// The host's number for it.
        process: ProcessId,
        /// Program and arguments.
        argv: Vec<String>,
        /// User and group id.
        uid: u32,
        /// Where its stdin comes from.
        stdin: Stdin,
    },
    /// Write to the stdin of a process.
    Write {
        /// Which one.
        process: ProcessId,
        /// All of it is written, or an errno is answered.
        data: Bytes,
    },
    /// Close the pipe that is the stdin of a process: it sees the end of its input.
    CloseStdin {
        /// Which one.
        process: ProcessId,
    },
    /// Send a signal to a process and to what it has forked. One that it stops has stopped (or
    /// ended) when this is answered.
    Signal {
        /// To which process.
        process: ProcessId,
        /// Signal number.
        signal: i32,
    },
    /// Switch the machine off, without an answer.
    PowerOff,
}

/// Where the stdin of a process comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stdin {
    /// A pipe that [`Op::Write`] fills.
    Pipe,
    /// File descriptor 0 is closed.
    Closed,
}

/// A system call that an actor makes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Call {
    /// `socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol)`: [`Answer::Value`] is the descriptor.
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
    /// getsockname(2): [`Answer::Value`] is the portid.
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
    /// sendto(2): [`Answer::Value`] is the number of bytes.
    Send {
        /// Socket.
        fd: i32,
        /// Destination; 0 is the kernel.
        portid: u32,
        /// The whole datagram.
        data: Bytes,
    },
    /// poll(2), then recvmsg(2): [`Answer::Datagram`], or `ETIMEDOUT` if none came.
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
    /// fork(2), whereupon one of the two ends and the other goes on: [`Answer::Done`] from that one
    /// when the first has ended. All that was open is open still.
    Fork {
        /// Who goes on.
        stays: Kin,
    },
    /// `unshare(CLONE_NEWNET)`: from now on in a network namespace of its own.
    LeaveNetwork,
    /// setresgid(2) and setresuid(2): root no more, for good. All that was open is open still.
    BecomeUser {
        /// User and group.
        uid: u32,
    },
    /// `open(path, flags | O_CLOEXEC)`: [`Answer::Value`] is the descriptor.
    Open {
        /// Absolute path in the guest.
        path: String,
        /// `O_RDWR` and the like.
        flags: i32,
    },
    /// ioctl(2) with a number as its argument: [`Answer::Value`] is what it returns.
    Ioctl {
        /// Descriptor.
        fd: i32,
        /// Which command.
        command: u32,
        /// By value.
        argument: u64,
    },
    /// ioctl(2) with a pointer to a number of eight bytes: [`Answer::Value`] is what it returns.
    IoctlAt {
        /// Descriptor.
        fd: i32,
        /// Which command.
        command: u32,
        /// What the argument points to.
        number: u64,
    },
    /// read(2): [`Answer::Filled`].
    ReadFile {
        /// Descriptor.
        fd: i32,
        /// What the buffer is like.
        memory: Memory,
        /// Its length in bytes, as the call is told.
        len: usize,
    },
    /// write(2): [`Answer::Value`] is the number of bytes.
    WriteFile {
        /// Descriptor.
        fd: i32,
        /// What the buffer is like.
        memory: Memory,
        /// What is in it, as far as it can be accessed; as many bytes as the call is told.
        data: Bytes,
    },
    /// finit_module(2): as [`Op::Insert`].
    Insert {
        /// Path of the `.ko` in the guest.
        path: String,
        /// Module parameters, separated by spaces.
        params: String,
    },
    /// A call in the course of which one allocation, or one copy from or to user space, fails:
    /// [`Answer::Faulted`]. For kernels with fault injection.
    WithFault {
        /// Which one, from 1.
        nth: u32,
        /// The call.
        call: Box<Call>,
    },
    /// All of these calls in order, again and again: [`Answer::Batch`]. For what would be too many
    /// lines, or too far apart in time.
    Batch {
        /// How often.
        rounds: u64,
        /// Go on when a call has failed.
        persist: bool,
        /// The calls of one round.
        calls: Vec<Call>,
    },
    /// The same call again and again, whether it fails or not: [`Answer::Repeated`]. For what is
    /// to be looked at each time and mostly gives the same.
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
pub enum Memory {
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

impl Memory {
    /// The same as a border: how far in front of it the buffer starts, and the kinds of pages.
    pub fn border(self) -> (usize, Page, Page) {
        match self {
            Memory::Ordinary => (0, Page::Writable, Page::Writable),
            Memory::Unmapped => (0, Page::Unmapped, Page::Unmapped),
            Memory::NoAccess => (0, Page::NoAccess, Page::NoAccess),
            Memory::ReadOnly => (0, Page::ReadOnly, Page::ReadOnly),
            Memory::Crossing { mapped } => (mapped, Page::Writable, Page::Unmapped),
            Memory::Border {
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

/// What was observed: a value, or the call that failed.
pub type Outcome = Result<Answer, Refusal>;

/// A call that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Name of the system call, as in its man page.
    pub call: String,
    /// The positive errno.
    pub errno: i32,
}

impl Refusal {
    /// `call` failed with `errno`.
    pub fn new(call: &str, errno: nix::errno::Errno) -> Self {
        Refusal {
            call: call.to_owned(),
            errno: errno as i32,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errno = nix::errno::Errno::from_raw(self.errno);
        write!(f, "{}: {errno:?}: {}", self.call, errno.desc())
    }
}

impl std::error::Error for Refusal {}

/// The value of a call that succeeded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// Nothing but success.
    Done,
    /// A number: a descriptor, a length, a portid.
    Value(i64),
    /// Contents of a file.
    Data(Bytes),
    /// A process runs.
    Started {
        /// Its process id in the guest.
        pid: u32,
    },
    /// One datagram.
    Datagram {
        /// What arrived.
        data: Bytes,
        /// Portid of the sender, from its address and not from the header; `None` if the
        /// kernel gave no address.
        from: Option<u32>,
        /// `MSG_TRUNC`: it was longer than the buffer.
        truncated: bool,
    },
    /// What a buffer was filled with.
    Filled {
        /// What the call returned.
        returned: Result<usize, Refusal>,
        /// The whole buffer as far as it can be read, [`POISON`] where the call wrote nothing.
        buffer: Bytes,
    },
    /// What came of a call with a fault.
    Faulted {
        /// Whether it came to the fault; if not, the call was an ordinary one.
        hit: bool,
        /// What the call gave.
        outcome: Box<Outcome>,
    },
    /// What came of a batch.
    Batch {
        /// How many rounds were complete.
        rounds: u64,
        /// What the calls of the last one gave; the last of them failed if some were not made.
        outcomes: Vec<Outcome>,
    },
    /// What came of a call that was repeated: each different outcome once, in the order in which
    /// it first came.
    Repeated(Vec<Outcome>),
}

/// What the agent tells the host, in the order in which it happened.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Report {
    /// The first line: the agent is ready.
    Hello {
        /// `uname -r`.
        release: String,
    },
    /// Answer to an order.
    Answer {
        /// The order's id.
        id: u64,
        /// What came of it.
        outcome: Outcome,
    },
    /// A process has written.
    Output {
        /// Which one.
        process: ProcessId,
        /// On which stream.
        stream: Stream,
        /// What; need not end with a line.
        data: Bytes,
    },
    /// A process has ended and all its output has been reported.
    Exited {
        /// Which one.
        process: ProcessId,
        /// How.
        how: Exit,
    },
    /// A record of the kernel log.
    Log {
        /// 0 (emergency) to 7 (debug).
        level: u8,
        /// The message, without prefix and newline.
        text: String,
    },
}

/// An output stream of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exit {
    /// With this exit status.
    Status(i32),
    /// By this signal.
    Signal(i32),
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Exit::Status(status) => write!(f, "exit status {status}"),
            Exit::Signal(number) => match nix::sys::signal::Signal::try_from(number) {
                Ok(signal) => write!(f, "killed by {signal}"),
                Err(_) => write!(f, "killed by signal {number}"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_with_arbitrary_bytes_survives_the_line() {
        let data = Bytes((0..=255).collect());
        let order = Order {
            id: 3,
            op: Op::Write {
                process: 1,
                data: data.clone(),
            },
        };
        let line = serde_json::to_string(&order).unwrap();
        assert!(!line.contains('\n'));
        let back: Order = serde_json::from_str(&line).unwrap();
        assert!(matches!(back.op, Op::Write { process: 1, data: d } if d == data));
    }

    #[test]
    fn a_refusal_names_the_call_and_the_errno() {
        let refusal = Refusal::new("bind", nix::errno::Errno::EADDRINUSE);
        assert_eq!(
            refusal.to_string(),
            "bind: EADDRINUSE: Address already in use"
        );
    }
}
