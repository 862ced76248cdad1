// SPDX-License-Identifier: MIT OR Apache-2.0
//! Lines that several formats share.

use lab_base::{Error, Result};

use crate::{
    compilers::Compilers,
    report::{Finding, GradedCheck, Report},
};

/// What there is to say of a check that has not passed: its title, what was done, expected and
/// seen. Each line of a text that has several is indented, so that none looks like one of ours.
pub(super) fn explanation(check: &GradedCheck) -> Vec<String> {
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
pub(super) fn in_words(finding: &Finding) -> String {
    let place = finding.check.as_ref().map(|id| format!("{id}: "));
    let cost = match finding.deduction {
        0 => String::new(),
        points => format!(" (-{points} points)"),
    };
    format!("{}{}{cost}", place.unwrap_or_default(), finding.text)
}

/// Which compilers have built the C of the submission.
pub(super) fn compilers(report: &Report) -> String {
    let Compilers { modules, programs } = &report.machine.compilers;
    let programs = if programs == modules {
        "the same"
    } else {
        programs
    };
    format!("C compiler of modules: {modules}, of programs: {programs}")
}

/// What there is to say at the end: what was found besides, what has compiled, and the score.
pub(super) fn closing(report: &Report) -> Vec<String> {
    let findings = report.findings();
    let mut lines: Vec<_> = (findings.iter())
        .map(|finding| format!("{}: {}", finding.kind, in_words(finding)))
        .collect();
    lines.push(compilers(report));
    lines.push(conclusion(report));
    lines
}

/// The last line of a report: the score, or why there is none.
pub(super) fn conclusion(report: &Report) -> String {
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
pub(super) fn to_json(what: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string_pretty(what)
        .map(|text| text + "\n")
        .map_err(|error| Error::Unexpected(error.to_string()))
}
