// SPDX-License-Identifier: MIT OR Apache-2.0
//! Material of a course besides the solutions: starters, which are cut out of the solutions,
//! mutants, which are wrong variants of them, and the latest result of each check.
//!
//! May use: `lab-stages` and below. Must never come in: grading.

pub mod mutants;
pub mod progress;
pub mod starter;
