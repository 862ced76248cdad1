// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lab reset` and `lab solution`: the first text of a task, and its solution.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anstream::println;
use anyhow::{Context, bail};
use lab_base::paths::{self, Paths};
use lab_cli::bold;
use lab_course::{
    reset::reset,
    tasks::{Task, Tasks},
};

/// Give back the first text of some tasks, whose names are separated by commas. All files are written,
/// or none, and the old ones are kept in `build/replaced/`.
pub(crate) fn run(names: &str) -> anyhow::Result<ExitCode> {
    let paths = Paths::find()?;
    let tasks = of_starter(&paths.checkout)?;
    let mut wanted: BTreeMap<&Path, Vec<&Task>> = BTreeMap::new();
    for name in names.split(',') {
        let task = tasks.find(name.trim())?;
        wanted.entry(&task.file).or_default().push(task);
    }
    let mut new = Vec::new();
    for (file, wanted) in wanted {
        let first = &tasks.files[file];
        let all: Vec<&Task> = tasks
            .tasks
            .iter()
            .filter(|task| task.file == file)
            .collect();
        let path = paths.checkout.join(file);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                new.push((file, None, first.clone()));
                continue;
            }
            text => text.with_context(|| format!("reading {}", path.display()))?,
        };
        let back =
            reset(first, &text, &wanted, &all).with_context(|| format!("{}", file.display()))?;
        new.push((file, Some(text), back));
    }
    for (file, old, text) in new {
        if old.as_ref() == Some(&text) {
            println!("{} has the first text already", file.display());
            continue;
        }
        if let Some(old) = old {
            let kept = keep(&paths, file, &old)?;
            let kept = kept.strip_prefix(&paths.checkout).unwrap_or(&kept);
            println!("{} is kept as {}", file.display(), kept.display());
        }
        paths::write_if_changed(&paths.checkout.join(file), text.as_bytes(), 0o644)?;
    }
    println!("{names}: as in the starter again");
    Ok(ExitCode::SUCCESS)
}

/// Keep the text of a file under a name that is not taken, and return its path.
fn keep(paths: &Paths, file: &Path, text: &str) -> anyhow::Result<PathBuf> {
    let directory = paths.build.join("replaced");
    let name = file.display().to_string().replace('/', "-");
    let mut number = 1;
    let kept = loop {
        let kept = directory.join(format!("{name}.{number}"));
        if !kept.exists() {
            break kept;
        }
        number += 1;
    };
    paths::write_if_changed(&kept, text.as_bytes(), 0o644)?;
    Ok(kept)
}

/// Print the solution of a task, if the teacher's starter has it.
pub(crate) fn solution(name: &str) -> anyhow::Result<ExitCode> {
    let tasks = of_starter(&Paths::find()?.checkout)?;
    let task = tasks.find(name)?;
    let Some(lines) = &task.solution else {
        bail!(
            "this starter has no solutions; make hint gives hints, and a teacher adds solutions with \
             make starter SOLUTIONS=yes"
        );
    };
    println!("{}", bold(format!("{name} in {}", task.file.display())));
    for line in lines {
        println!("{line}");
    }
    Ok(ExitCode::SUCCESS)
}

fn of_starter(checkout: &Path) -> anyhow::Result<Tasks> {
    Tasks::of(checkout)?.context(
        "this tree has no tasks, because it has the solutions; make starter DIR=path writes a tree \
         for students",
    )
}
