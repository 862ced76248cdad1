// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tests of the harness: machines, consoles, scripts, sources, walkthroughs, and wrong modules.
//! Tests that need the debug kernel are ignored; `make test KERNEL=debug` runs them.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails where it panics"
)]

mod bench;
mod book;
mod clauses;
mod console_forms;
mod consoles;
mod environment;
mod fuzz;
mod guest;
mod leaks;
mod log_forms;
mod machines;
mod modules;
mod names;
mod pages;
mod sources;
mod structure;
mod stuck;
mod targets;
mod texts;
mod walkthrough;
