// SPDX-License-Identifier: MIT OR Apache-2.0
//! What students begin with: this tree without what they are to write.
//!
//! In the solutions a region is marked by two comments, each on a line of its own:
//!
//! ```c
//!     /* lab:begin mslot-read: hand out the whole message; it stays where it is (R1-R6) */
//!     ...
//!     /* lab:end stub: return -EOPNOTSUPP; */
//! ```
//!
//! A starter has `TODO mslot-read: hand out ...` in its place and, if there is a stub, that behind
//! it. The name is the only one of its kind; the task ends with the clauses it is about. Works for
//! every kind of comment that begins at the start of a line.

use std::{
    collections::HashMap,
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use lab_base::{Error, Result, environment, output_of, paths::Paths};
use lab_build::{
    modules::{self, Care},
    programs,
};
use lab_scene::{
    subject::{Part, Subject},
    workshop::Workshop,
};
use lab_stages::{STAGES, Stage};

const BEGIN: &str = "lab:begin ";
const END: &str = "lab:end";
const STUB: &str = " stub: ";

/// The crate of each stage; its modules are those of its steps.
const CRATES: [(&str, &str); 4] = [
    ("part1", "part1-threads"),
    ("part2", "part2-netlink"),
    ("part3", "part3-lists"),
    ("message-slot", "message-slot"),
];

/// What no student needs: other solutions, right and wrong, and tests of those and of the grader.
const LEFT_OUT: [&str; 4] = [
    ".ci/",
    "lab/fixtures/submissions/",
    "lab/mutants/",
    "lab/tests/grading/",
];

/// A marked part of a solution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// There is no other with the same.
    pub name: String,
    /// What is to be done, and for which clauses.
    pub task: String,
    /// Where it is, relative to the checkout.
    pub file: PathBuf,
    /// Its lines, without the markers.
    pub lines: Vec<String>,
    /// What stays in their place; may be empty.
    pub stub: String,
}

/// A file of a starter.
#[derive(Clone, Debug)]
pub struct File {
    /// Relative to its directory.
    pub path: PathBuf,
    /// All of it.
    pub contents: Vec<u8>,
    mode: u32,
}

/// A tree for students.
#[derive(Clone, Debug, Default)]
pub struct Starter {
    /// What is in it.
    pub files: Vec<File>,
    /// What was cut out of it.
    pub cut: Vec<Region>,
}

impl Starter {
    /// Make one from the files that git knows in a checkout. Stages before `upto` stay solved.
    ///
    /// # Errors
    /// [`Error::Tool`] if it is no git checkout; a marker without its counterpart, or with a name
    /// that another has, with file and line; no marker at all.
    pub fn of(checkout: &Path, upto: &Stage) -> Result<Self> {
        let mut git = environment::command("git");
        git.arg("-C").arg(checkout).args(["ls-files", "-z"]);
        let listed = output_of("asking git which files there are", &mut git)?;
        let first = place(upto);
        let mut starter = Starter::default();
        let mut regions = Vec::new();
        for name in listed.split_terminator('\0') {
            if LEFT_OUT.iter().any(|prefix| name.starts_with(prefix)) {
                continue;
            }
            let from = checkout.join(name);
            let what = || Error::io(format!("reading {}", from.display()));
            let mut contents = fs::read(&from).map_err(what())?;
            let mode = fs::metadata(&from).map_err(what())?.permissions().mode() & 0o777;
            let path = PathBuf::from(name);
            if let Some(stage) = stage_of(&path) {
                let text = String::from_utf8_lossy(&contents);
                let (text, found) = cut(&path, &text, stage < first)?;
                if stage >= first {
                    starter.cut.extend(found.iter().cloned());
                }
                regions.extend(found);
                contents = text.into_bytes();
            }
            starter.files.push(File {
                path,
                contents,
                mode,
            });
        }
        if regions.is_empty() {
            return Err(Error::Unexpected(format!(
                "expected marked regions in {}, found none: starters are made from solutions",
                checkout.display()
            )));
        }
        all_differ(&regions)?;
        for file in &mut starter.files {
            if file.path == Path::new("Cargo.toml") {
                quiet(&mut file.contents);
            }
        }
        Ok(starter)
    }

