// SPDX-License-Identifier: MIT OR Apache-2.0
//! The amount of random operations in one scenario.

/// Processes that make calls at the same time.
pub(super) const ACTORS: usize = 3;

/// Number of rounds in which all of them make calls.
pub(super) const BATCHES: usize = 10;

/// Number of calls that each makes without waiting for another process.
pub(super) const CALLS: usize = 60;
