// SPDX-License-Identifier: MIT OR Apache-2.0
//! Material of a course besides the solutions: starters, which are cut out of the solutions, and
//! mutants, which are wrong variants of them.
//!
//! May use: `lab-stages` and below. Must never come in: grading.

pub mod mutants;
pub mod starter;
