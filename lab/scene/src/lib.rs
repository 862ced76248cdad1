// SPDX-License-Identifier: MIT OR Apache-2.0
//! The language of scenarios: a [`Scene`], its actions and expectations, its record, and how it is
//! carried out on a machine. Expected values stay on the host; the guest never sees them.
//!
//! A scenario is a straight-line function over a [`Scene`]: insert a module, start programs, type,
//! expect, stop. May use: `lab-machine` and below, `protocol`. Must never come in: a scenario of a
//! stage, and anything about points.

pub mod actor;
mod answers;
mod carry_out;
mod datagram;
mod detail;
mod ends;
mod halt;
mod in_words;
mod leak_watch;
mod leaks;
mod modules;
pub mod peer;
mod perform;
mod program_output;
mod programs;
mod scenario;
mod scene;
mod silence;
mod slot_answers;
pub mod slot_peer;
mod stuck;
pub mod subject;
pub mod test_machines;
pub mod transcript;
mod verdict;
pub mod workshop;

pub use answers::expect_refusal;
pub use datagram::Datagram;
pub use detail::Detail;
pub use halt::{Halt, Outcome, expect_eq, expect_success, fail, readable};
pub use in_words::InWords;
pub use perform::{ScenarioResult, improvise, perform};
pub use scenario::{LooksAt, Scenario};
pub use scene::{Program, Scene, clause};
pub use slot_answers::judge_read;
