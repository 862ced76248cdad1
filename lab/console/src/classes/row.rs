// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the table of reports says of one class.

use crate::class::Class;

/// A row of the table.
pub(super) struct Row {
    pub class: Class,
    pub name: &'static str,
    /// How a report of this class can start. A title belongs to the first row that has a match.
    pub starts: &'static [&'static str],
    /// What happened, and where to look first.
    pub meaning: &'static str,
}
