// SPDX-License-Identifier: MIT OR Apache-2.0
//! What host and agent say to each other: one JSON value per line.
//!
//! The host sends [`Order`]s over a virtio-serial port and the agent sends [`AgentReport`]s back. No
//! expected value ever travels into the guest: an answer is a raw observation (a value, or the
//! call that failed and its errno), and the host decides what it is worth.
//!
//! System calls that need a process of their own (to be killed, to be an unprivileged user, to be
//! in another network namespace) are made by an *actor*: this same binary started as
//! `lab-agent actor`, which takes [`Call`]s on stdin and answers with [`CallResult`]s on stdout.

mod answers;
mod bytes;
mod calls;
mod orders;

pub use answers::{AgentReport, Answer, CallResult, Exit, Refusal, Stream};
pub use bytes::Bytes;
pub use calls::{BufferMemory, Call, Kin, POISON, Page};
pub use orders::{Op, Order, ProcessId, Stdin};

/// Name of the virtio-serial port between host and agent.
pub const PORT_NAME: &str = "org.ipclab.agent";

/// Where the agent mounts a tmpfs for modules and programs, inside the guest.
pub const WORK_DIR: &str = "/lab";
