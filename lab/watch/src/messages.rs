// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the two processes tell each other, one line of JSON each.

use lab_course::plan::Said;
use lab_scene::transcript::Entry;
use serde::{Deserialize, Serialize};

/// The order to build a step and carry out its demonstration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    /// The name of the step.
    pub(crate) step: String,
    /// Whether the programs may have changed since they were built.
    pub(crate) programs: bool,
}

/// What the worker reports. A run ends with one of the last three.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Report {
    /// All code compiles.
    Built,
    /// The demonstration begins.
    Begun(Beginning),
    /// An entry of its record.
    Entry(Entry),
    /// What is next, and what a demonstration that has passed did not look at.
    After(Vec<Said>),
    /// The demonstration has ended.
    Ended,
    /// The code does not compile.
    Compile {
        /// Module or programs.
        what: String,
        /// The compiler's output.
        output: String,
    },
    /// The lab could not do its work.
    Failed(String),
}

/// The demonstration that begins, and its machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Beginning {
    /// The kernel, as people name it.
    pub(crate) kernel: String,
    /// The id of the demonstration.
    pub(crate) id: String,
    /// Its title.
    pub(crate) title: String,
    /// Why it is not the one with the student's programs.
    pub(crate) why: Option<String>,
}
