// SPDX-License-Identifier: MIT OR Apache-2.0
//! What has to be right before a batch begins: its folder, its table, and that a batch that goes on is
//! the same.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use clap::ValueEnum;
use lab_base::paths::digest;
use lab_build::kernels::Which;
use lab_grade::batch::{
    ResultsFolder,
    plan::{BatchOptions, BatchPlan},
};
use lab_scene::workshop::Start;

use super::{arguments::Arguments, best_kernel::best, outputs::try_to_write};

/// The results folder if none is named.
const FOLDER: &str = "grades";

/// A batch that can begin.
pub(crate) struct Prepared {
    pub(crate) folder: ResultsFolder,
    pub(crate) plan: BatchPlan,
}

/// The results folder, absolute.
///
/// # Errors
/// The current directory is gone.
pub(crate) fn folder_of(out: Option<&Path>) -> Result<PathBuf, String> {
    std::path::absolute(out.unwrap_or(Path::new(FOLDER))).map_err(|error| error.to_string())
}

/// Open the results folder, and have a plan with these submissions. The plan is not written yet.
///
/// # Errors
/// What is wrong with the usage, and what to do.
pub(crate) fn prepare(
    arguments: &Arguments,
    paths: &[PathBuf],
    filter: Option<String>,
    which: Option<Which>,
    start: Start,
) -> Result<Prepared, String> {
    refuse_options_of_one(arguments)?;
    let out = folder_of(arguments.out.as_deref())?;
    let absolute = |path: &Path| std::path::absolute(path).map_err(|error| error.to_string());
    let table = arguments.csv.as_deref().map(absolute).transpose()?;
    let mut submissions = Vec::new();
    for path in paths {
        let path = absolute(path)?;
        // The shell's * names them, too.
        if path == out || table.as_ref() == Some(&path) {
            continue;
        }
        if is_below(&out, &path) {
            return Err(format!(
                "the results folder {} is inside of the submission {}; name another one with --out",
                out.display(),
                path.display()
            ));
        }
        submissions.push(path);
    }
    let folder = ResultsFolder::alone(&out).map_err(|error| error.to_string())?;
    let before = folder.plan().map_err(|error| error.to_string())?;
    if !arguments.resume && (before.is_some() || folder.has_reports()) {
        return Err(format!(
            "{} has the results of a batch; go on with it with --resume, or name another folder with --out",
            out.display()
        ));
    }
    let options = options(arguments, filter, which, start, before.as_ref())?;
    let mut plan = match before {
        Some(plan) => match plan.options.difference(&options) {
            None => plan,
            Some((name, there, here)) => {
                return Err(format!(
                    "{} is another batch: its {name} is {there}, and here it is {here}; name another \
                     folder with --out",
                    out.display()
                ));
            }
        },
        None => BatchPlan::new(options, out.join("grades.csv")),
    };
    plan.add(&submissions);
    if plan.submissions.is_empty() {
        return Err(format!(
            "expected submissions, found none, and {} has no batch to go on with",
            out.display()
        ));
    }
    if let Some(table) = table {
        plan.csv = table;
    }
    check_table(&plan.csv)?;
    Ok(Prepared { folder, plan })
}

/// Options that name one file, or parts of one submission.
fn refuse_options_of_one(arguments: &Arguments) -> Result<(), String> {
    let one = [
        ("--json", arguments.json.is_some()),
        ("--junit", arguments.junit.is_some()),
        ("--ktap", arguments.ktap.is_some()),
        ("--gradescope", arguments.gradescope.is_some()),
    ];
    if let Some((name, _)) = one.iter().find(|(_, is_there)| *is_there) {
        return Err(format!(
            "{name} names one file, and a batch writes the report of each submission into its results \
             folder; name the folder with --out"
        ));
    }
    if !arguments.map.is_empty() {
        return Err(
            "--map is for one submission; in a batch, write a file lab-submission.toml into the \
             submission"
                .into(),
        );
    }
    Ok(())
}

/// Whether a path is inside of a directory, whatever links lead there.
fn is_below(path: &Path, directory: &Path) -> bool {
    let Ok(directory) = directory.canonicalize() else {
        return false;
    };
    let there = path.ancestors().find_map(|above| above.canonicalize().ok());
    there.is_some_and(|there| there.starts_with(directory))
}

/// The options of this run. What is not given is as in the batch that goes on.
fn options(
    arguments: &Arguments,
    filter: Option<String>,
    which: Option<Which>,
    start: Start,
    before: Option<&BatchPlan>,
) -> Result<BatchOptions, String> {
    let before = before.map(|plan| &plan.options);
    let kernel = match (which, before) {
        (None, Some(before)) => before.kernel.clone(),
        _ => name_of(best(which).map_err(|error| format!("{error:#}"))?),
    };
    let machine = match (start, before) {
        (Start::Warm, Some(before)) => before.machine.clone(),
        _ => name_of(start),
    };
    let rubric = match (&arguments.rubric, before) {
        (Some(file), _) => Some(std::path::absolute(file).map_err(|error| error.to_string())?),
        (None, Some(before)) => before.rubric.clone(),
        (None, None) => None,
    };
    let rubric_digest = match &rubric {
        Some(file) => {
            let text = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
            Some(digest([&text[..]]))
        }
        None => None,
    };
    let stages = match (&arguments.stage[..], before) {
        ([], Some(before)) => before.stages.clone(),
        (stages, _) => sorted(stages),
    };
    let steps = match (&arguments.step[..], before) {
        ([], Some(before)) => before.steps.clone(),
        (steps, _) => sorted(steps),
    };
    let feedback = match (arguments.feedback, before) {
        (None, Some(before)) => before.feedback.clone(),
        _ => name_of(arguments.readers()),
    };
    let timeout = match (arguments.timeout, before) {
        (None, Some(before)) => before.timeout,
        _ => arguments.seconds(),
    };
    let seed = arguments.seed.or(before.map(|before| before.seed));
    let filter = filter.or_else(|| before.map(|before| before.filter.clone()));
    Ok(BatchOptions {
        kernel,
        machine,
        seed: seed.unwrap_or_else(|| fastrand::u64(..)),
        stages,
        steps,
        filter: filter.unwrap_or_default(),
        rubric,
        rubric_digest,
        feedback,
        timeout,
    })
}

fn sorted(names: &[String]) -> Vec<String> {
    let names: BTreeSet<String> = names.iter().cloned().collect();
    names.into_iter().collect()
}

/// A value as it is written on the command line.
fn name_of(value: impl ValueEnum) -> String {
    let name = value.to_possible_value();
    name.map_or_else(String::new, |value| value.get_name().to_owned())
}

/// The table is replaced as a whole, so it has to be an ordinary file.
fn check_table(file: &Path) -> Result<(), String> {
    if file.metadata().is_ok_and(|meta| !meta.is_file()) {
        return Err(format!("{}: expected an ordinary file", file.display()));
    }
    let beside = file.with_extension("csv.new");
    try_to_write(file)
        .and_then(|()| try_to_write(&beside))
        .map_err(|error| format!("{} cannot be written: {error}", file.display()))
}