    /// Write it to a directory that does not exist or is empty: all of it, or nothing.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(&self, directory: &Path) -> Result<()> {
        let what = || Error::io(format!("writing {}", directory.display()));
        // Beside it, so that it can take its name.
        let parent = match directory.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let new = tempfile::tempdir_in(parent).map_err(what())?;
        self.fill(new.path()).map_err(what())?;
        fs::set_permissions(new.path(), fs::Permissions::from_mode(0o755)).map_err(what())?;
        fs::rename(new.path(), directory).map_err(what())?;
        let _ = new.keep();
        Ok(())
    }

    /// Write its files to a directory that may have others.
    fn fill(&self, directory: &Path) -> io::Result<()> {
        for file in &self.files {
            let path = directory.join(&file.path);
            fs::create_dir_all(path.parent().unwrap_or(directory))?;
            fs::write(&path, &file.contents)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(file.mode))?;
        }
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
    clear(&directory).map_err(what())?;
    starter.fill(&directory).map_err(what())?;
    let paths = Paths {
        build: directory.join("build"),
        checkout: directory,
        cache: workshop.paths.cache.clone(),
    };
    let built = |file| Part::Built { file, debug: None };
    let mut subject = Subject::default();
    for &module in STAGES
        .iter()
        .flat_map(|stage| stage.steps)
        .flat_map(|step| step.modules)
    {
        let source = paths.checkout.join("kernel").join(module);
        let file = modules::build(&paths, &workshop.kernel, &source, Care::Clean)?;
        subject.modules.insert(module.to_owned(), built(file));
    }
    let programs = programs::build(&paths, &programs::ALL)?;
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

/// Remove an earlier starter, but for what cargo has built there: most of it is others' crates.
fn clear(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name() == "build" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn place(stage: &Stage) -> usize {
    let found = STAGES.iter().position(|other| other.name == stage.name);
    found.unwrap_or_default()
}

/// Whose work a file is, as a place in [`STAGES`]; `None` if it is given.
fn stage_of(path: &Path) -> Option<usize> {
    STAGES.iter().position(|stage| {
        let of_crate = CRATES
            .iter()
            .any(|(name, directory)| *name == stage.name && path.starts_with(directory));
        let modules = stage.steps.iter().flat_map(|step| step.modules);
        let mut folders = modules.map(|module| Path::new("kernel").join(module));
        of_crate || folders.any(|folder| path.starts_with(folder))
    })
}

/// A text without markers: as it is if it stays `solved`, else with a TODO for each region; and
/// the regions.
///
/// # Errors
/// [`Error::Unexpected`] with file and line.
pub fn cut(file: &Path, text: &str, solved: bool) -> Result<(String, Vec<Region>)> {
    let mut out = String::new();
    let mut regions = Vec::new();
    // The region that is open, and the line in which it begins.
    let mut open: Option<(Region, usize)> = None;
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        let wrong =
            |what: String| Error::Unexpected(format!("{}:{number}: {what}", file.display()));
        if let Some((head, words, tail)) = marker(line, BEGIN) {
            if let Some((region, began)) = &open {
                let name = &region.name;
                return Err(wrong(format!(
                    "expected the end of {name}, which begins in line {began}, found another begin"
                )));
            }
            let (name, task) = words.split_once(": ").ok_or_else(|| {
                wrong(format!("expected {BEGIN}NAME: TASK, found {}", line.trim()))
            })?;
            if !solved {
                out += &format!("{head}TODO {name}: {task}{tail}\n");
            }
            let region = Region {
                name: name.to_owned(),
                task: task.to_owned(),
                file: file.to_owned(),
                lines: Vec::new(),
                stub: String::new(),
            };
            open = Some((region, number));
        } else if let Some((head, words, _)) = marker(line, END) {
            let (mut region, _) = open
                .take()
                .ok_or_else(|| wrong("an end without a begin".into()))?;
            match words.strip_prefix(STUB) {
                Some(stub) => stub.clone_into(&mut region.stub),
                None if words.is_empty() => {}
                None => return Err(wrong(format!("expected{STUB}CODE, found{words}"))),
            }
            if !solved && !region.stub.is_empty() {
                out += &format!("{}{}\n", indent(head), region.stub);
            }
            regions.push(region);
        } else {
            if solved || open.is_none() {
                out += line;
            }
            if let Some((region, _)) = &mut open {
                region.lines.push(line.trim_end_matches('\n').to_owned());
            }
        }
    }
    match open {
        Some((region, began)) => Err(Error::Unexpected(format!(
            "{}:{began}: {} has no end",
            file.display(),
            region.name
        ))),
        None => Ok((out, regions)),
    }
}

/// A line with nothing but a comment that begins with `word`: what is before it, what is behind
/// it, and what ends the comment.
fn marker<'a>(line: &'a str, word: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let at = line.find(word)?;
    let (head, rest) = (&line[..at], line[at + word.len()..].trim_end());
    if !head.chars().all(|c| c.is_whitespace() || "/*#".contains(c)) || head.trim().is_empty() {
        return None;
    }
    match rest.strip_suffix(" */") {
        Some(words) => Some((head, words, " */")),
        None => Some((head, rest, "")),
    }
}

