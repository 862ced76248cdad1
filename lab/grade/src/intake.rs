// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a submission consists of: which modules, which programs, in whatever layout.
//!
//! The starter's layout (`kernel/NAME/`, crates), everything beside everything, one folder deeper,
//! or a single module: a part is recognised by what is in a file, and then by its name.
//! Nothing is compiled here and nothing is written.

use std::{collections::BTreeMap, path::Path};

use lab_base::catalogue;

use crate::{
    source::{self, Evidence, SourceKind},
    unpack::{self, Contents, SubmittedFile, Unreadable},
};

/// Longest manifest that is looked at, in bytes; the starter's have 500.
const MANIFEST_MAX: usize = 64 << 10;

/// What a part is made of. Paths are those of [`SubmittedFile::path`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartSource {
    /// Sources in C, the one with the entry or with `main` first. What they include is found
    /// where they have it.
    C(Vec<String>),
    /// One of the programs of a crate: its package, and its directory in the submission.
    Rust {
        /// One of [`catalogue::packages`].
        package: &'static str,
        /// Where its `src/` is; empty, or ends with `/`.
        directory: String,
    },
}

/// Code that somebody has handed in.
#[derive(Debug)]
pub struct Submission {
    /// Its file name without an archive's extension, fit for a terminal.
    pub name: String,
    /// All its files, sorted by path.
    pub files: Vec<SubmittedFile>,
    /// Its modules, by the names in [`catalogue::modules`]; always in C.
    pub modules: BTreeMap<&'static str, PartSource>,
    /// Its programs, by the names in [`catalogue::programs`].
    pub programs: BTreeMap<&'static str, PartSource>,
    /// Sentences for the report: what was passed over, and why.
    pub remarks: Vec<String>,
}

/// Read a submission, a directory or an archive, and find out what is in it.
///
/// # Errors
/// [`Unreadable`]. A submission without a single part is none: it has remarks that say so.
pub fn open(path: &Path) -> Result<Submission, Unreadable> {
    let contents = unpack::unpack(path)?;
    // The name of `.` is that of the directory.
    let full = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let name = unpack::shown(full.file_name().unwrap_or_default().as_encoded_bytes());
    let name = [".tar.gz", ".tgz", ".zip"]
        .iter()
        .find_map(|end| name.strip_suffix(end))
        .unwrap_or(&name);
    Ok(recognise(name.to_owned(), contents))
}

/// Somebody who would be a part, and how sure that is.
struct Candidate {
    name: &'static str,
    evidence: Evidence,
    part: PartSource,
    shown: String,
}

fn recognise(name: String, contents: Contents) -> Submission {
    let Contents {
        files, mut remarks, ..
    } = contents;
    let lab = root_of_checkout(&files);
    let graded: Vec<&SubmittedFile> = files
        .iter()
        .filter(|file| !lab.as_ref().is_some_and(|lab| file.path.starts_with(lab)))
        .collect();

    let mut kinds = Vec::new();
    for &file in &graded {
        if !file.path.ends_with(".c") {
            continue;
        }
        match source::kind(&file.contents) {
            Some(kind) => kinds.push((file, kind)),
            None => remarks.push(format!("{} is no text, and is passed over", file.shown)),
        }
    }
    promote(&mut kinds);

    let module_of = |file: &SubmittedFile| source::module_of(&file.path, &file.contents);
    let with_slot = kinds.iter().any(|(file, kind)| {
        *kind == SourceKind::Module
            && module_of(file).is_some_and(|(name, _)| name == "message_slot")
    });
    let program_of = |file: &SubmittedFile| {
        // What calls what the programs of a slot call is one of them only beside a slot.
        source::program_of(&file.path, &file.contents)
            .filter(|(_, evidence)| with_slot || *evidence != Evidence::Content)
    };
    let (mut modules, mut programs) = (Vec::new(), crates_of(&graded));
    for (file, kind) in &kinds {
        let (found, of) = match kind {
            SourceKind::Module => (module_of(file), &mut modules),
            SourceKind::Program => (program_of(file), &mut programs),
            _ => continue,
        };
        match found {
            Some((name, evidence)) => of.push(Candidate {
                name,
                evidence,
                part: PartSource::C(vec![file.path.clone()]),
                shown: file.shown.clone(),
            }),
            None => {
                let what = if *kind == SourceKind::Module {
                    "module"
                } else {
                    "program"
                };
                remarks.push(format!(
                    "{} is a {what}, but none of the lab's; it is not graded",
                    file.shown
                ));
            }
        }
    }
    let mut modules = choose(modules, &mut remarks);
    let mut programs = choose(programs, &mut remarks);
    give_helpers(&kinds, &mut modules, &mut programs, &mut remarks);
    if modules.is_empty() && programs.is_empty() {
        remarks.push(format!(
            "no module and no program was found in {}",
            match graded.len() {
                0 => "a submission without files".to_owned(),
                1 => "1 file".to_owned(),
                count => format!("{count} files"),
            }
        ));
    }
    Submission {
        name,
        files,
        modules,
        programs,
        remarks,
    }
}

/// A whole checkout has been handed in: the harness in it, with its fixtures, is not theirs.
fn root_of_checkout(files: &[SubmittedFile]) -> Option<String> {
    files.iter().find_map(|file| {
        let root = file.path.strip_suffix("lab/clauses.toml")?;
        (root.is_empty() || root.ends_with('/')).then(|| format!("{root}lab/"))
    })
}

