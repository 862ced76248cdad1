// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a course is made of besides the solutions: starters, which are cut out of them, and mutants,
//! which are wrong variants of them.
//!
//! May use: `lab-stages` and below. Must never come in: how somebody's code is judged.

pub mod mutants;
pub mod starter;
