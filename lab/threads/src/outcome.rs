// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reports of `lab-model`, one JSON value per line. The host compiles this file, too.

use serde::{Deserialize, Serialize};

/// The first item of each producer; the others follow it.
pub(crate) const FIRST: [u32; 2] = [0, 10];

/// The item that is put when the buffer is closed.
pub(crate) const LATE: u32 = 99;

/// The outcome of interleavings. Equal outcomes are reported once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Items of each consumer: all that it took, by each call.
    pub took: Vec<Vec<Vec<u32>>>,
    /// Whether a consumer saw the end before the buffer was closed.
    pub early: bool,
    /// Items that producers got back.
    pub back: Vec<u32>,
    /// Items left in the buffer at the end.
    pub left: Vec<u32>,
    /// The result of a put after the end.
    pub late: Option<u32>,
}

/// The last line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Explored {
    /// Number of interleavings.
    pub interleavings: u64,
}
