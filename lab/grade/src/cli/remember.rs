// SPDX-License-Identifier: MIT OR Apache-2.0
//! The results of a report, as hints and `make progress` read them later.

use lab_course::progress::{self, CheckResult, FailureText, Progress};
use lab_grade::{
    report::{GradedCheck, Report},
    safe_text::SafeText,
};
use lab_scene::transcript::Status;

/// The results of all checks that were carried out. Hidden checks have no failure texts. Checks that
/// the machinery could not carry out are left out, so that their earlier results stay.
pub(crate) fn results(report: &Report) -> Progress {
    let when = progress::now();
    let carried_out = |check: &&GradedCheck| check.outcome.status != Status::Error;
    let result = |check: &GradedCheck| {
        let text = |text: &Option<SafeText>| text.as_deref().unwrap_or_default().to_owned();
        let outcome = &check.outcome;
        let told = outcome.status != Status::Pass && !check.hidden;
        let failure = told.then(|| {
            let [done, expected, got] = [&outcome.done, &outcome.expected, &outcome.got].map(text);
            FailureText::new(&done, &expected, &got)
        });
        CheckResult {
            status: outcome.status,
            points: check.points(),
            max: check.max,
            before: 0,
            when,
            failure,
        }
    };
    let checks = report.checks().filter(carried_out);
    checks
        .map(|check| (check.id.clone(), result(check)))
        .collect()
}
