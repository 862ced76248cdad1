// SPDX-License-Identifier: MIT OR Apache-2.0
//! The protocol between host and agent: one JSON value per line.
//!
//! The host sends [`Order`]s over a virtio-serial port, and the agent sends [`AgentReport`]s back.
//! No expected value ever goes into the guest. An answer is a raw observation: a value, or the
//! failed call and its errno. The host judges it.
//!
//! Some system calls need a process of their own, to be killed, to be unprivileged, or to be in
//! another network namespace. An *actor* makes them: this binary, started as `lab-agent actor`,
//! which reads [`Call`]s from stdin and writes [`CallResult`]s to stdout.

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

/// The agent's tmpfs for modules and programs, inside the guest.
pub const WORK_DIR: &str = "/lab";
