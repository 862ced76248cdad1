// SPDX-License-Identifier: MIT OR Apache-2.0
//! JUnit's XML: a suite for each stage. A blocked check counts as skipped.

use lab_base::{Error, Result};
use lab_scene::transcript::Status;
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use super::lines::{closing, explanation};
use crate::report::{GradedCheck, Report};

pub(super) fn render(report: &Report) -> Result<String> {
    let mut document = quick_junit::Report::new(&*report.submission);
    document.set_time(report.time());
    for stage in &report.stages {
        let mut suite = TestSuite::new(stage.name);
        suite.set_time(stage.checks.iter().map(|check| check.outcome.time).sum());
        suite.add_property(("kernel", &*report.kernel));
        let compilers = &report.machine.compilers;
        suite.add_property(("compiler of modules", &*compilers.modules));
        suite.add_property(("compiler of programs", &*compilers.programs));
        suite.add_property(("seed", report.seed.to_string().as_str()));
        if let Some(score) = report.stage_score(stage) {
            let score = format!("{score}/{}", stage.max());
            suite.add_property(("score", score.as_str()));
        }
        suite.set_system_out(closing(report).join("\n"));
        for check in &stage.checks {
            let mut case = TestCase::new(&*check.id, status(check));
            case.set_classname(stage.name);
            case.set_time(check.outcome.time);
            let points = format!("{}/{}", check.points(), check.max);
            case.add_property(("points", points.as_str()));
            suite.add_test_case(case);
        }
        document.add_test_suite(suite);
    }
    document
        .to_string()
        .map_err(|error| Error::Unexpected(error.to_string()))
}

fn status(check: &GradedCheck) -> TestCaseStatus {
    let status = check.outcome.status;
    let mut case = match status {
        Status::Pass => return TestCaseStatus::success(),
        Status::Blocked => TestCaseStatus::skipped(),
        Status::Error => TestCaseStatus::non_success(NonSuccessKind::Error),
        Status::Fail | Status::Crash | Status::Timeout => {
            TestCaseStatus::non_success(NonSuccessKind::Failure)
        }
    };
    case.set_type(status.to_string().to_lowercase());
    case.set_message(check.title);
    case.set_description(explanation(check).join("\n"));
    case
}
