// SPDX-License-Identifier: MIT OR Apache-2.0
//! `results.json` of Gradescope's autograders (gradescope-autograders.readthedocs.io, "Autograder
//! Specifications"). `lab/schemas/gradescope.json` describes the part of it that is used, and
//! where each field is known from.
//!
//! Deductions belong to no test, so the score is given as a whole. Without a score none is in it,
//! and Gradescope says that the autograder has failed.

use lab_base::Result;
use lab_scene::transcript::Status;
use serde::Serialize;

use super::lines::{closing, explanation, to_json};
use crate::report::{self, Report};

#[derive(Serialize)]
struct Results {
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<u32>,
    execution_time: u64,
    output: String,
    output_format: &'static str,
    tests: Vec<Test>,
}

#[derive(Serialize)]
struct Test {
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<u32>,
    max_score: u32,
    name: String,
    output: String,
    output_format: &'static str,
    status: &'static str,
    visibility: &'static str,
}

pub(super) fn render(report: &Report) -> Result<String> {
    let score = report.score();
    to_json(&Results {
        score,
        execution_time: report.time().as_secs(),
        output: closing(report).join("\n"),
        output_format: "text",
        tests: (report.checks())
            .map(|check| test(check, score.is_some()))
            .collect(),
    })
}

fn test(check: &report::GradedCheck, scored: bool) -> Test {
    let status = check.outcome.status;
    let mut output = vec![status.to_string()];
    output.extend(explanation(check));
    Test {
        score: scored.then(|| check.points()),
        max_score: check.max,
        name: format!("{} {}", check.id, check.title),
        output: output.join("\n"),
        output_format: "text",
        status: if status == Status::Pass {
            "passed"
        } else {
            "failed"
        },
        visibility: if check.hidden { "hidden" } else { "visible" },
    }
}
