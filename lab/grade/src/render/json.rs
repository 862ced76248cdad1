// SPDX-License-Identifier: MIT OR Apache-2.0
//! All of it, for programs. `lab/schemas/report.json` describes it; a field that changes its meaning
//! makes it another [`SCHEMA`].

use lab_base::Result;
use lab_scene::transcript::Status;
use serde::Serialize;

use super::lines::to_json;
use crate::report::{self, Feedback, Finding, MachineInfo, Report};

/// Version of the format.
const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    submission: &'a str,
    seed: u64,
    kernel: &'a str,
    feedback: Feedback,
    score: Option<u32>,
    max: u32,
    stages: Vec<Stage<'a>>,
    findings: Vec<Finding>,
    machine: &'a MachineInfo,
}

#[derive(Serialize)]
struct Stage<'a> {
    stage: &'a str,
    score: Option<u32>,
    max: u32,
    checks: Vec<Check<'a>>,
}

#[derive(Serialize)]
struct Check<'a> {
    id: &'a str,
    clause: &'a str,
    title: &'a str,
    status: Status,
    points: u32,
    max: u32,
    seconds: f64,
    hidden: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    got: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    meaning: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<&'a str>,
}

pub(super) fn render(report: &Report, readers: Feedback) -> Result<String> {
    let stages = report.stages.iter().map(|stage| Stage {
        stage: stage.name,
        score: report.stage_score(stage),
        max: stage.max(),
        checks: stage.checks.iter().map(check).collect(),
    });
    to_json(&Document {
        schema: SCHEMA,
        submission: &report.submission,
        seed: report.seed,
        kernel: &report.kernel,
        feedback: readers,
        score: report.score(),
        max: report.max(),
        stages: stages.collect(),
        findings: report.findings(),
        machine: &report.machine,
    })
}

fn check(check: &report::GradedCheck) -> Check<'_> {
    let outcome = &check.outcome;
    Check {
        id: &check.id,
        clause: check.clause(),
        title: check.title,
        status: outcome.status,
        points: check.points(),
        max: check.max,
        seconds: outcome.time.as_secs_f64(),
        hidden: check.hidden,
        done: outcome.done.as_deref(),
        expected: outcome.expected.as_deref(),
        got: outcome.got.as_deref(),
        meaning: outcome.meaning,
        report: outcome.report.as_deref(),
    }
}
