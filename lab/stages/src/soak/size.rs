// SPDX-License-Identifier: MIT OR Apache-2.0
//! How much is drawn at random in one scenario.

/// Processes that make calls at the same time.
pub(super) const ACTORS: usize = 3;

/// How often all of them make as many calls as they like.
pub(super) const BATCHES: usize = 10;

/// Calls that each makes without waiting for anybody.
pub(super) const CALLS: usize = 60;
