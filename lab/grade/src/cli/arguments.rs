// SPDX-License-Identifier: MIT OR Apache-2.0
//! The arguments of `lab grade`.

use std::path::PathBuf;

use lab_grade::{report::Feedback, selection::step_names};
use lab_stages::STAGES;

/// Shown below the options.
pub(crate) const EXAMPLES: &str = "\
Examples:
  lab/grade.sh                          this tree
  lab/grade.sh work.zip                 a submission
  lab/grade.sh work.zip W5              its checks whose ids contain W5
  lab/grade.sh --stage part2 work/      one stage of a submission
  lab/grade.sh --map message_slot=a.c work/   with a file that is not found by itself
  lab/grade.sh class.zip --jobs 2       a class that a platform has exported
  lab/grade.sh class.zip --resume       go on after an interruption
Pages: lab/docs/grading.md";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Directories, archives, .c files, and exports of a class; without one, this tree. Several are a
    /// batch, and so is a class. A path into an export, as in class.zip/NAME, is one submission of it.
    /// If the last of several is no file, it is the filter of --check.
    #[arg(value_name = "SUBMISSION")]
    pub(crate) submissions: Vec<PathBuf>,
    /// Of a batch: how many submissions are graded at a time, each with one machine at a time; without
    /// it, as many as there are processors.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) jobs: Option<u16>,
    /// Of a batch: write the table into this file instead of grades.csv in the results folder.
    #[arg(long, value_name = "FILE")]
    pub(crate) csv: Option<PathBuf>,
    /// Go on with a batch: grade what has no result yet, what ended in an error, and what has changed.
    #[arg(long)]
    pub(crate) resume: bool,
    /// Only this stage; may be given several times. Without it, those of which something is there.
    #[arg(long, value_name = "STAGE", value_parser = clap::builder::PossibleValuesParser::new(STAGES.iter().map(|stage| stage.name)))]
    pub(crate) stage: Vec<String>,
    /// Only this step of a stage; may be given several times.
    #[arg(long, value_name = "STEP", value_parser = clap::builder::PossibleValuesParser::new(step_names()))]
    pub(crate) step: Vec<String>,
    /// Only the checks whose id contains this, or the checks of the step with this name.
    #[arg(long, value_name = "FILTER")]
    pub(crate) check: Option<String>,
    /// Which file of the submission is which part; may be given several times.
    #[arg(long, value_name = "NAME=PATH", requires = "submissions")]
    pub(crate) map: Vec<String>,
    /// Where inputs are drawn from; without it, a new one, which the report names.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// An instructor's changes of lab/rubric.toml.
    #[arg(long, value_name = "FILE")]
    pub(crate) rubric: Option<PathBuf>,
    /// Write the report as JSON, too.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write it as JUnit, too.
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Write it as KTAP, too.
    #[arg(long, value_name = "FILE")]
    pub(crate) ktap: Option<PathBuf>,
    /// Write it as Gradescope's results.json, too.
    #[arg(long, value_name = "FILE")]
    pub(crate) gradescope: Option<PathBuf>,
    /// Write all of them into this directory, and the consoles of crashes. Of a batch: the results
    /// folder; without it, grades/.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Who reads the report, students by default. Staff also sees the details of hidden checks; the file
    /// for Gradescope is for students all the same.
    #[arg(long, value_enum, value_name = "READERS")]
    pub(crate) feedback: Option<Feedback>,
    /// How long one check may take, in seconds; 300 by default.
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) timeout: Option<u64>,
    /// Neither set up nor build the lab itself: take what is there.
    #[arg(long)]
    pub(crate) no_build: bool,
    /// How many machines run at a time. A batch tells it to the processes that it starts.
    #[arg(long, hide = true, value_name = "N")]
    pub(crate) machines: Option<usize>,
    /// Say of each check when it ends.
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

impl Arguments {
    /// The readers of the report.
    pub(crate) fn readers(&self) -> Feedback {
        self.feedback.unwrap_or(Feedback::Student)
    }

    /// How long one check may take, in seconds.
    pub(crate) fn seconds(&self) -> u64 {
        self.timeout.unwrap_or(300)
    }

    /// Whether an option is there that only a batch has.
    pub(crate) fn is_batch(&self) -> bool {
        self.jobs.is_some() || self.csv.is_some() || self.resume
    }
}
