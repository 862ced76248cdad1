// SPDX-License-Identifier: MIT OR Apache-2.0
//! Grading: what each check is worth ([`rubric`]), what came of it ([`outcome`]), what came of all
//! ([`report`]), and how that is written down ([`render`]).

pub mod outcome;
pub mod render;
pub mod report;
pub mod rubric;
pub mod words;
