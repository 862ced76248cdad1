// SPDX-License-Identifier: MIT OR Apache-2.0
//! Modules against their models: random operations, carried out in a machine. If an answer is not
//! allowed by the model in `protocol::model`, the sequence is shrunk.
//!
//! May use: `lab-scene` and below, `protocol`; its program also `lab-stages`. Must never come in:
//! the right answers, which only the model knows.

mod body;
mod compare;
mod incoming;
mod play;
mod requests;
mod router;
mod slot;
mod targets;

pub use compare::{Enough, Found, Tally};
pub use targets::{TARGETS, Target, target};