fn indent(head: &str) -> &str {
    &head[..head.len() - head.trim_start().len()]
}

fn all_differ(regions: &[Region]) -> Result<()> {
    let mut known = HashMap::new();
    for region in regions {
        if let Some(other) = known.insert(&region.name, &region.file) {
            return Err(Error::Unexpected(format!(
                "{}: there is a region {} in {} already",
                region.file.display(),
                region.name,
                other.display()
            )));
        }
    }
    Ok(())
}

/// Silence the compiler about what a starter imports and does not use yet: nobody would see
/// anything else.
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

    const SOLUTION: &str = "\
int f(void)
{
	/* lab:begin f-two: the answer (A1) */
	return 2;
	/* lab:end stub: return -1; */
}
/* lab:begin g: all of g (A2) */
void g(void) {}
/* lab:end */
/*
 * lab:begin design: say why
 * Because.
 * lab:end
 */
";

    fn error(text: &str) -> String {
        cut(Path::new("a/b.c"), text, false)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_region_becomes_its_task_and_its_stub() {
        let (text, regions) = cut(Path::new("f.c"), SOLUTION, false).unwrap();
        let expected = "\
int f(void)
{
	/* TODO f-two: the answer (A1) */
	return -1;
}
/* TODO g: all of g (A2) */
/*
 * TODO design: say why
 */
";
        assert_eq!(text, expected);
        let names: Vec<_> = regions.iter().map(|region| region.name.as_str()).collect();
        assert_eq!(names, ["f-two", "g", "design"]);
        assert_eq!(regions[0].lines, ["\treturn 2;"]);
    }

    #[test]
    fn a_solved_text_loses_its_markers_only() {
        let (text, regions) = cut(Path::new("f.c"), SOLUTION, true).unwrap();
        assert_eq!(regions.len(), 3);
        let expected: String = SOLUTION
            .split_inclusive('\n')
            .filter(|line| !line.contains("lab:"))
            .collect();
        assert_eq!(text, expected);
    }

    #[test]
    fn what_is_not_a_comment_of_its_own_is_no_marker() {
        for text in [
            "let x = 1; // lab:begin a: b\n",
            "//! - `lab:end` ends it\n",
            "lab:end\n",
        ] {
            let (out, regions) = cut(Path::new("f.rs"), text, false).unwrap();
            assert_eq!((out.as_str(), regions.len()), (text, 0));
        }
    }

    #[test]
    fn a_marker_that_is_alone_is_named_with_its_line() {
        assert_eq!(error("x\n// lab:begin a: b\ny\n"), "a/b.c:2: a has no end");
        assert_eq!(error("x\n// lab:end\n"), "a/b.c:2: an end without a begin");
        assert_eq!(
            error("// lab:begin a: b\n// lab:begin c: d\n// lab:end\n"),
            "a/b.c:2: expected the end of a, which begins in line 1, found another begin"
        );
        assert_eq!(
            error("/* lab:begin a */\n"),
            "a/b.c:1: expected lab:begin NAME: TASK, found /* lab:begin a */"
        );
        assert_eq!(
            error("# lab:begin a: b\n# lab:end now\n"),
            "a/b.c:2: expected stub: CODE, found now"
        );
    }

    #[test]
    fn two_regions_of_one_name_are_refused() {
        let text = "# lab:begin a: b\n# lab:end\n";
        let (_, mut regions) = cut(Path::new("x"), text, false).unwrap();
        assert!(all_differ(&regions).is_ok());
        regions.extend(cut(Path::new("y"), text, false).unwrap().1);
        let error = all_differ(&regions).unwrap_err().to_string();
        assert_eq!(error, "y: there is a region a in x already");
    }

    #[test]
    fn each_stage_has_its_crate_and_its_modules() {
        let of = |path: &str| stage_of(Path::new(path)).map(|at| STAGES[at].name);
        assert_eq!(of("part1-threads/src/run.rs"), Some("part1"));
        assert_eq!(of("kernel/nl_routes/routes.h"), Some("part2"));
        assert_eq!(of("kernel/nl_router/nl_router.c"), Some("part3"));
        assert_eq!(of("message-slot/Cargo.toml"), Some("message-slot"));
        assert_eq!(of("kernel/include/nl_open.h"), None);
        assert_eq!(STAGES.len(), CRATES.len());
    }
}
