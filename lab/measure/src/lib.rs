// SPDX-License-Identifier: MIT OR Apache-2.0
//! The costs of the lab's mechanisms, compared with those of the system. They are measured in a
//! machine, compared within a run, and shown as table, CSV and plot.
//!
//! May use: `lab-scene` and below, `lab-bench` for raw figures. Must never come in: the correctness
//! of modules.

pub mod measure;
pub mod plot;
mod rows;
pub mod table;

pub use rows::{BenchRow, Cost, name, rows};
