// SPDX-License-Identifier: MIT OR Apache-2.0
//! Starters: this tree without the parts that students write.

mod cut;
mod tree;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
};

pub use cut::{Region, cut};
pub use tree::File;

use lab_base::{
    Error, Result,
    catalogue::{self, ROWS},
    paths::Paths,
};
use lab_build::{
    modules::{self, Strictness},
    programs,
};
use lab_scene::{
    subject::{Part, Subject},
    workshop::Workshop,
};
use lab_stages::{STAGES, Stage};

use crate::tasks::{self, Task, Tasks};

/// Files that no student needs: other solutions, right and wrong, tests of these and of the
/// grader, and pages for those who teach with the lab or change it.
const LEFT_OUT: [&str; 14] = [
    ".ci/",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "lab/batch-test.sh",
    "lab/docs/design.md",
    "lab/docs/teaching.md",
    "lab/docs/upkeep.md",
    "lab/fixtures/submissions/",
    "lab/mutants/",
    "lab/slurm/test.sh",
    "lab/tests/grading/",
    "lab/tests/hostile/",
    // They change a solution.
    "lab/watch/tests/",
];

/// The folder with files of starters only, at the places that they have in a starter.
const OWN: &str = "lab/starter";

/// A tree for students.
#[derive(Clone, Debug, Default)]
pub struct Starter {
    /// Its files.
    pub files: Vec<File>,
    /// The regions that were cut out.
    pub cut: Vec<Region>,
}

impl Starter {
    /// Make a starter from the files of a checkout: those that git knows, or without git all that
    /// `.gitignore` does not exclude. Stages before `upto` stay solved.
    ///
    /// # Errors
    /// [`Error::Tool`] if git fails. For a marker without its counterpart, or with the name of
    /// another, an error with file and line. An error if there is no marker at all.
    pub fn of(checkout: &Path, upto: &Stage) -> Result<Self> {
        let first = place(upto);
        let mut starter = Starter::default();
        let mut regions = Vec::new();
        let paths = tree::files_of(checkout)?;
        let own = paths.iter().filter_map(|path| path.strip_prefix(OWN).ok());
        let own: BTreeSet<&Path> = own.collect();
        for path in &paths {
            let left_out = LEFT_OUT.iter().any(|left_out| path.starts_with(left_out));
            if left_out || own.contains(&**path) {
                continue;
            }
            let mut file = File::read(checkout, path.clone())?;
            if let Ok(place) = path.strip_prefix(OWN) {
                file.path = place.to_owned();
            }
            if let Some(stage) = stage_of(&file.path) {
                let text = String::from_utf8_lossy(&file.contents);
                let (text, found) = cut(&file.path, &text, stage < first)?;
                if stage >= first {
                    starter.cut.extend(found.iter().cloned());
                }
                regions.extend(found);
                file.contents = text.into_bytes();
            }
            starter.files.push(file);
        }
        if regions.is_empty() {
            return Err(Error::Unexpected(format!(
                "expected marked regions in {}, found none: starters are made from solutions",
                checkout.display()
            )));
        }
        cut::all_differ(&regions)?;
        for file in &mut starter.files {
            if file.path == Path::new("Cargo.toml") {
                quiet(&mut file.contents);
            }
        }
        starter.remember(false)?;
        Ok(starter)
    }

    /// Let students see solutions with `make solution`.
    ///
    /// # Errors
    /// None that a starter of [`Starter::of`] can have.
    pub fn hand_out_solutions(&mut self) -> Result<()> {
        self.remember(true)
    }

    /// Add the file in which the starter remembers its tasks and its first text.
    fn remember(&mut self, with_solutions: bool) -> Result<()> {
        let tasks = self
            .cut
            .iter()
            .map(|region| Task::of(region, with_solutions));
        let mut remembered = Tasks {
            tasks: tasks.collect(),
            files: BTreeMap::new(),
        };
        self.files
            .retain(|file| file.path != Path::new(tasks::FILE));
        for file in &self.files {
            if self.cut.iter().any(|region| region.file == file.path) {
                let text = String::from_utf8_lossy(&file.contents).into_owned();
                remembered.files.insert(file.path.clone(), text);
            }
        }
        let text = serde_json::to_string_pretty(&remembered)
            .map_err(|error| Error::Unexpected(format!("{}: {error}", tasks::FILE)))?;
        self.files.push(File::new(tasks::FILE, text.into_bytes()));
        Ok(())
    }