/// Who says what only modules say, and has no entry, is a part of the module beside it; without
/// one, a module that has forgotten its entry.
fn promote(kinds: &mut [(&SubmittedFile, SourceKind)]) {
    let with_entry: Vec<String> = kinds
        .iter()
        .filter(|(_, kind)| *kind == SourceKind::Module)
        .map(|(file, _)| directory_of(&file.path).to_owned())
        .collect();
    for (file, kind) in kinds {
        if *kind == SourceKind::ModulePart {
            *kind = if with_entry
                .iter()
                .any(|other| other == directory_of(&file.path))
            {
                let (kernel, user) = (true, false);
                SourceKind::Helper { kernel, user }
            } else {
                SourceKind::Module
            };
        }
    }
}

/// The programs of the starter's crates: directories of their names with a `src/`, or of another
/// name and with their manifest.
fn crates_of(files: &[&SubmittedFile]) -> Vec<Candidate> {
    let mut found = Vec::new();
    for file in files {
        let Some((before, program)) = file.path.rsplit_once("src/bin/") else {
            continue;
        };
        let program = program
            .strip_suffix("/main.rs")
            .or_else(|| program.strip_suffix(".rs"));
        let Some(name) = catalogue::programs().find(|name| program == Some(name)) else {
            continue;
        };
        let directory = before.trim_end_matches('/').rsplit('/').next();
        let by_name = catalogue::packages().find(|&name| directory == Some(name));
        let package = by_name
            .map(|package| (package, Evidence::Name))
            .or_else(|| Some((package_of(files, before)?, Evidence::Content)));
        if let Some((package, evidence)) = package {
            found.push(Candidate {
                name,
                evidence,
                part: PartSource::Rust {
                    package,
                    directory: before.to_owned(),
                },
                shown: file.shown.clone(),
            });
        }
    }
    found
}

/// The crate whose manifest is in this directory.
fn package_of(files: &[&SubmittedFile], directory: &str) -> Option<&'static str> {
    let path = format!("{directory}Cargo.toml");
    let manifest = files
        .iter()
        .find(|file| file.path == path && file.contents.len() <= MANIFEST_MAX)?;
    let manifest: toml::Table = std::str::from_utf8(&manifest.contents).ok()?.parse().ok()?;
    let name = manifest.get("package")?.get("name")?.as_str()?;
    catalogue::packages().find(|package| *package == name)
}

/// One candidate for each name: the surest. Where two are, neither: to choose would be to guess
/// which one is meant.
fn choose(
    mut candidates: Vec<Candidate>,
    remarks: &mut Vec<String>,
) -> BTreeMap<&'static str, PartSource> {
    candidates.sort_by_key(|candidate| (candidate.name, candidate.evidence));
    let mut chosen = BTreeMap::new();
    for same in candidates.chunk_by(|a, b| a.name == b.name) {
        let (first, others) = (&same[0], &same[1..]);
        let names = |all: &[Candidate]| {
            let names: Vec<_> = all.iter().map(|one| &one.shown[..]).collect();
            names.join(", ")
        };
        let name = first.name;
        if others.iter().any(|other| other.evidence == first.evidence) {
            let names = names(same);
            remarks.push(format!(
                "{name} is there more than once ({names}); none of them is graded"
            ));
            continue;
        }
        if !others.is_empty() {
            let (first, names) = (&first.shown, names(others));
            remarks.push(format!(
                "{name} is {first}; not graded, though like it: {names}"
            ));
        }
        chosen.insert(name, first.part.clone());
    }
    chosen
}

/// Give each source that is neither a module nor a program to those that it is for.
fn give_helpers(
    kinds: &[(&SubmittedFile, SourceKind)],
    modules: &mut BTreeMap<&'static str, PartSource>,
    programs: &mut BTreeMap<&'static str, PartSource>,
    remarks: &mut Vec<String>,
) {
    let included: Vec<Vec<String>> = kinds
        .iter()
        .map(|(file, _)| source::includes(&file.contents))
        .collect();
    let has = |path: &str, name: &str| {
        let at = kinds.iter().position(|(file, _)| file.path == path);
        at.is_some_and(|at| included[at].iter().any(|other| file_name(other) == name))
    };
    for (file, kind) in kinds {
        let SourceKind::Helper { kernel, user } = *kind else {
            continue;
        };
        let name = file_name(&file.path);
        // Whoever includes a source has it already.
        if kinds.iter().any(|(other, _)| has(&other.path, name)) {
            continue;
        }
        let header = format!("{}.h", name.trim_end_matches(".c"));
        let mut owners: Vec<&mut Vec<String>> = Vec::new();
        let all =
            (modules.values_mut().filter(|_| kernel)).chain(programs.values_mut().filter(|_| user));
        for part in all {
            if let PartSource::C(sources) = part {
                owners.push(sources);
            }
        }
        // The more is known of whom it is for, the fewer they are.
        let mut keep = |is_for: &dyn Fn(&str) -> bool| {
            if owners.iter().any(|sources| is_for(&sources[0])) {
                owners.retain(|sources| is_for(&sources[0]));
            }
        };
        keep(&|main| has(main, &header));
        keep(&|main| directory_of(main) == directory_of(&file.path));
        if owners.is_empty() {
            remarks.push(format!("{} belongs to nothing that is graded", file.shown));
        }
        for sources in owners {
            sources.push(file.path.clone());
        }
    }
}

fn directory_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
