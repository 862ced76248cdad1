// SPDX-License-Identifier: MIT OR Apache-2.0
//! KTAP, version 1 (Documentation/dev-tools/ktap.rst): a test for each stage, its checks below it.
//! What is said of a check stands above its result, as the kernel's own parser wants it. That is in
//! no package; with its source, `tools/testing/kunit/kunit.py parse FILE` reads this (6.12, by hand:
//! the statuses of the snapshot, crash and timeout as failed, blocked as skipped).

use lab_scene::transcript::Status;

use super::lines::{closing, explanation};
use crate::report::{GradedCheck, Report};

pub(super) fn render(report: &Report) -> String {
    let mut text = format!("KTAP version 1\n1..{}\n", report.stages.len());
    for (number, stage) in (1..).zip(&report.stages) {
        text += "    KTAP version 1\n";
        text += &format!(
            "    # Subtest: {}\n    1..{}\n",
            stage.name,
            stage.checks.len()
        );
        let mut all = true;
        for (number, check) in (1..).zip(&stage.checks) {
            for line in explanation(check) {
                text += &format!("    # {line}\n");
            }
            text += &format!(
                "    {} {number} {}{}\n",
                word(check),
                check.id,
                directive(check)
            );
            all &= check.outcome.status == Status::Pass;
        }
        let word = if all { "ok" } else { "not ok" };
        text += &format!("{word} {number} {}\n", stage.name);
    }
    for line in closing(report).iter().flat_map(|text| text.lines()) {
        text += &format!("# > {line}\n");
    }
    text
}

fn word(check: &GradedCheck) -> &'static str {
    match check.outcome.status {
        Status::Pass => "ok",
        _ => "not ok",
    }
}

fn directive(check: &GradedCheck) -> &'static str {
    match check.outcome.status {
        Status::Pass | Status::Fail => "",
        Status::Crash => " # crash",
        Status::Timeout => " # TIMEOUT",
        Status::Blocked => " # SKIP blocked",
        Status::Error => " # ERROR",
    }
}
