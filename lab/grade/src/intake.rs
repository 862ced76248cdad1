// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a submission consists of: which modules, which programs, in whatever layout.
//!
//! The starter's layout (`kernel/NAME/`, crates), all files in one folder or in several, a
//! repository with other assignments, or a single module. A part is recognised by what is in a file,
//! and then by its name. Nothing is compiled here and nothing is written.

use std::{collections::BTreeMap, path::Path};

use lab_base::catalogue;

use crate::{
    build_time::BuildTime,
    candidates::{Candidate, choose},
    code::includes,
    file_names::{has_ending, shown},
    headers::Headers,
    helpers,
    layout::{Layout, directory_of, file_name, is_below},
    mapping::{MappedTo, Mapping},
    source::{self, Evidence, SourceKind},
    unpack::{self, Contents, SubmittedFile, Unreadable},
};
pub use crate::{candidates::Undecided, part_source::PartSource};

/// Longest manifest that is looked at, in bytes; the starter's have 500.
const MANIFEST_MAX: usize = 64 << 10;

/// The code of a submission.
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
    /// Parts that several files may be. They are not graded.
    pub undecided: Vec<Undecided>,
    /// Modules and programs that are none of the lab's, by the paths that people know.
    pub unknown: Vec<String>,
    /// Files that cannot be read, by the paths that people know.
    pub unread: Vec<String>,
    /// The files that were left out unread and the reason, in one sentence, if there are any.
    pub left_out: Option<String>,
    /// Sentences for the report: files that were passed over, and why.
    pub remarks: Vec<String>,
    /// The time in which all of it is built.
    pub build_time: BuildTime,
}

/// Read a submission, a directory or an archive, and find its parts.
///
/// # Errors
/// [`Unreadable`]. A submission without a single part is none: it has remarks that say so.
pub fn open(path: &Path) -> Result<Submission, Unreadable> {
    open_mapped(path, Mapping::default())
}

/// The same, if a mapping says which files its parts are.
///
/// # Errors
/// [`Unreadable`], also if what was said names files that are not there.
pub fn open_mapped(path: &Path, mapping: Mapping) -> Result<Submission, Unreadable> {
    let contents = unpack::unpack(path)?;
    // The name of `.` is that of the directory.
    let full = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let name = shown(full.file_name().unwrap_or_default().as_encoded_bytes());
    let endings = [
        ".zip", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".tar.zst", ".tar",
    ];
    let name = endings
        .iter()
        .find_map(|end| name.strip_suffix(end))
        .unwrap_or(&name);
    recognise(name.to_owned(), contents, mapping).map_err(|why| Unreadable {
        submission: shown(path.as_os_str().as_encoded_bytes()),
        why,
        details: Vec::new(),
    })
}

fn recognise(name: String, contents: Contents, mapping: Mapping) -> Result<Submission, String> {
    let Contents {
        mut files,
        mut remarks,
        left_out,
        unread,
        ..
    } = contents;
    let layout = Layout::of(files.iter().map(|file| &file.path[..]));
    let lab = root_of_checkout(&files);
    let is_graded =
        |file: &&SubmittedFile| !lab.as_ref().is_some_and(|lab| file.path.starts_with(lab));
    let graded: Vec<&SubmittedFile> = files.iter().filter(is_graded).collect();
    let mapped = mapping.with_own(&files)?.resolved(&files)?;

    let mut kinds = Vec::new();
    for &file in &graded {
        if has_ending(&file.path, &[".cpp", ".cc", ".cxx"]) {
            remarks.push(format!(
                "{} is C++, which no stage takes; it is not graded",
                file.shown
            ));
        }
        if !file.path.ends_with(".c") {
            continue;
        }
        match source::kind(&file.contents) {
            Some(kind) => kinds.push((file, kind)),
            None => remarks.push(format!("{} is no text, and is passed over", file.shown)),
        }
    }
    promote(&mut kinds);
    let mut candidates = crates_of(&graded);
    let mut unknown = Vec::new();
    candidates.extend(of_c(&kinds, &mapped, &mut unknown, &mut remarks));
    let candidates = as_mapped(candidates, &mapped, &graded)?;
    let choice = choose(candidates, &layout);
    remarks.extend(choice.remarks);
    let (mut modules, mut programs): (BTreeMap<_, _>, BTreeMap<_, _>) = (choice.parts.into_iter())
        .partition(|(name, _)| catalogue::stage_of_module(name).is_some());
    let headers = Headers {
        files: &files,
        layout: &layout,
    };
    helpers::give(&kinds, headers, &mut modules, &mut programs, &mut remarks);
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
    let corrected = graded
        .iter()
        .filter_map(|file| Some((file.path.clone(), headers.corrected(file)?)));
    for (path, (contents, of_file)) in corrected.collect::<Vec<_>>() {
        if let Some(file) = files.iter_mut().find(|file| file.path == path) {
            file.contents = contents;
        }
        remarks.extend(of_file);
    }
    Ok(Submission {
        name,
        files,
        modules,
        programs,
        undecided: choice.undecided,
        unknown,
        unread,
        left_out,
        remarks,
        build_time: BuildTime::default(),
    })
}

