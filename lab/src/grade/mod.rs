// SPDX-License-Identifier: MIT OR Apache-2.0
//! Grading: what each check is worth ([`rubric`]).

pub mod rubric;
