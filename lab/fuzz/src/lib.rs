// SPDX-License-Identifier: MIT OR Apache-2.0
//! Modules against their models: operations drawn at random, carried out in a machine, and shrunk
//! when an answer is none that the model of `protocol::model` allows.
//!
//! May use: `lab-scene` and below, `protocol`; its program also `lab-stages`. Must never come in:
//! what the answers should be, which is the model's to say.

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
