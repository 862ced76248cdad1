// SPDX-License-Identifier: MIT OR Apache-2.0
//! What came of one submission of a batch. Pure.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::safe_text::SafeText;

/// Most characters of a note.
const NOTE_MAX: usize = 300;

/// How grading a submission has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum BatchStatus {
    /// Full score.
    #[serde(rename = "passed")]
    Passed,
    /// It has a score, and not the full one.
    #[serde(rename = "points lost")]
    PointsLost,
    /// Nothing was graded: it is missing, cannot be read, or its parts cannot be told apart.
    #[serde(rename = "unreadable")]
    Unreadable,
    /// Its files changed while it was graded, so nobody knows what the score belongs to.
    #[serde(rename = "changed")]
    Changed,
    /// The lab failed, or somebody ended the process.
    #[serde(rename = "error")]
    Error,
}

impl BatchStatus {
    /// All, from good to bad.
    const ALL: [Self; 5] = [
        Self::Passed,
        Self::PointsLost,
        Self::Unreadable,
        Self::Changed,
        Self::Error,
    ];

    /// Whether grading it again may give something else, although nobody has changed anything.
    pub fn is_worth_another_try(self) -> bool {
        matches!(self, Self::Changed | Self::Error)
    }
}

impl fmt::Display for BatchStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            BatchStatus::Passed => "passed",
            BatchStatus::PointsLost => "points lost",
            BatchStatus::Unreadable => "unreadable",
            BatchStatus::Changed => "changed",
            BatchStatus::Error => "error",
        })
    }
}

/// How many results have each status, in words, from good to bad. A status that none has is left out.
pub fn counts(results: &BTreeMap<String, BatchResult>) -> Vec<String> {
    let count = |status| {
        let with = results.values().filter(|result| result.status == status);
        (status, with.count())
    };
    let counts = BatchStatus::ALL.into_iter().map(count);
    counts
        .filter(|(_, count)| *count > 0)
        .map(|(status, count)| format!("{count} {status}"))
        .collect()
}

/// The result of one submission.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchResult {
    /// How it ended.
    pub status: BatchStatus,
    /// Points by the name of the stage.
    pub stages: BTreeMap<String, u32>,
    /// Points of all stages, if a score is claimed.
    pub total: Option<u32>,
    /// Points that there are.
    pub max: Option<u32>,
    /// How long grading took, in seconds.
    pub seconds: f64,
    /// Why there is no score, in one line; empty if there is one.
    pub note: String,
    /// Whether a report was written.
    pub has_report: bool,
    /// The submission's fingerprint before it was graded.
    pub fingerprint: String,
}

/// The scores in a report.json.
#[derive(Deserialize)]
struct Scores {
    score: Option<u32>,
    max: u32,
    stages: Vec<StageScore>,
}

#[derive(Deserialize)]
struct StageScore {
    stage: String,
    score: Option<u32>,
    checks: Vec<CheckStatus>,
}

#[derive(Deserialize)]
struct CheckStatus {
    id: String,
    status: String,
}

/// How the process ended that graded a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkerEnd {
    /// With this exit status.
    Exited(i32),
    /// By a signal of this name.
    Killed(String),
}

