// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tests of what students do not have: the grader, starters and mutants. Starters leave this
//! folder out.

#![expect(clippy::unwrap_used, reason = "a test fails where it panics")]

mod again;
mod batch_ends;
mod batches;
mod build;
mod compilers;
mod completions;
mod crates;
mod exports;
mod handed_in;
mod hints;
mod intake;
mod interrupts;
mod layouts;
mod mapping;
mod mutants;
mod numbers;
mod old_api;
mod order;
#[path = "../harness/pages.rs"]
mod pages;
mod program;
mod reading;
mod report;
mod runs;
mod sandbox;
mod sources;
mod starter;
mod tasks;
mod teaching;
mod unpack;
mod whole;
