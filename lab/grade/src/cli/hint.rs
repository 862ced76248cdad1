// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lab hint`: the next hint for a check, and what failed in it when this tree was last graded.

use std::{fs, process::ExitCode};

use anstream::println;
use anyhow::{Context, bail};
use lab_base::paths::{self, Paths};
use lab_cli::{bold, red};
use lab_course::progress::{self, CheckResult, Progress};
use lab_grade::{
    rubric::{Check, Rubric},
    shared::{FailedCheck, SharedFailure},
    symptoms::Hints,
};
use lab_scene::{LooksAt, transcript::Status};
use lab_stages::step_of;

/// Most checks of a list: it fits on a screen.
const LISTED_MAX: usize = 18;

/// Print the next hint for the check that `wanted` names, or for the first one that failed.
pub(crate) fn run(wanted: &str) -> anyhow::Result<ExitCode> {
    let paths = Paths::find()?;
    let rubric = Rubric::builtin()?;
    let progress = progress::read(&paths)?;
    let shared = shared(&rubric, &progress);
    if wanted.is_empty() {
        match first_to_mend(&rubric, &progress, &shared) {
            Some(check) => hint(&paths, &rubric, &progress, &shared, check)?,
            None if progress.is_empty() => println!(
                "Grade first: make grade. Then make hint gives a hint for the first check that failed. \
                 For another check, name it: make hint CHECK=message-slot/W5-intact"
            ),
            None => println!(
                "No check of the last grading failed. For a hint, name a check: \
                 make hint CHECK=message-slot/W5-intact"
            ),
        }
        return Ok(ExitCode::SUCCESS);
    }
    match &named(&rubric, wanted)[..] {
        [] => bail!("expected a check, such as CHECK=message-slot/W5-intact, found {wanted:?}"),
        [check] => hint(&paths, &rubric, &progress, &shared, check)?,
        several => list(wanted, several, &progress),
    }
    Ok(ExitCode::SUCCESS)
}

/// The checks that a text names: one by its whole id or name, or all that it selects.
fn named<'a>(rubric: &'a Rubric, wanted: &str) -> Vec<&'a Check> {
    let all = || rubric.checks();
    let by_name = |check: &&Check| check.id.split('/').any(|part| part == wanted);
    let exact: Vec<_> = all().filter(|check| check.id == wanted).collect();
    let name: Vec<_> = all().filter(by_name).collect();
    match (&exact[..], &name[..]) {
        ([_], _) => exact,
        (_, [_]) => name,
        _ => all().filter(|check| check.is_selected(wanted)).collect(),
    }
}

fn has_failed(result: &CheckResult) -> bool {
    !matches!(result.status, Status::Pass | Status::Blocked)
}

/// The failures that several checks share.
fn shared(rubric: &Rubric, progress: &Progress) -> Vec<SharedFailure> {
    let failed = rubric.checks().filter_map(|check| {
        let result = progress
            .get(&check.id)
            .filter(|result| has_failed(result))?;
        let failure = result.failure.as_ref()?;
        Some(FailedCheck {
            id: &check.id,
            expected: &failure.expected,
            got: &failure.got,
        })
    });
    rubric.symptoms.shared(&failed.collect::<Vec<_>>())
}

/// The first check that failed in the last grading, or before. If others fail in the same way, it is
/// the one to start with.
fn first_to_mend<'a>(
    rubric: &'a Rubric,
    progress: &Progress,
    shared: &[SharedFailure],
) -> Option<&'a Check> {
    let failed = |check: &&Check| progress.get(&check.id).is_some_and(has_failed);
    let last = progress.values().map(|result| result.when).max()?;
    let is_last = |check: &&Check| progress.get(&check.id).is_some_and(|it| it.when == last);
    let first =
        (rubric.checks().filter(failed).find(is_last)).or_else(|| rubric.checks().find(failed))?;
    let start = start(shared, &first.id);
    rubric.checks().find(|check| check.id == start)
}

/// The check to start with: the most basic one of those that fail in the same way.
fn start<'a>(shared: &'a [SharedFailure], id: &'a str) -> &'a str {
    let with_others = (shared.iter()).find(|shared| shared.checks.iter().any(|other| other == id));
    with_others.map_or(id, |shared| &shared.start)
}

