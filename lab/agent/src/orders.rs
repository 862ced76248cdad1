// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the host has the agent do.

use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;

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
    /// Answer with `Answer::Done`.
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
    /// Read a file to its end: `Answer::Data`.
    Read {
        /// Absolute path in the guest.
        path: String,
    },
    /// From a file, the lines that contain a text: `Answer::Data`.
    Lines {
        /// Absolute path in the guest.
        path: String,
        /// What they contain.
        text: String,
    },
    /// From what the slab caches know of their objects (`SLAB/alloc_traces` in debugfs), the
    /// entries that contain a text, each under a line `cache NAME`: `Answer::Data`.
    /// Objects that were freed and are only kept back are given back first, so that they do not
    /// count.
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
    /// Start a process: `Answer::Started`. What it writes and how it ends is reported.
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
}
