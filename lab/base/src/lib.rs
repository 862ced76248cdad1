// SPDX-License-Identifier: MIT OR Apache-2.0
//! What every other crate of the lab stands on: where things are, how a program is started, what
//! can go wrong, and how people are told that something takes a while.
//!
//! May use: no other crate of the workspace. Must never come in: anything that knows what a kernel,
//! a module, a machine or a scenario is.

pub mod catalogue;
pub mod environment;
mod error;
pub mod paths;
mod pattern;
pub mod progress;
pub mod run_directory;

pub use error::{Error, Result, output_of};
pub use pattern::pattern;
