// SPDX-License-Identifier: MIT OR Apache-2.0
//! A scenario: an id, a title, and what is done.

use crate::{
    halt::Outcome,
    scene::{Scene, clause},
};

/// Something to be observed: a clause, and the function that observes it.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// `stage/CLAUSE-what`.
    pub id: &'static str,
    /// One line for people.
    pub title: &'static str,
    /// What is done.
    pub run: fn(&mut Scene<'_>) -> Outcome,
}

impl Scenario {
    /// The clause that it observes.
    pub fn clause(&self) -> &'static str {
        clause(self.id)
    }
}
