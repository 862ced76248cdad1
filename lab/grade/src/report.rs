// SPDX-License-Identifier: MIT OR Apache-2.0
//! The outcomes of all checks of a submission, and the score. Pure.
//!
//! A [`Report`] begins with all checks that are planned and none carried out; it can be rendered
//! at any time. What never reports is an error of the machinery, and then no score is claimed.

use std::{collections::HashSet, fmt, time::Duration};

use clap::ValueEnum;
use lab_console::{Class, leaks};
use lab_scene::transcript::Status;
use serde::Serialize;

use super::{
    compilers::Compilers,
    outcome::{Again, CheckOutcome},
    rubric::{self, Rubric},
    safe_text::SafeText,
    shared::{FailedCheck, SharedFailure},
    symptoms::Symptoms,
};

/// The kinds of findings besides the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FindingKind {
    /// The kernel has reported something.
    Crash,
    /// Memory was left behind.
    Leak,
    /// Something is not as the contract has it and was graded all the same.
    Deviation,
    /// Something worth knowing.
    Remark,
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            FindingKind::Crash => "crash",
            FindingKind::Leak => "leak",
            FindingKind::Deviation => "deviation",
            FindingKind::Remark => "remark",
        })
    }
}

/// One such thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Its kind.
    pub kind: FindingKind,
    /// Where it was found, if one check has found it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// The finding in a sentence.
    pub text: SafeText,
    /// Points that it costs, besides those of checks.
    pub deduction: u32,
}

/// Most remarks of a report.
const REMARKS_MAX: usize = 100;

impl Finding {
    /// A finding that costs nothing.
    pub fn new(kind: FindingKind, text: impl Into<SafeText>) -> Self {
        Finding {
            kind,
            check: None,
            text: text.into(),
            deduction: 0,
        }
    }
}

/// The machine of the checks, and the compilers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MachineInfo {
    /// `kvm` or `emulation`.
    pub accelerator: &'static str,
    /// The host's processor.
    pub cpu: SafeText,
    /// `warm` or `cold`.
    pub start: &'static str,
    /// The compilers of a submission's C.
    pub compilers: Compilers,
}

/// The readers of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Feedback {
    /// Hidden checks have a status and points, and no details.
    Student,
    /// Hidden checks have details, too. Such a report is not for students.
    Staff,
}

/// The result of grading one submission.
#[derive(Clone, Debug)]
pub struct Report {
    /// Its name.
    pub submission: SafeText,
    /// Where inputs come from.
    pub seed: u64,
    /// Which kernel, and its release.
    pub kernel: SafeText,
    /// The machine.
    pub machine: MachineInfo,
    /// In the order of the rubric.
    pub stages: Vec<GradedStage>,
    /// Other findings; crashes and leaks are added by [`Report::findings`].
    pub remarks: Vec<Finding>,
    /// Points that each kind of crash costs.
    crash_deduction: u32,
    symptoms: Symptoms,
}

/// The checks of a stage.
#[derive(Clone, Debug)]
pub struct GradedStage {
    /// As in `make NAME`.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// In the order of the rubric.
    pub checks: Vec<GradedCheck>,
}

impl GradedStage {
    /// Its title up to the colon: `Part 2`.
    pub fn short_title(&self) -> &'static str {
        self.title.split(':').next().unwrap_or(self.title)
    }

    /// Points that there are.
    pub fn max(&self) -> u32 {
        self.checks.iter().map(|check| check.max).sum()
    }
}

/// A check, and its outcome.
#[derive(Clone, Debug)]
pub struct GradedCheck {
    /// `stage/CLAUSE-what`.
    pub id: String,
    /// One line for people.
    pub title: &'static str,
    /// Points that there are.
    pub max: u32,
    /// Whether students are told its status and points only.
    pub hidden: bool,
    /// Its outcome.
    pub outcome: CheckOutcome,
    pub(crate) parent: Option<String>,
    /// Its outcome on another kernel, until [`Report::charge_once`] has decided which one counts.
    pub(crate) again: Option<Again>,
}

