// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the lab's own means cost beside those that anybody can have: measured in a machine, compared
//! within a run, and shown as table, CSV and plot.
//!
//! May use: `lab-scene` and below, `lab-bench` for raw figures. Must never come in: whether a module
//! is right.

pub mod measure;
pub mod plot;
mod rows;
pub mod table;

pub use rows::{BenchRow, Cost, name, rows};
