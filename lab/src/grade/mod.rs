// SPDX-License-Identifier: MIT OR Apache-2.0
//! Grading: what has been handed in ([`intake`]), how it is built without being trusted ([`build`],
//! [`crates`], [`sandbox`]) and tried ([`submitted`], [`run`]); what each check is worth
//! ([`rubric`]), what came of it ([`outcome`]), what came of all ([`report`]), and how that is
//! written down ([`render`]).

pub mod build;
pub mod crates;
pub mod intake;
pub mod numbers;
pub mod outcome;
pub mod render;
pub mod report;
pub mod rubric;
pub mod run;
pub mod sandbox;
pub mod source;
pub mod submitted;
pub mod unpack;
pub mod words;
