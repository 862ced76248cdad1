// SPDX-License-Identifier: MIT OR Apache-2.0
//! The parts that every other crate of the lab needs: paths, starting programs, errors, and
//! progress messages.
//!
//! May use: no other crate of the workspace. Must never come in: anything about kernels, modules,
//! machines or scenarios.

pub mod catalogue;
pub mod environment;
mod error;
pub mod paths;
mod pattern;
pub mod progress;
pub mod random;
pub mod run_directory;

pub use error::{Error, Result, output_of};
pub use pattern::pattern;
