// SPDX-License-Identifier: MIT OR Apache-2.0
//! What agent and actors observe, and how they tell the host.

use std::fmt;

use nix::errno::Errno;
use serde::{Deserialize, Serialize};

use crate::{bytes::Bytes, orders::ProcessId};

/// What was observed: a value, or the call that failed.
pub type CallResult = Result<Answer, Refusal>;

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
    pub fn new(call: &str, errno: Errno) -> Self {
        Refusal {
            call: call.to_owned(),
            errno: errno as i32,
        }
    }

    /// The refusal that an I/O error stands for.
    pub fn io(call: &str, error: &std::io::Error) -> Self {
        let errno = error.raw_os_error();
        Refusal::new(call, errno.map_or(Errno::EIO, Errno::from_raw))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errno = Errno::from_raw(self.errno);
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
        /// The whole buffer as far as it can be read, `POISON` where the call wrote
        /// nothing.
        buffer: Bytes,
    },
    /// What came of a call with a fault.
    Faulted {
        /// Whether it came to the fault; if not, the call was an ordinary one.
        hit: bool,
        /// What the call gave.
        outcome: Box<CallResult>,
    },
    /// What came of a batch.
    Batch {
        /// How many rounds were complete.
        rounds: u64,
        /// What the calls of the last one gave; the last of them failed if some were not made.
        outcomes: Vec<CallResult>,
    },
    /// What came of a call that was repeated: each different outcome once, in the order in which
    /// it first came.
    Repeated(Vec<CallResult>),
}

/// What the agent tells the host, in the order in which it happened.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum AgentReport {
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
        outcome: CallResult,
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
    fn a_refusal_names_the_call_and_the_errno() {
        let refusal = Refusal::new("bind", Errno::EADDRINUSE);
        assert_eq!(
            refusal.to_string(),
            "bind: EADDRINUSE: Address already in use"
        );
    }
}