/// The parts that the C sources may be.
fn of_c<'a>(
    kinds: &[(&'a SubmittedFile, SourceKind)],
    mapped: &BTreeMap<&'static str, MappedTo>,
    unknown: &mut Vec<String>,
    remarks: &mut Vec<String>,
) -> Vec<Candidate<'a>> {
    let module_of = |file: &SubmittedFile| source::module_of(&file.path, &file.contents);
    let is_slot = |(file, kind): &&(&'a SubmittedFile, SourceKind)| {
        *kind == SourceKind::Module
            && module_of(file).is_some_and(|(name, _)| name == "message_slot")
    };
    let slots: Vec<&SubmittedFile> = kinds
        .iter()
        .filter(is_slot)
        .map(|(file, _)| *file)
        .collect();
    let is_mapped = |file: &SubmittedFile| {
        mapped
            .values()
            .any(|to| matches!(to, MappedTo::Files(paths) if paths.contains(&file.path)))
    };
    let mut candidates = Vec::new();
    for &(file, kind) in kinds {
        let (found, what) = match kind {
            SourceKind::Module => (module_of(file), "module"),
            SourceKind::Program => {
                let found = source::program_of(&file.path, &file.contents);
                (
                    found.filter(|&(name, evidence)| is_sure(file, name, evidence, &slots)),
                    "program",
                )
            }
            _ => continue,
        };
        match found {
            Some((name, evidence)) => candidates.push(Candidate {
                name,
                evidence,
                part: PartSource::C(vec![file.path.clone()]),
                path: &file.path,
                shown: &file.shown,
            }),
            None if is_mapped(file) => {}
            None => {
                unknown.push(file.shown.clone());
                remarks.push(format!(
                    "{} is a {what}, but none of the lab's; it is not graded",
                    file.shown
                ));
            }
        }
    }
    candidates
}

/// Whether a program is one of a slot's: what calls what such programs call, or is called like them,
/// may be part of another homework.
fn is_sure(file: &SubmittedFile, name: &str, evidence: Evidence, slots: &[&SubmittedFile]) -> bool {
    if catalogue::stage_of_program(name) != Some(catalogue::MESSAGE_SLOT.name)
        || evidence == Evidence::Name
    {
        return true;
    }
    if evidence != Evidence::PartOfName {
        return !slots.is_empty();
    }
    let included = |file: &SubmittedFile| {
        let all = includes(&file.contents).into_iter();
        all.map(|include| file_name(&include).to_lowercase())
            .collect::<Vec<_>>()
    };
    let own = included(file);
    source::calls_ioctl(&file.contents)
        || file_name(&file.path).to_lowercase().contains(name)
        || slots.iter().any(|slot| {
            let shares = included(slot).iter().any(|header| own.contains(header));
            shares || directory_of(&slot.path) == directory_of(&file.path)
        })
}

/// The candidates that are left after a mapping.
fn as_mapped<'a>(
    mut candidates: Vec<Candidate<'a>>,
    mapped: &BTreeMap<&'static str, MappedTo>,
    files: &[&'a SubmittedFile],
) -> Result<Vec<Candidate<'a>>, String> {
    for (&name, to) in mapped {
        match to {
            MappedTo::Files(paths) => {
                let main = files
                    .iter()
                    .find(|file| paths.first() == Some(&file.path))
                    .ok_or_else(|| format!("{name}: its files are not graded"))?;
                if main.path.ends_with(".rs") {
                    candidates.retain(|other| other.name != name || other.path == main.path);
                    if !candidates.iter().any(|other| other.name == name) {
                        return Err(format!("{} is no program {name} of a crate", main.shown));
                    }
                    continue;
                }
                if !main.path.ends_with(".c") {
                    return Err(format!("{name}: {} is no source in C", main.shown));
                }
                // They are nothing else.
                candidates.retain(|other| {
                    other.name != name && !paths.iter().any(|path| path == other.path)
                });
                candidates.push(Candidate {
                    name,
                    evidence: Evidence::Name,
                    part: PartSource::C(paths.clone()),
                    path: &main.path,
                    shown: &main.shown,
                });
            }
            MappedTo::Folder(folder) => {
                candidates.retain(|other| other.name != name || is_below(other.path, folder));
                if !candidates.iter().any(|other| other.name == name) {
                    return Err(format!(
                        "there is no {name} below {folder}; name its file: --map {name}={folder}/FILE.c"
                    ));
                }
            }
        }
    }
    Ok(candidates)
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
fn crates_of<'a>(files: &[&'a SubmittedFile]) -> Vec<Candidate<'a>> {
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
                path: &file.path,
                shown: &file.shown,
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