impl BatchResult {
    /// The result of a process, by its end, its report.json and what it wrote to stderr.
    pub fn of(end: &WorkerEnd, report: Option<&[u8]>, said: &str) -> Self {
        let scores: Option<Scores> = report.and_then(|text| serde_json::from_slice(text).ok());
        let status = match (end, scores.as_ref().and_then(|scores| scores.score)) {
            (WorkerEnd::Exited(0), Some(_)) => BatchStatus::Passed,
            (WorkerEnd::Exited(1), Some(_)) => BatchStatus::PointsLost,
            (WorkerEnd::Exited(2), _) => BatchStatus::Unreadable,
            _ => BatchStatus::Error,
        };
        let failed: Vec<&str> = (scores.iter())
            .flat_map(|scores| scores.stages.iter().flat_map(|stage| &stage.checks))
            .filter(|check| check.status == "error")
            .map(|check| &check.id[..])
            .collect();
        let first = said.lines().map(str::trim).find(|line| !line.is_empty());
        let first = first.map(|line| line.trim_start_matches("lab grade: ").to_owned());
        let note = match (status, end, &failed[..]) {
            (BatchStatus::Passed | BatchStatus::PointsLost, ..) => String::new(),
            (_, WorkerEnd::Killed(signal), _) => format!("grading was ended by {signal}"),
            (BatchStatus::Error, _, [check, rest @ ..]) => match rest.len() {
                0 => format!("the lab failed in {check}"),
                more => format!("the lab failed in {check} and {more} more checks"),
            },
            (_, WorkerEnd::Exited(code), _) => {
                first.unwrap_or_else(|| format!("grading ended with exit status {code}"))
            }
        };
        let has_score = matches!(status, BatchStatus::Passed | BatchStatus::PointsLost);
        let scores = scores.filter(|_| has_score);
        let stages = scores.iter().flat_map(|scores| &scores.stages);
        BatchResult {
            status,
            stages: stages
                .filter_map(|stage| Some((stage.stage.clone(), stage.score?)))
                .collect(),
            total: scores.as_ref().and_then(|scores| scores.score),
            max: scores.as_ref().map(|scores| scores.max),
            seconds: 0.0,
            note: SafeText::line(&note).chars().take(NOTE_MAX).collect(),
            has_report: report.is_some(),
            fingerprint: String::new(),
        }
    }

    /// The submission has changed while it was graded.
    pub fn has_changed(&mut self) {
        self.status = BatchStatus::Changed;
        self.note = "its files changed while it was graded".into();
    }

    /// Whether a submission with this fingerprint need not be graded again.
    pub fn is_final(&self, fingerprint: &str) -> bool {
        !self.status.is_worth_another_try() && self.fingerprint == fingerprint
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &[u8] = br#"{"score": 5, "max": 7, "stages": [
        {"stage": "part2", "score": 5, "checks": [{"id": "part2/A", "status": "pass"}]}]}"#;
    const BROKEN: &[u8] = br#"{"score": null, "max": 7, "stages": [
        {"stage": "part2", "score": null, "checks": [
            {"id": "part2/A", "status": "error"}, {"id": "part2/B", "status": "error"}]}]}"#;

    #[test]
    fn a_status_needs_the_report_that_it_claims() {
        let of = |end, report| BatchResult::of(&WorkerEnd::Exited(end), report, "").status;
        assert_eq!(of(0, Some(REPORT)), BatchStatus::Passed);
        assert_eq!(of(1, Some(REPORT)), BatchStatus::PointsLost);
        assert_eq!(of(2, None), BatchStatus::Unreadable);
        for report in [None, Some(&b"{"[..]), Some(BROKEN)] {
            assert_eq!(of(1, report), BatchStatus::Error);
        }
        assert_eq!(of(101, Some(REPORT)), BatchStatus::Error);
    }

    #[test]
    fn a_note_says_why_there_is_no_score() {
        let note = |end: WorkerEnd, report, said: &str| BatchResult::of(&end, report, said).note;
        assert_eq!(note(WorkerEnd::Exited(1), Some(REPORT), "warning"), "");
        assert_eq!(
            note(
                WorkerEnd::Exited(2),
                None,
                "\nlab grade: a.rar: it is\x1b[2J\nmore"
            ),
            "a.rar: it is\\u{1b}[2J"
        );
        assert_eq!(
            note(WorkerEnd::Exited(3), Some(BROKEN), "interrupted"),
            "the lab failed in part2/A and 1 more checks"
        );
        assert_eq!(
            note(WorkerEnd::Killed("SIGKILL".into()), None, "x"),
            "grading was ended by SIGKILL"
        );
        assert_eq!(
            note(WorkerEnd::Exited(101), None, ""),
            "grading ended with exit status 101"
        );
    }

    #[test]
    fn a_result_counts_while_the_submission_is_the_same() {
        let mut result = BatchResult::of(&WorkerEnd::Exited(1), Some(REPORT), "");
        result.fingerprint = "a".into();
        assert!(result.is_final("a") && !result.is_final("b"));
        result.has_changed();
        assert!(!result.is_final("a"));
        assert_eq!(result.total, Some(5));
    }
}
