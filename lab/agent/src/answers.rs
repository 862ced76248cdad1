// SPDX-License-Identifier: MIT OR Apache-2.0
//! Observations of agent and actors, as they are reported to the host.

use std::fmt;

use nix::errno::Errno;
use serde::{Deserialize, Serialize};

use crate::{bytes::Bytes, orders::ProcessId};

/// An observation: a value, or the call that failed.
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

    /// The refusal for an I/O error.
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
    /// Success without a value.
    Done,
    /// A number: a descriptor, a length, a portid.
    Value(i64),
    /// Contents of a file.
    Data(Bytes),
    /// A started process.
    Started {
        /// Its process id in the guest.
        pid: u32,
    },
    /// One datagram.
    Datagram {
        /// Its bytes.
        data: Bytes,
        /// Portid of the sender, from its address and not from the header. `None` if the kernel
        /// gave no address.
        from: Option<u32>,
        /// `MSG_TRUNC`: the datagram was longer than the buffer.
        truncated: bool,
    },
    /// A buffer that a call has filled.
    Filled {
        /// The result of the call.
        returned: Result<usize, Refusal>,
        /// All readable bytes of the buffer. Bytes that the call did not write are `POISON`.
        buffer: Bytes,
    },
    /// The result of a call with a fault.
    Faulted {
        /// Whether the fault happened; if not, the call was an ordinary one.
        hit: bool,
        /// The result of the call.
        outcome: Box<CallResult>,
    },
    /// The result of a batch.
    Batch {
        /// Number of complete rounds.
        rounds: u64,
        /// Results of the last round. If calls were skipped, the last result is the failure.
        outcomes: Vec<CallResult>,
    },
    /// The result of a repeated call: each distinct outcome once, in the order of its first
    /// occurrence.
    Repeated(Vec<CallResult>),
}

/// Reports of the agent to the host, in the order of the events.
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
        /// The result of the order.
        outcome: CallResult,
    },
    /// Output of a process.
    Output {
        /// The process.
        process: ProcessId,
        /// The stream.
        stream: Stream,
        /// The bytes; they need not end with a newline.
        data: Bytes,
    },
    /// A process has ended and all its output has been reported.
    Exited {
        /// The process.
        process: ProcessId,
        /// How it ended.
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
