// SPDX-License-Identifier: MIT OR Apache-2.0
//! Wrong variants of this checkout's modules and programs (`lab/mutants/mutants.toml`), each with
//! the checks that catch it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use lab_base::{Error, Result, paths};
use serde::Deserialize;

/// A wrong variant.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mutant {
    /// The clause, and the mistake in a few words.
    pub name: String,
    /// The kind of the mistake.
    pub kind: Kind,
    /// The file that it is a variant of, relative to the checkout.
    pub file: PathBuf,
    /// Ids of the checks that catch it.
    pub caught_by: Vec<String>,
    /// Clauses whose checks also fail, although the mistake breaks another clause, and the reason.
    #[serde(default)]
    pub also: Option<Also>,
    /// Replacements in order: the old text, which occurs once, and the new text.
    replace: Vec<(String, String)>,
}

/// Kinds of mistakes, in the order of the list `faults` of the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A wrong value, text or format.
    Answer,
    /// A wrong request is accepted, or has another errno.
    Refusal,
    /// Something changes that must not, or does not stay.
    State,
    /// One thing is taken for another.
    Identity,
    /// Somebody may do what others only may do.
    Stranger,
    /// Two things happen in the wrong order, or one too often.
    Order,
    /// Two processes at the same time.
    Race,
    /// Less is possible than promised, or more than allowed.
    Limit,
    /// Memory is not freed.
    Memory,
    /// Something is used after its end, or does not end.
    Lifetime,
    /// A process waits for ever, or does not wait.
    Waiting,
}

/// Other effects of a mutant.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Also {
    /// `part2/N5`.
    pub clauses: Vec<String>,
    /// In one sentence.
    pub because: String,
}

/// All mutants of a checkout.
///
/// # Errors
/// If the file cannot be read or parsed.
pub fn all(checkout: &Path) -> Result<Vec<Mutant>> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        mutant: Vec<Mutant>,
    }
    let file = checkout.join("lab/mutants/mutants.toml");
    let text = read(&file)?;
    let File { mutant } = toml::from_str(&text)
        .map_err(|error| Error::Unexpected(format!("{}: {error}", file.display())))?;
    Ok(mutant)
}

impl Mutant {
    /// The text of its file with the mistake.
    ///
    /// # Errors
    /// If an old text is missing, or occurs several times.
    pub fn apply(&self, checkout: &Path) -> Result<String> {
        let mut code = read(&checkout.join(&self.file))?;
        for (old, new) in &self.replace {
            match code.matches(old).count() {
                1 => code = code.replace(old, new),
                count => {
                    let what = format!("{}: {old:?} occurs {count} times", self.name);
                    return Err(Error::Unexpected(what));
                }
            }
        }
        Ok(code)
    }

    /// Make a submission: copy its module or crate from the checkout into a directory, with the
    /// mistake.
    ///
    /// # Errors
    /// As [`Mutant::apply`], or [`Error::Io`].
    pub fn hand_in(&self, checkout: &Path, directory: &Path) -> Result<()> {
        let wrong = self.apply(checkout)?;
        if let Ok(header) = self.file.strip_prefix("kernel/include") {
            return self.hand_in_header(header, &wrong, checkout, directory);
        }
        // `kernel/NAME`, or a crate.
        let depth = if self.file.starts_with("kernel") {
            2
        } else {
            1
        };
        let part: PathBuf = self.file.iter().take(depth).collect();
        copy(&checkout.join(&part), &directory.join(&part))?;
        paths::write_if_changed(&directory.join(&self.file), wrong.as_bytes(), 0o644)
    }

    /// The grader has headers of its own. So a wrong header is submitted beside each source that
    /// includes it, in the modules that must be caught.
    fn hand_in_header(
        &self,
        header: &Path,
        wrong: &str,
        checkout: &Path,
        directory: &Path,
    ) -> Result<()> {
        let header = header.display().to_string();
        let theirs = format!("#include <{header}>");
        let own = format!("#include \"{header}\"");
        let steps = self
            .caught_by
            .iter()
            .filter_map(|id| lab_stages::step_of(id));
        let modules: BTreeSet<_> = steps.flat_map(|step| step.modules).collect();
        for module in modules {
            let from = checkout.join("kernel").join(module);
            let to = directory.join("kernel").join(module);
            let what = || Error::io(format!("reading {}", from.display()));
            for entry in fs::read_dir(&from).map_err(what())? {
                let name = entry.map_err(what())?.file_name();
                let text = read(&from.join(&name))?.replace(&theirs, &own);
                paths::write_if_changed(&to.join(&name), text.as_bytes(), 0o644)?;
            }
            paths::write_if_changed(&to.join(&header), wrong.as_bytes(), 0o644)?;
        }
        Ok(())
    }
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).map_err(Error::io(format!("reading {}", file.display())))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let what = || Error::io(format!("copying {}", from.display()));
    for entry in fs::read_dir(from).map_err(what())? {
        let entry = entry.map_err(what())?;
        let target = to.join(entry.file_name());
        if entry.file_type().map_err(what())?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            let contents = fs::read(entry.path()).map_err(what())?;
            paths::write_if_changed(&target, &contents, 0o644)?;
        }
    }
    Ok(())
}
