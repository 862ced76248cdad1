// SPDX-License-Identifier: MIT OR Apache-2.0
//! The scenarios, by stage. Each is written once: it is what a student watches, what the
//! snapshots guard and what will be graded.

pub mod pubsub;

use crate::scene::Scenario;

/// All scenarios of all stages.
pub fn all() -> impl Iterator<Item = &'static Scenario> {
    std::iter::once(&pubsub::DEMONSTRATION).chain(pubsub::CHECKS)
}

/// Scenarios by their id.
pub fn find(id: &str) -> Option<&'static Scenario> {
    all().find(|scenario| scenario.id == id)
}