impl GradedCheck {
    fn planned(plan: &rubric::Check) -> Self {
        GradedCheck {
            id: plan.id.clone(),
            title: plan.scenario.title,
            max: plan.points,
            hidden: plan.hidden(),
            outcome: CheckOutcome::planned(),
            parent: plan.parent.clone(),
            again: None,
        }
    }

    /// The clause that it observes: `W5` of `message-slot/W5-intact`.
    pub fn clause(&self) -> &str {
        lab_scene::clause(&self.id)
    }

    /// Points that it has earned.
    pub fn points(&self) -> u32 {
        match self.outcome.status {
            Status::Pass => self.max,
            _ => 0,
        }
    }
}

impl Report {
    /// The report of a submission of which no check has been carried out.
    pub fn new(
        submission: &str,
        seed: u64,
        kernel: &str,
        machine: MachineInfo,
        plan: &Rubric,
    ) -> Self {
        let stages = plan.stages.iter().map(|stage| GradedStage {
            name: stage.name,
            title: stage.title,
            checks: stage.checks.iter().map(GradedCheck::planned).collect(),
        });
        Report {
            submission: SafeText::line(submission),
            seed,
            kernel: SafeText::line(kernel),
            machine,
            stages: stages.collect(),
            remarks: Vec::new(),
            crash_deduction: plan.crash_deduction,
            symptoms: plan.symptoms.clone(),
        }
    }

    /// All checks, in order.
    pub fn checks(&self) -> impl Iterator<Item = &GradedCheck> {
        self.stages.iter().flat_map(|stage| &stage.checks)
    }

    /// Note the outcome of a check. A check that is not planned is passed over.
    pub fn record(&mut self, id: &str, outcome: CheckOutcome) {
        if let Some(check) = self.find(id) {
            check.outcome = outcome;
        }
    }

    /// Note the outcome on another kernel of a check that has crashed.
    pub fn judged_again(&mut self, id: &str, crashed: &CheckOutcome, outcome: CheckOutcome) {
        if let Some(check) = self.find(id) {
            check.again = Again::new(crashed, outcome);
        }
    }

    fn find(&mut self, id: &str) -> Option<&mut GradedCheck> {
        let mut checks = self.stages.iter_mut().flat_map(|stage| &mut stage.checks);
        checks.find(|check| check.id == id)
    }

    /// The outcome of a check that is not carried out because its parent has not passed.
    pub fn blocked(&self, id: &str) -> Option<CheckOutcome> {
        let check = self.checks().find(|check| check.id == id)?;
        let parent = check.parent.as_ref()?;
        let parent = self.checks().find(|check| check.id == *parent)?;
        let passes = match &parent.again {
            Some(again) => again.passes(),
            None => parent.outcome.status == Status::Pass,
        };
        (!passes).then(|| CheckOutcome::blocked(&parent.id, parent.outcome.status))
    }

    /// The first report of each kind with which the kernel died, and in which stage that was.
    fn crashes(&self) -> impl Iterator<Item = (&'static str, Finding)> {
        let mut seen: HashSet<Option<Class>> = HashSet::new();
        self.stages
            .iter()
            .flat_map(|stage| stage.checks.iter().map(|check| (stage.name, check)))
            .filter(|(_, check)| check.outcome.status == Status::Crash)
            .filter(move |(_, check)| seen.insert(check.outcome.class))
            .map(|(stage, check)| {
                let class = || check.outcome.class.map(|class| class.to_string().into());
                let text = check.outcome.got.clone().or_else(class);
                let finding = Finding {
                    kind: FindingKind::Crash,
                    check: Some(check.id.clone()),
                    text: text.unwrap_or_else(|| "the kernel complained".into()),
                    deduction: self.crash_deduction,
                };
                (stage, finding)
            })
    }

