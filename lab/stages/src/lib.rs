// SPDX-License-Identifier: MIT OR Apache-2.0
//! The scenarios of all stages, and the walkthroughs. Each scenario is written once. It is the
//! demonstration, the snapshot of the tests, and the check of the grader.
//!
//! May use: `lab-scene` and below, `protocol`. Must never come in: points, submissions, and the
//! start of machines.

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
mod suggest;
pub mod threads;
pub mod walkthrough;

pub use catalogue::{STAGES, all, find, stage, stage_named, step_of};
pub use stage::{Stage, Step};