    /// Write it to a directory that does not exist or is empty: completely, or not at all.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(&self, directory: &Path) -> Result<()> {
        let what = || Error::io(format!("writing {}", directory.display()));
        // A temporary directory beside it, so that it can be renamed.
        let parent = match directory.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let new = tempfile::tempdir_in(parent).map_err(what())?;
        tree::fill(&self.files, new.path()).map_err(what())?;
        fs::set_permissions(new.path(), fs::Permissions::from_mode(0o755)).map_err(what())?;
        fs::rename(new.path(), directory).map_err(what())?;
        let _ = new.keep();
        Ok(())
    }
}

/// Build the modules and programs of a starter without any solution, under `build/`.
///
/// # Errors
/// As [`Starter::of`]; [`Error::Compile`], also for a warning about a module.
pub fn build(workshop: &Workshop) -> Result<Subject> {
    let directory = workshop.paths.build.join("starters/verify");
    let what = || Error::io(format!("writing {}", directory.display()));
    let starter = Starter::of(&workshop.paths.checkout, &STAGES[0])?;
    tree::clear(&directory).map_err(what())?;
    tree::fill(&starter.files, &directory).map_err(what())?;
    let paths = Paths {
        build: directory.join("build"),
        checkout: directory,
        cache: workshop.paths.cache.clone(),
    };
    let built = |file| Part::Built { file, debug: None };
    let mut subject = Subject::default();
    for module in catalogue::modules() {
        let source = paths.checkout.join("kernel").join(module);
        let file = modules::build(&paths, &workshop.kernel, &source, Strictness::Clean)?;
        subject.modules.insert(module.to_owned(), built(file));
    }
    let programs = programs::build(&paths, &programs::all())?;
    for (name, file) in programs.of_students() {
        subject
            .programs
            .insert(name.to_owned(), built(file.to_owned()));
    }
    for name in programs::DRIVERS {
        subject
            .programs
            .insert(name.to_owned(), built(programs.path(name)?));
    }
    Ok(subject)
}

fn place(stage: &Stage) -> usize {
    let found = STAGES.iter().position(|other| other.name == stage.name);
    found.unwrap_or_default()
}

/// Index in [`STAGES`] of the stage whose task a file belongs to; `None` if the file is given.
fn stage_of(path: &Path) -> Option<usize> {
    ROWS.iter().position(|row| {
        let mut folders = row
            .modules
            .iter()
            .map(|name| Path::new("kernel").join(name));
        path.starts_with(row.package) || folders.any(|folder| path.starts_with(folder))
    })
}

/// Silence warnings about imports that a starter does not use yet. They would hide all other
/// messages.
fn quiet(manifest: &mut Vec<u8>) {
    const LINTS: &str = "[workspace.lints.rust]\n";
    let text = String::from_utf8_lossy(manifest).replace(
        LINTS,
        &format!(
            "{LINTS}# TODO remove this line when nothing else is left to do.\n\
             unused = {{ level = \"allow\", priority = -1 }}\n"
        ),
    );
    *manifest = text.into_bytes();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stage_has_its_crate_and_its_modules() {
        let of = |path: &str| stage_of(Path::new(path)).map(|at| STAGES[at].name);
        assert_eq!(of("part1-threads/src/run.rs"), Some("part1"));
        assert_eq!(of("kernel/nl_routes/routes.h"), Some("part2"));
        assert_eq!(of("kernel/nl_router/nl_router.c"), Some("part3"));
        assert_eq!(of("message-slot/Cargo.toml"), Some("message-slot"));
        assert_eq!(of("kernel/include/nl_open.h"), None);
    }
}
