// SPDX-License-Identifier: MIT OR Apache-2.0
//! A scenario: an id, a title, and its actions.

use crate::{
    detail::Detail,
    halt::Outcome,
    scene::{Scene, clause},
};

/// A clause, and the function that observes it.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// `stage/CLAUSE-what`.
    pub id: &'static str,
    /// One line for people.
    pub title: &'static str,
    /// The judged side.
    pub looks_at: LooksAt,
    /// The actions.
    pub run: fn(&mut Scene<'_>) -> Outcome,
}

/// The judged side: module or programs. The other side of each exchange is the lab's own, so that a mistake
/// costs the points of one side only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LooksAt {
    /// A module, with programs of the lab or system calls, and the details that are judged.
    Module(&'static [Detail]),
    /// Programs, with modules of the lab.
    Programs,
}

impl Scenario {
    /// The clause that it observes.
    pub fn clause(&self) -> &'static str {
        clause(self.id)
    }
}
