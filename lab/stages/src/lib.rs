// SPDX-License-Identifier: MIT OR Apache-2.0
//! The scenarios, by stage, and the walkthroughs. Each is written once: it is what a student watches,
//! what the snapshots guard and what is graded.
//!
//! May use: `lab-scene` and below, `protocol`. Must never come in: points, submissions, and how a
//! machine is started.

mod allocations;
mod catalogue;
pub mod faults;
pub mod greeting;
pub mod hello;
mod netlink;
pub mod pubsub;
pub mod router;
pub mod routes;
pub mod slot;
pub mod soak;
mod stage;
pub mod threads;
pub mod walkthrough;

pub use catalogue::{STAGES, all, find, stage, step_of};
pub use stage::{Stage, Step};
