// SPDX-License-Identifier: MIT OR Apache-2.0
//! A [`Report`] in the formats of others. None has logic of its own: what a check is worth, what is
//! said of it and what is not, and that no text can break a format, is settled in the model.

mod gradescope;
mod json;
mod junit;
mod ktap;
mod lines;
mod text;

use clap::ValueEnum;
use lab_base::Result;

use crate::report::{Feedback, Report};

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people, with colours (anstream takes them away where there is no terminal).
    Text,
    /// All of it; lab/schemas/report.json.
    Json,
    /// As most servers of continuous integration read it.
    Junit,
    /// As the kernel's own tests report (Documentation/dev-tools/ktap.rst).
    Ktap,
    /// `results.json` of Gradescope's autograders; lab/schemas/gradescope.json.
    Gradescope,
}

impl Format {
    /// The report in this format, with a newline at its end. Gradescope shows its file to students,
    /// so that is always for them.
    ///
    /// # Errors
    /// A library refuses to write it, which it has no reason to.
    pub fn render(self, report: &Report, readers: Feedback) -> Result<String> {
        let readers = match self {
            Format::Gradescope => Feedback::Student,
            _ => readers,
        };
        let report = &report.told(readers);
        match self {
            Format::Text => Ok(text::render(report, readers)),
            Format::Json => json::render(report, readers),
            Format::Junit => junit::render(report),
            Format::Ktap => Ok(ktap::render(report)),
            Format::Gradescope => gradescope::render(report),
        }
    }
}
