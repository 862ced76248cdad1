// SPDX-License-Identifier: MIT OR Apache-2.0
//! Orders for the agent.

use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;

/// The host's number of a started process.
pub type ProcessId = u64;

/// One order; its answer carries the same id. Orders run concurrently.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    /// Chosen by the host.
    pub id: u64,
    /// The action.
    pub op: Op,
}

/// Actions of the agent itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Op {
    /// Answer with `Answer::Done`. Each report from then on begins with this key, so that the host can
    /// tell it from what other code in the guest writes to the port.
    Ping {
        /// Drawn for this machine. It has no newline.
        key: String,
    },
    /// Create or replace a file.
    Put {
        /// Absolute path in the guest.
        path: String,
        /// Permission bits.
        mode: u32,
        /// Its contents.
        data: Bytes,
    },
    /// Write to an existing file, for example in procfs, sysfs or debugfs.
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
    /// The lines of a file that contain a text: `Answer::Data`.
    Lines {
        /// Absolute path in the guest.
        path: String,
        /// The text.
        text: String,
    },
    /// The entries of the slab caches' lists (`SLAB/alloc_traces` in debugfs) that contain a text,
    /// each under a line `cache NAME`: `Answer::Data`. Freed objects that the kernel holds back are
    /// released first, so they do not count.
    AllocTraces {
        /// The text.
        text: String,
    },
    /// The kernel stack of each task, as `/proc/PID/task/TID/stack` has it, under a line
    /// `task PID STATE NAME`: `Answer::Data`.
    Stacks,
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
    /// Start a process: `Answer::Started`. Its output and its end are reported.
    Spawn {
        /// The host's number for it.
        process: ProcessId,
        /// Program and arguments.
        argv: Vec<String>,
        /// User and group id.
        uid: u32,
        /// The source of its stdin.
        stdin: Stdin,
    },
    /// Write to the stdin of a process.
    Write {
        /// The process.
        process: ProcessId,
        /// The bytes. All of them are written, or the answer is an errno.
        data: Bytes,
    },
    /// Close the stdin pipe of a process.
    CloseStdin {
        /// The process.
        process: ProcessId,
    },
    /// Send a signal to a process and its children. A process that a signal stops has stopped or
    /// ended when this is answered.
    Signal {
        /// The process.
        process: ProcessId,
        /// Signal number.
        signal: i32,
    },
    /// Switch the machine off, without an answer.
    PowerOff,
}

/// The source of a process's stdin.
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