    /// Memory that checks have found left behind. It costs their points, and no more.
    fn leaks(&self) -> impl Iterator<Item = Finding> {
        self.checks()
            .filter(|check| check.outcome.expected.as_deref() == Some(leaks::ALL_FREED))
            .map(|check| Finding {
                check: Some(check.id.clone()),
                ..Finding::new(
                    FindingKind::Leak,
                    check.outcome.got.clone().unwrap_or_default(),
                )
            })
    }

    /// The failures that several checks share.
    pub fn shared_failures(&self) -> Vec<SharedFailure> {
        let failed = self.checks().filter_map(|check| {
            let outcome = &check.outcome;
            let has_failed = matches!(outcome.status, Status::Fail | Status::Timeout);
            (has_failed && !check.hidden).then_some(FailedCheck {
                id: &check.id,
                expected: outcome.expected.as_deref()?,
                got: outcome.got.as_deref()?,
            })
        });
        self.symptoms.shared(&failed.collect::<Vec<_>>())
    }

    /// The report without the details that these readers may not see.
    pub(crate) fn told(&self, readers: Feedback) -> Report {
        let mut told = self.clone();
        if readers == Feedback::Student {
            let checks = told.stages.iter_mut().flat_map(|stage| &mut stage.checks);
            let mut hidden = HashSet::new();
            for check in checks.filter(|check| check.hidden) {
                check.title = "hidden";
                check.outcome = check.outcome.clone().without_details();
                hidden.insert(check.id.clone());
            }
            told.remarks
                .retain(|remark| remark.check.as_ref().is_none_or(|id| !hidden.contains(id)));
        }
        told
    }

    /// Crashes, once for each kind, leaks, and other findings.
    pub fn findings(&self) -> Vec<Finding> {
        let crashes = self.crashes().map(|(_, finding)| finding);
        let (deviations, remarks): (Vec<_>, Vec<_>) = self
            .remarks
            .iter()
            .cloned()
            .partition(|finding| finding.kind != FindingKind::Remark);
        let more = remarks.len().saturating_sub(REMARKS_MAX);
        let left_out = (more > 0).then(|| {
            Finding::new(
                FindingKind::Remark,
                format!("{more} more remarks are left out"),
            )
        });
        crashes
            .chain(self.leaks())
            .chain(deviations)
            .chain(remarks.into_iter().take(REMARKS_MAX))
            .chain(left_out)
            .collect()
    }

    /// In how many checks the machinery failed.
    pub fn errors(&self) -> usize {
        let error = |check: &&GradedCheck| check.outcome.status == Status::Error;
        self.checks().filter(error).count()
    }

    /// Points of a stage; `None` if the machinery failed anywhere.
    pub fn stage_score(&self, stage: &GradedStage) -> Option<u32> {
        let earned: u32 = stage.checks.iter().map(GradedCheck::points).sum();
        let lost: u32 = (self.crashes())
            .filter(|(name, _)| *name == stage.name)
            .map(|(_, finding)| finding.deduction)
            .sum();
        (self.errors() == 0).then_some(earned.saturating_sub(lost))
    }

    /// Points of all stages; `None` if the machinery failed anywhere.
    pub fn score(&self) -> Option<u32> {
        let scores = self.stages.iter().map(|stage| self.stage_score(stage));
        scores.sum()
    }

    /// Points that there are.
    pub fn max(&self) -> u32 {
        self.stages.iter().map(GradedStage::max).sum()
    }

    /// All of the time that was spent in checks.
    pub fn time(&self) -> Duration {
        self.checks().map(|check| check.outcome.time).sum()
    }

    /// 0: full score; 1: points were lost; 3: the machinery failed.
    pub fn exit_status(&self) -> u8 {
        match self.score() {
            None => 3,
            Some(score) => u8::from(score != self.max()),
        }
    }
}
