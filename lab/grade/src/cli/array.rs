// SPDX-License-Identifier: MIT OR Apache-2.0
//! The steps of a batch whose submissions are graded by the tasks of a Slurm job array. Slurm
//! schedules; `lab/slurm/grade.sh` calls the steps.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anstream::{eprintln, println};
use anyhow::{Context, bail};
use lab_build::kernels::Which;
use lab_cli::{on_interrupt, red};
use lab_grade::batch::{ResultsFolder, plan::BatchPlan};
use lab_scene::workshop::{Start, Workshop};

use super::{
    arguments::Arguments,
    batch::{exit_status, to_grade},
    best_kernel::kernel_named,
    board::finish,
    children::Children,
    ending::{BROKEN, refuse},
    prepare::{Prepared, folder_of, prepare},
    request,
    worker::Worker,
};

#[derive(clap::Subcommand)]
pub(crate) enum Step {
    /// Print the results folder, and on the next line how many tasks may run at a time, if that is limited.
    Folder(Box<Arguments>),
    /// Write the plan.
    Plan(Box<Arguments>),
    /// Print the numbers of the submissions that have no result yet, one on a line.
    Open {
        /// The results folder.
        folder: PathBuf,
    },
    /// Grade one submission of the plan.
    One {
        /// The results folder.
        folder: PathBuf,
        /// Its number.
        number: usize,
    },
    /// Write the table and the page.
    Gather {
        /// The results folder.
        folder: PathBuf,
    },
}

pub(crate) fn run(step: &Step, which: Option<Which>, start: Start) -> anyhow::Result<ExitCode> {
    let done = match step {
        Step::Folder(arguments) => place(arguments),
        Step::Plan(arguments) => plan(arguments, which, start),
        Step::Open { folder } => open(folder),
        Step::One { folder, number } => one(folder, *number),
        Step::Gather { folder } => gather(folder),
    };
    done.or_else(|error| {
        eprintln!("{} {error:#}", red("lab grade:"));
        Ok(ExitCode::from(BROKEN))
    })
}

fn place(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let folder = match folder_of(arguments.out.as_deref()) {
        Ok(folder) => folder,
        Err(why) => return Ok(refuse(&why)),
    };
    let jobs = arguments
        .jobs
        .map_or_else(String::new, |jobs| jobs.to_string());
    println!("{}\n{jobs}", folder.display());
    Ok(ExitCode::SUCCESS)
}

fn plan(arguments: &Arguments, which: Option<Which>, start: Start) -> anyhow::Result<ExitCode> {
    let prepared = request::of_batch(arguments)
        .and_then(|(paths, filter)| prepare(arguments, &paths, filter, which, start));
    let Prepared { folder, plan } = match prepared {
        Ok(prepared) => prepared,
        Err(why) => return Ok(refuse(&why)),
    };
    if !arguments.no_build {
        Workshop::open(Some(kernel_named(&plan.options.kernel)?), start)?;
    }
    folder.write_plan(&plan)?;
    Ok(ExitCode::SUCCESS)
}

/// The folder and its plan, beside other tasks.
fn planned(folder: &Path) -> anyhow::Result<(ResultsFolder, BatchPlan)> {
    let path = std::path::absolute(folder).context("finding the results folder")?;
    let folder = ResultsFolder::beside_others(&path);
    match folder.plan()? {
        Some(plan) => Ok((folder, plan)),
        None => bail!("{} has no batch", path.display()),
    }
}

fn open(folder: &Path) -> anyhow::Result<ExitCode> {
    let (folder, plan) = planned(folder)?;
    let open = to_grade(&folder, &plan);
    for (number, submission) in plan.submissions.iter().enumerate() {
        if open.iter().any(|other| other.id == submission.id) {
            println!("{number}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn one(folder: &Path, number: usize) -> anyhow::Result<ExitCode> {
    let (folder, plan) = planned(folder)?;
    let Some(submission) = plan.submissions.get(number) else {
        bail!(
            "expected a number below {}, found {number}",
            plan.submissions.len()
        );
    };
    let children = Arc::new(Children::default());
    let interrupted = children.clone();
    on_interrupt(move || interrupted.interrupt())?;
    let worker = Worker {
        folder: &folder,
        plan: &plan,
        children: &children,
        machines: 1,
    };
    let result = worker.grade(submission)?;
    folder.tidy();
    match result {
        Some(result) => {
            println!("{}: {}", submission.id, result.status);
            Ok(ExitCode::SUCCESS)
        }
        None => bail!("{}: interrupted", submission.id),
    }
}

fn gather(folder: &Path) -> anyhow::Result<ExitCode> {
    let (folder, plan) = planned(folder)?;
    // No task runs any more, so what they have begun can go.
    let folder = ResultsFolder::alone(folder.path())?;
    let results = finish(&folder, &plan, folder.results(&plan))?;
    Ok(ExitCode::from(exit_status(&plan, &results)))
}
