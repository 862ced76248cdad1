// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `lab grade` is asked for: one submission or a batch, and which checks.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use lab_build::kernels::Which;
use lab_grade::{
    batch::{leads_somewhere, members},
    rubric::Rubric,
};
use lab_scene::workshop::Start;
use lab_stages::STAGES;

use super::{arguments::Arguments, batch, ending::refuse, grade};

/// What is to be graded.
#[derive(Debug, PartialEq, Eq)]
enum Request {
    /// One submission, or this tree.
    One(Option<PathBuf>),
    /// Several, or those of a batch that goes on.
    Batch(Vec<PathBuf>),
}

pub(crate) fn run(
    arguments: &Arguments,
    which: Option<Which>,
    start: Start,
) -> anyhow::Result<ExitCode> {
    let (rubric, paths, filter) = match read(arguments) {
        Ok(read) => read,
        Err(why) => return Ok(refuse(&why)),
    };
    match requested(paths, arguments) {
        Request::One(path) => {
            let filter = filter.unwrap_or_default();
            grade::run(arguments, path.as_deref(), &filter, rubric, which, start)
        }
        Request::Batch(paths) => batch::run(arguments, &paths, filter, which, start),
    }
}

/// The rubric, the submissions, and the filter if there is one.
///
/// # Errors
/// What is wrong with the usage. An instructor's rubric that is wrong is a part of it.
fn read(arguments: &Arguments) -> Result<(Rubric, Vec<PathBuf>, Option<String>), String> {
    let rubric = match &arguments.rubric {
        Some(file) => Rubric::with(file),
        None => Rubric::builtin(),
    };
    let rubric = rubric.map_err(|error| error.to_string())?;
    let is_check = |text: &str| rubric.checks().any(|check| check.is_selected(text));
    if let Some(filter) = &arguments.check {
        return match is_check(filter) {
            true => Ok((rubric, arguments.submissions.clone(), Some(filter.clone()))),
            false => Err(format!("no check contains {filter:?}")),
        };
    }
    let (paths, filter) = split(&arguments.submissions, is_check, arguments.is_batch())?;
    Ok((rubric, paths, filter))
}

/// The submissions to grade as a batch, and the filter if there is one.
///
/// # Errors
/// What is wrong with the usage.
pub(crate) fn of_batch(arguments: &Arguments) -> Result<(Vec<PathBuf>, Option<String>), String> {
    let (_, paths, filter) = read(arguments)?;
    let paths = paths.iter().flat_map(|path| one_or_class(path)).collect();
    Ok((paths, filter))
}

fn requested(paths: Vec<PathBuf>, arguments: &Arguments) -> Request {
    // The process of a batch grades what the batch has named.
    if arguments.machines.is_some() {
        return Request::One(paths.into_iter().next());
    }
    let all: Vec<PathBuf> = paths.iter().flat_map(|path| one_or_class(path)).collect();
    if arguments.is_batch() || all.len() > 1 {
        Request::Batch(all)
    } else {
        Request::One(paths.into_iter().next())
    }
}

/// The submissions of a class, or the path itself.
fn one_or_class(path: &Path) -> Vec<PathBuf> {
    let members = members(path);
    if members.is_empty() {
        vec![path.to_owned()]
    } else {
        members
    }
}

/// Submissions, and the filter if the last word is one.
///
/// # Errors
/// It may be a filter with a mistake in it, so that a batch would not be what the user wants.
fn split(
    words: &[PathBuf],
    is_check: impl Fn(&str) -> bool,
    is_batch: bool,
) -> Result<(Vec<PathBuf>, Option<String>), String> {
    let [before @ .., last] = words else {
        return Ok((Vec::new(), None));
    };
    let text = last.to_str().filter(|_| !leads_somewhere(last));
    match text {
        Some(text) if !before.is_empty() && is_check(text) => {
            Ok((before.to_owned(), Some(text.to_owned())))
        }
        Some(text) if before.is_empty() && is_check(text) => Err(format!(
            "there is no file {text}; to grade this tree with some checks only, write --check {text}"
        )),
        Some(text) if before.len() == 1 && !is_batch && !is_path(text) => Err(format!(
            "no check contains {text:?}, and there is no file {text}"
        )),
        _ => Ok((words.to_owned(), None)),
    }
}

/// Whether a word looks like the path of a submission, and not like a check.
fn is_path(text: &str) -> bool {
    let first = text.split('/').next().unwrap_or(text);
    let is_stage = STAGES.iter().any(|stage| stage.name == first);
    (text.contains('/') && !is_stage) || text.contains('.')
}
