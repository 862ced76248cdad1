// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tests of the harness: machines, consoles, scripts, sources, walkthroughs, and modules that misbehave. What
//! needs the debug kernel is ignored; `make test KERNEL=debug` carries it out.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails where it panics"
)]

mod bench;
mod clauses;
mod console_forms;
mod consoles;
mod environment;
mod fuzz;
mod leaks;
mod log_forms;
mod machines;
mod modules;
mod names;
mod sources;
mod structure;
mod targets;
mod texts;
mod walkthrough;