/// Print what failed, and the next hint; after the last one, all of them again. How many were shown
/// is kept in this checkout's `build/`.
fn hint(
    paths: &Paths,
    rubric: &Rubric,
    progress: &Progress,
    shared: &[SharedFailure],
    check: &Check,
) -> anyhow::Result<()> {
    println!(
        "{}",
        bold(format!("{}: {}", check.id, check.scenario.title))
    );
    let symptom = match progress.get(&check.id) {
        Some(result) => {
            tell(check, result, shared);
            tell_module(rubric, progress, shared, check);
            let failure = result.failure.as_ref().filter(|_| has_failed(result));
            failure.and_then(|it| rubric.symptoms.of(&check.id, &it.expected, &it.got))
        }
        None => None,
    };
    // A symptom that many checks have has its hints once.
    let (of, hints) = match symptom {
        Some(symptom) => ("symptom", &symptom.hints),
        None => (&check.id[..], &check.hints),
    };
    // The hints of a changed rubric begin with the first.
    let digest = paths::digest(hints.iter().map(String::as_bytes));
    let file = format!("{}-{digest}", of.replace('/', "-"));
    let file = paths.build.join("hints").join(file);
    let shown: usize = fs::read_to_string(&file)
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or_default();
    next(hints, shown);
    if shown < hints.len() {
        paths::write_if_changed(&file, (shown + 1).to_string().as_bytes(), 0o644)
            .context("remembering which hint was shown")?;
    }
    Ok(())
}

fn next(hints: &Hints, shown: usize) {
    if let Some(hint) = hints.get(shown) {
        println!("{} of {}: {hint}", shown + 1, hints.len());
        return;
    }
    for (level, hint) in (1..).zip(hints) {
        println!("{level}. {hint}");
    }
    println!("There are no more hints.");
}

/// How the check ended when it was last graded.
fn tell(check: &Check, result: &CheckResult, shared: &[SharedFailure]) {
    if result.status == Status::Pass {
        println!("It passed when it was last graded.");
        return;
    }
    println!("When it was last graded: {}", red(result.status));
    let failure = result.failure.clone().unwrap_or_default();
    for (name, text) in [
        ("done:", &failure.done),
        ("expected:", &failure.expected),
        ("got:", &failure.got),
    ] {
        for line in text.lines() {
            println!("    {name:<10}{line}");
        }
    }
    let with_others = shared
        .iter()
        .find(|shared| shared.checks.contains(&check.id));
    if let Some(shared) = with_others {
        println!("    {}.", shared.in_words());
    }
}

/// A check of a program uses the module of the tree, which may be the reason.
fn tell_module(rubric: &Rubric, progress: &Progress, shared: &[SharedFailure], check: &Check) {
    let failed = |check: &&Check| progress.get(&check.id).is_some_and(has_failed);
    if check.scenario.looks_at != LooksAt::Programs || !failed(&check) {
        return;
    }
    let step = |check: &Check| step_of(check.scenario.id).map(|step| step.name);
    let of_module = |other: &&Check| {
        step(other) == step(check) && matches!(other.scenario.looks_at, LooksAt::Module(_))
    };
    let modules: Vec<_> = rubric.checks().filter(of_module).filter(failed).collect();
    if let Some(first) = modules.first() {
        println!(
            "    It uses your own module, of which {} checks fail, too. Start with {}.",
            modules.len(),
            start(shared, &first.id)
        );
    }
}

/// Print checks by step, those that failed when they were last graded first.
fn list(wanted: &str, checks: &[&Check], progress: &Progress) {
    println!(
        "{} checks fit {wanted:?}. Name one, for example: make hint CHECK={}",
        checks.len(),
        checks[0].id
    );
    let failed = |check: &&&Check| progress.get(&check.id).is_some_and(has_failed);
    let (first, rest): (Vec<&Check>, Vec<&Check>) = checks.iter().partition(|check| failed(check));
    let width = checks.iter().map(|check| check.id.len()).max().unwrap_or(0);
    let mut head = None;
    let ordered =
        (first.iter().map(|check| (*check, true))).chain(rest.iter().map(|check| (*check, false)));
    for (check, has_failed) in ordered.take(LISTED_MAX) {
        let of = match step_of(check.scenario.id) {
            _ if has_failed => "failed when last graded".to_owned(),
            Some(step) => format!("step {}", step.name),
            None => "other checks".to_owned(),
        };
        if head.as_ref() != Some(&of) {
            println!("{}", bold(format!("{of}:")));
            head = Some(of);
        }
        println!("  {:<width$}  {}", check.id, check.scenario.title);
    }
    if checks.len() > LISTED_MAX {
        println!("... and {} more", checks.len() - LISTED_MAX);
    }
}
