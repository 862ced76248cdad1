// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `lab-model` reports, as JSON on a line each. The host compiles this file, too.

use serde::{Deserialize, Serialize};

/// The first item of each producer; the others follow it.
pub(crate) const FIRST: [u32; 2] = [0, 10];

/// What is put when the buffer is closed.
pub(crate) const LATE: u32 = 99;

/// What came of interleavings: those with the same are told once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// What each consumer took: of each time, all that it got.
    pub took: Vec<Vec<Vec<u32>>>,
    /// Whether a consumer saw the end before anybody had closed the buffer.
    pub early: bool,
    /// What producers got back.
    pub back: Vec<u32>,
    /// What was in the buffer when all had ended.
    pub left: Vec<u32>,
    /// What came back of a put after the end.
    pub late: Option<u32>,
}

/// The last line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Explored {
    /// How many interleavings there were.
    pub interleavings: u64,
}
