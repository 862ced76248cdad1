// SPDX-License-Identifier: MIT OR Apache-2.0
//! A [`Report`] in the formats of others. None has logic of its own: what a check is worth, what is
//! said of it and what is not, and that no text can break a format, is settled in the model.

mod gradescope;
mod json;
mod junit;
mod ktap;
mod text;

use clap::ValueEnum;

use super::{
    compilers::Compilers,
    report::{Check, Finding, Report},
};
use lab_base::{Error, Result};

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
    /// The report in this format, with a newline at its end.
    ///
    /// # Errors
    /// A library refuses to write it, which it has no reason to.
    pub fn render(self, report: &Report) -> Result<String> {
        match self {
            Format::Text => Ok(text::render(report)),
            Format::Json => json::render(report),
            Format::Junit => junit::render(report),
            Format::Ktap => Ok(ktap::render(report)),
            Format::Gradescope => gradescope::render(report),
        }
    }
}

/// What there is to say of a check that has not passed: its title, what was done, expected and
/// seen. Each line of a text that has several is indented, so that none looks like one of ours.
fn explanation(check: &Check) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, text) in check.outcome.details() {
        let mut name = format!("{name}:");
        for line in text.lines() {
            lines.push(format!("{name:<10}{line}"));
            name.clear();
        }
    }
    if !lines.is_empty() {
        lines.insert(0, check.title.to_owned());
    }
    lines
}

/// A finding without its kind: where, what, and what it costs.
fn in_words(finding: &Finding) -> String {
    let place = finding.check.as_ref().map(|id| format!("{id}: "));
    let cost = match finding.deduction {
        0 => String::new(),
        points => format!(" (-{points} points)"),
    };
    format!("{}{}{cost}", place.unwrap_or_default(), finding.text)
}

/// Which compilers have built the C of the submission.
fn compilers(report: &Report) -> String {
    let Compilers { modules, programs } = &report.machine.compilers;
    let programs = if programs == modules {
        "the same"
    } else {
        programs
    };
    format!("C compiler of modules: {modules}, of programs: {programs}")
}

/// What there is to say at the end: what was found besides, what has compiled, and the score.
fn closing(report: &Report) -> Vec<String> {
    let findings = report.findings();
    let mut lines: Vec<_> = (findings.iter())
        .map(|finding| format!("{}: {}", finding.kind, in_words(finding)))
        .collect();
    lines.push(compilers(report));
    lines.push(conclusion(report));
    lines
}

/// The last line of a report: the score, or why there is none.
fn conclusion(report: &Report) -> String {
    match report.score() {
        Some(score) => format!("Score: {score}/{}", report.max()),
        None => {
            let errors = report.errors();
            let s = if errors == 1 { "" } else { "s" };
            format!("no score: {errors} check{s} could not be carried out")
        }
    }
}

/// Text of JSON.
fn to_json(what: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string_pretty(what)
        .map(|text| text + "\n")
        .map_err(|error| Error::Unexpected(error.to_string()))
}
