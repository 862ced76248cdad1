// SPDX-License-Identifier: MIT OR Apache-2.0
//! Material of a course besides the solutions: starters, which are cut out of the solutions, their
//! tasks in the order in which students write them, how far a student is, and mutants, which are
//! wrong variants of the solutions.
//!
//! May use: `lab-stages` and below. Must never come in: grading.

pub mod after;
pub mod clauses;
pub mod mutants;
pub mod order;
pub mod plan;
pub mod progress;
pub mod reset;
pub mod starter;
pub mod tasks;
