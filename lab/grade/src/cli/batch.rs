// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lab grade` for many submissions: each in a process of its own, several at a time.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    path::PathBuf,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use anstream::eprintln;
use lab_base::{paths::Paths, run_directory};
use lab_build::kernels::Which;
use lab_cli::{on_interrupt, processors, red};
use lab_grade::batch::{
    ResultsFolder, fingerprint,
    plan::{BatchPlan, PlannedSubmission},
    result::{BatchResult, BatchStatus},
};
use lab_scene::workshop::{Start, Workshop};

use super::{
    arguments::Arguments,
    best_kernel::kernel_named,
    board::Board,
    children::Children,
    ending::{BROKEN, refuse},
    prepare::{Prepared, prepare},
    worker::Worker,
};

/// Exit status if all went well, but not all submissions could be graded.
const NOT_ALL: u8 = 1;

pub(crate) fn run(
    arguments: &Arguments,
    paths: &[PathBuf],
    filter: Option<String>,
    which: Option<Which>,
    start: Start,
) -> anyhow::Result<ExitCode> {
    let prepared = match prepare(arguments, paths, filter, which, start) {
        Ok(prepared) => prepared,
        Err(why) => return Ok(refuse(&why)),
    };
    match grade_all(arguments, &prepared, start) {
        Ok(code) => Ok(code),
        Err(error) => {
            let is_full = |cause: &(dyn std::error::Error + 'static)| {
                let cause = cause.downcast_ref::<io::Error>().map(io::Error::kind);
                cause == Some(io::ErrorKind::StorageFull)
                    || cause == Some(io::ErrorKind::QuotaExceeded)
            };
            let full = if error.chain().any(is_full) {
                " the disk is full;"
            } else {
                ""
            };
            eprintln!("{}{full} {error}", red("the batch has stopped:"));
            eprintln!("{}", how_to_go_on(&prepared.folder));
            Ok(ExitCode::from(BROKEN))
        }
    }
}

fn grade_all(
    arguments: &Arguments,
    Prepared { folder, plan }: &Prepared,
    start: Start,
) -> anyhow::Result<ExitCode> {
    let children = Arc::new(Children::default());
    let interrupted = children.clone();
    on_interrupt(move || {
        if interrupted.are_interrupted() {
            eprintln!("interrupted again: everything is killed");
        } else {
            eprintln!("interrupted: checks that have begun end now");
        }
        interrupted.interrupt();
    })?;
    if !arguments.no_build {
        Workshop::open(Some(kernel_named(&plan.options.kernel)?), start)?;
    }
    folder.write_plan(plan)?;
    let todo = to_grade(folder, plan);
    let at_a_time = processors().min(todo.len()).max(1);
    let jobs = arguments.jobs.map_or(at_a_time, usize::from);
    let worker = Worker {
        folder,
        plan,
        children: &children,
        machines: match arguments.jobs {
            Some(_) => 1,
            None => processors() / at_a_time,
        },
    };
    let board = Board::new(folder, plan, jobs, todo.len());
    let again = Mutex::new(Vec::new());
    let grade = |submission| {
        if let Some(result) = worker.grade(submission)? {
            if result.status.is_worth_another_try() {
                let mut again = again.lock().unwrap_or_else(PoisonError::into_inner);
                again.push(submission);
            }
            board.add(submission, result);
        }
        Ok(!children.are_interrupted())
    };
    let mut graded = work_off(todo, jobs, grade);
    let once_more = std::mem::take(&mut *again.lock().unwrap_or_else(PoisonError::into_inner));
    if graded.is_ok() && !once_more.is_empty() && !children.are_interrupted() {
        board.expect_again(once_more.len());
        graded = work_off(once_more, jobs, grade);
    }
    folder.tidy();
    if children.are_interrupted() {
        run_directory::sweep(&Paths::find()?.build.join("run"))?;
    }
    let finished = board.finish();
    graded?;
    let results = finished?;
    if results.len() < plan.submissions.len() {
        eprintln!("{}", how_to_go_on(folder));
    }
    Ok(ExitCode::from(exit_status(plan, &results)))
}

/// The submissions without a result that counts.
pub(crate) fn to_grade<'a>(
    folder: &ResultsFolder,
    plan: &'a BatchPlan,
) -> Vec<&'a PlannedSubmission> {
    let is_open = |submission: &&PlannedSubmission| {
        let result = folder.result(submission);
        !result.is_some_and(|result| result.is_final(&fingerprint(&submission.path)))
    };
    plan.submissions.iter().filter(is_open).collect()
}

/// 0: all were graded; 1: some could not be; 3: the lab failed, or not all have a result.
pub(crate) fn exit_status(plan: &BatchPlan, results: &BTreeMap<String, BatchResult>) -> u8 {
    let has = |status| results.values().any(|result| result.status == status);
    if results.len() < plan.submissions.len() || has(BatchStatus::Error) {
        BROKEN
    } else if has(BatchStatus::Unreadable) || has(BatchStatus::Changed) {
        NOT_ALL
    } else {
        0
    }
}

/// Do a piece of work for each submission, several at a time, until one says that it is enough.
///
/// # Errors
/// The first error. What has begun by then is carried to its end.
fn work_off<'a>(
    todo: Vec<&'a PlannedSubmission>,
    jobs: usize,
    work: impl Fn(&'a PlannedSubmission) -> anyhow::Result<bool> + Sync,
) -> anyhow::Result<()> {
    let waiting = Mutex::new(VecDeque::from(todo));
    let lock = || waiting.lock().unwrap_or_else(PoisonError::into_inner);
    let run = || {
        loop {
            let Some(submission) = lock().pop_front() else {
                return Ok(());
            };
            let result = work(submission);
            if !matches!(result, Ok(true)) {
                lock().clear();
                return result.map(drop);
            }
        }
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..jobs.min(lock().len()))
            .map(|_| scope.spawn(run))
            .collect();
        let mut all = Ok(());
        for thread in threads {
            let ended = thread.join();
            all = all.and(ended.unwrap_or_else(|_| Err(anyhow::anyhow!("a thread has panicked"))));
        }
        all
    })
}

fn how_to_go_on(folder: &ResultsFolder) -> String {
    format!(
        "what was graded is kept; go on with: lab/grade.sh --resume --out {}",
        folder.path().display()
    )
}
