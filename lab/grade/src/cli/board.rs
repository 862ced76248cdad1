// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a batch shows while it runs and when it ends: a line for each submission with the time that is
//! left, the table and the page.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Mutex, PoisonError},
};

use anstream::{eprintln, println};
use indicatif::ProgressBar;
use lab_base::{Result, paths, progress};
use lab_cli::red;
use lab_grade::batch::{
    ResultsFolder,
    page::html,
    plan::{BatchPlan, PlannedSubmission},
    result::{BatchResult, counts},
    table::csv,
};

/// The page, in the results folder.
const PAGE: &str = "index.html";

/// The state of a batch.
pub(crate) struct Board<'a> {
    folder: &'a ResultsFolder,
    plan: &'a BatchPlan,
    jobs: usize,
    bar: ProgressBar,
    state: Mutex<State>,
}

struct State {
    results: BTreeMap<String, BatchResult>,
    /// Gradings that this run has carried out, and their seconds together.
    count: usize,
    seconds: f64,
    /// Gradings that this run has to carry out.
    expected: usize,
    /// Whether it has been said that the table cannot be written.
    complained: bool,
}

impl<'a> Board<'a> {
    /// The board of a batch that grades `expected` submissions, `jobs` at a time.
    pub(crate) fn new(
        folder: &'a ResultsFolder,
        plan: &'a BatchPlan,
        jobs: usize,
        expected: usize,
    ) -> Self {
        Board {
            folder,
            plan,
            jobs,
            bar: progress::bar("grading", expected as u64),
            state: Mutex::new(State {
                results: folder.results(plan),
                count: 0,
                seconds: 0.0,
                expected,
                complained: false,
            }),
        }
    }

    /// The page, the table and a line with a new result.
    pub(crate) fn add(&self, submission: &PlannedSubmission, result: BatchResult) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.count += 1;
        state.seconds += result.seconds;
        let line = line(&submission.id, &result);
        let note = match &result.note[..] {
            "" => String::new(),
            note => format!(": {note}"),
        };
        state.results.insert(submission.id.clone(), result);
        let left = state.expected.saturating_sub(state.count);
        let to_go = state.seconds / state.count as f64 * left as f64 / self.jobs as f64;
        let to_go = match left {
            0 => String::new(),
            _ => format!(", about {} to go", duration(to_go)),
        };
        let (count, expected) = (state.count, state.expected);
        self.bar
            .suspend(|| eprintln!("[{count}/{expected}] {line}{to_go}{note}"));
        self.bar.inc(1);
        if let Err(error) = write(self.folder, self.plan, &state.results)
            && !state.complained
        {
            state.complained = true;
            self.bar.suspend(|| {
                eprintln!(
                    "{} {error}; grading goes on",
                    red("the table is not up to date:")
                );
            });
        }
    }

    /// These submissions are graded once more.
    pub(crate) fn expect_again(&self, count: usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.expected += count;
        self.bar.set_length(state.expected as u64);
        self.bar
            .suspend(|| eprintln!("grading {count} once more that ended in an error or changed"));
    }

    /// Write the table and the page, and say how the batch has ended. Returns the results.
    ///
    /// # Errors
    /// The table or the page cannot be written.
    pub(crate) fn finish(self) -> Result<BTreeMap<String, BatchResult>> {
        self.bar.finish_and_clear();
        let state = self
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        finish(self.folder, self.plan, state.results)
    }
}

/// Write the table and the page from the results, and say what is in them. Returns the results.
///
/// # Errors
/// The table or the page cannot be written.
pub(crate) fn finish(
    folder: &ResultsFolder,
    plan: &BatchPlan,
    results: BTreeMap<String, BatchResult>,
) -> Result<BTreeMap<String, BatchResult>> {
    write(folder, plan, &results)?;
    let all = plan.submissions.len();
    let mut counts = counts(&results);
    if all > results.len() {
        counts.push(format!("{} not graded", all - results.len()));
    }
    let s = if all == 1 { "" } else { "s" };
    println!("{all} submission{s}: {}", counts.join(", "));
    println!("table: {}", shown(&plan.csv));
    println!("page:  {}", shown(&folder.path().join(PAGE)));
    Ok(results)
}

fn write(
    folder: &ResultsFolder,
    plan: &BatchPlan,
    results: &BTreeMap<String, BatchResult>,
) -> Result<()> {
    // One may be on another disk.
    let table = paths::write_if_changed(&plan.csv, csv(results)?.as_bytes(), 0o644);
    let page = html(plan, results);
    let page = paths::write_if_changed(&folder.path().join(PAGE), page.as_bytes(), 0o644);
    table.and(page)
}

/// A path from the current directory, if it is below.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here)
        .unwrap_or(path)
        .display()
        .to_string()
}

/// A result in one line.
fn line(id: &str, result: &BatchResult) -> String {
    let score = match (result.total, result.max) {
        (Some(total), Some(max)) => format!(" {total}/{max}"),
        _ => String::new(),
    };
    let time = duration(result.seconds);
    format!("{id}: {}{score} ({time})", result.status)
}

/// A time for people.
fn duration(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 90.0 => format!("{seconds:.0} s"),
        seconds if seconds < 5400.0 => format!("{:.0} min", seconds / 60.0),
        seconds => format!("{:.1} h", seconds / 3600.0),
    }
}
