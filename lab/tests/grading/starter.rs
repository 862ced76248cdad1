// SPDX-License-Identifier: MIT OR Apache-2.0
//! What students begin with: nothing of the solutions is in it, each task is, and it compiles.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
};

use lab_base::{environment::command, paths::Paths};
use lab_build::modules::{self, Strictness};
use lab_course::{
    clauses,
    starter::{Region, Starter, cut},
};
use lab_scene::test_machines::workshop;
use lab_stages::STAGES;

use crate::{
    pages::{OF_STARTERS, broken_links, pages},
    runs::{Names, Runs},
};

pub(crate) fn checkout() -> PathBuf {
    Paths::find().unwrap().checkout
}

/// The texts in a starter.
pub(crate) fn texts(starter: &Starter) -> impl Iterator<Item = (&Path, &str)> {
    let files = starter.files.iter();
    files.filter_map(|file| Some((&*file.path, str::from_utf8(&file.contents).ok()?)))
}

/// A starter without any solution, in a place that is the same each time: cargo would keep what
/// it has built for every other one.
fn written(name: &str) -> PathBuf {
    let directory = Paths::find().unwrap().build.join("starters").join(name);
    fs::create_dir_all(directory.parent().unwrap()).unwrap();
    if directory.exists() {
        fs::remove_dir_all(&directory).unwrap();
    }
    let starter = Starter::of(&checkout(), &STAGES[0]).unwrap();
    starter.write(&directory).unwrap();
    directory
}

#[test]
fn no_marker_is_left_and_each_region_is_a_task() {
    for upto in STAGES {
        let starter = Starter::of(&checkout(), upto).unwrap();
        for (path, text) in texts(&starter) {
            // Its own tests are full of them.
            if path == Path::new("lab/course/src/starter/cut.rs") {
                continue;
            }
            let (_, regions) = cut(path, text, true).unwrap();
            assert_eq!(regions, [], "{}", path.display());
        }
        let texts: HashMap<_, _> = texts(&starter).collect();
        for Region {
            name, task, file, ..
        } in &starter.cut
        {
            let todo = format!("TODO {name}: {task}");
            let count = texts[&**file].matches(&todo).count();
            assert_eq!(count, 1, "{}: {name}", file.display());
        }
    }
}

#[test]
fn stages_before_upto_stay_solved_and_the_others_are_cut() {
    let all = Starter::of(&checkout(), &STAGES[0]).unwrap().cut;
    let mut before = all.len() + 1;
    for (number, upto) in STAGES.iter().enumerate() {
        let starter = Starter::of(&checkout(), upto).unwrap();
        assert!(starter.cut.len() < before, "{} has no region", upto.name);
        before = starter.cut.len();
        let texts: HashMap<_, _> = texts(&starter).collect();
        let solved = all.iter().filter(|region| !starter.cut.contains(region));
        for region in solved {
            let lines = region.lines.join("\n");
            assert!(texts[&*region.file].contains(&lines), "{}", region.name);
        }
        assert_eq!(starter.cut.len() == all.len(), number == 0);
    }
}

/// Lines that are long enough to be an answer, and are nowhere else in the solutions.
#[test]
fn nothing_of_a_region_is_left() {
    let starter = Starter::of(&checkout(), &STAGES[0]).unwrap();
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    for file in &starter.files {
        let Ok(text) = fs::read_to_string(checkout().join(&file.path)) else {
            continue;
        };
        for line in text.lines() {
            *count.entry(line.trim().to_owned()).or_default() += 1;
        }
    }
    let left: BTreeSet<&str> = texts(&starter)
        .flat_map(|(_, text)| text.lines())
        .map(str::trim)
        .collect();
    let lines: Vec<&str> = starter
        .cut
        .iter()
        .flat_map(|region| region.lines.iter().map(|line| (line.trim(), &region.stub)))
        .filter(|(line, stub)| line.len() > 30 && line != stub && count[*line] == 1)
        .map(|(line, _)| line)
        .collect();
    assert!(lines.len() > 500, "only {} lines", lines.len());
    let found: Vec<&str> = lines
        .into_iter()
        .filter(|line| left.contains(line))
        .collect();
    assert_eq!(found, [""; 0]);
}

/// How many words and signs in a row are an answer: two or three lines, or as much of code that
/// differs in its names.
const GIVEN_AWAY: [(usize, Names); 2] = [(25, Names::Count), (35, Names::MayDiffer)];

/// The same where a student has solved the stage before: it may be like the next one.
const GIVEN_AWAY_BY_ANOTHER_STAGE: (usize, Names) = (60, Names::MayDiffer);

/// Regions that have a run in common with one of these texts, and the run.
fn given_away<'a>(
    (len, names): (usize, Names),
    texts: impl Iterator<Item = &'a str>,
    regions: &[Region],
) -> Vec<String> {
    let mut runs = Runs::of(len, names);
    texts.for_each(|text| runs.add(text));
    let found = |region: &Region| {
        let run = runs.first_in(&region.lines.join("\n"))?;
        Some(format!("{}: {run}", region.name))
    };
    regions.iter().filter_map(found).collect()
}

/// Also where the same code is there twice, and only one of the two is cut.
#[test]
fn no_region_stands_in_another_place() {
    let starter = Starter::of(&checkout(), &STAGES[0]).unwrap();
    for limit in GIVEN_AWAY {
        let texts = texts(&starter).map(|(_, text)| text);
        assert_eq!(given_away(limit, texts, &starter.cut), [""; 0], "{limit:?}");
    }
}

#[test]
fn no_stage_is_the_solution_of_a_later_one() {
    let all = Starter::of(&checkout(), &STAGES[0]).unwrap().cut;
    for upto in STAGES {
        let cut = Starter::of(&checkout(), upto).unwrap().cut;
        let solved = all.iter().filter(|region| !cut.contains(region));
        let solved: Vec<String> = solved.map(|region| region.lines.join("\n")).collect();
        let texts = solved.iter().map(String::as_str);
        let found = given_away(GIVEN_AWAY_BY_ANOTHER_STAGE, texts, &cut);
        assert_eq!(found, [""; 0], "{}", upto.name);
    }
}

/// As it comes from an archive, with what has been built since.
#[test]
fn a_checkout_without_git_gives_the_same_starter() {
    let checkout = checkout();
    let listed = command("git")
        .current_dir(&checkout)
        .args(["ls-files", "-z"])
        .output()
        .unwrap()
        .stdout;
    let copy = tempfile::tempdir().unwrap();
    let listed = String::from_utf8(listed).unwrap();
    let built = [
        "build/target/debug/lab",
        "lab/tests/snapshots/a.snap.new",
        "target/debug/lab",
    ];
    let at = |path: &str| {
        let to = copy.path().join(path);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        to
    };
    for path in listed.split_terminator('\0') {
        fs::copy(checkout.join(path), at(path)).unwrap();
    }
    for path in built {
        fs::write(at(path), "built").unwrap();
    }
    let files = |checkout: &Path| -> BTreeMap<PathBuf, Vec<u8>> {
        let starter = Starter::of(checkout, &STAGES[0]).unwrap();
        let files = starter.files.into_iter();
        files.map(|file| (file.path, file.contents)).collect()
    };
    let (with_git, without) = (files(&checkout), files(copy.path()));
    let paths = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(paths(&without), paths(&with_git));
    assert!(without == with_git);
}

/// The regions of each stage.
pub(crate) fn by_stage() -> BTreeMap<&'static str, Vec<Region>> {
    let mut behind: BTreeMap<_, _> = STAGES
        .iter()
        .map(|stage| (stage.name, Starter::of(&checkout(), stage).unwrap().cut))
        .collect();
    for pair in STAGES.windows(2) {
        let next = behind[pair[1].name].clone();
        let own = behind.get_mut(pair[0].name).unwrap();
        own.retain(|region| !next.contains(region));
    }
    behind
}

#[test]
fn each_task_names_clauses_that_there_are() {
    let text = fs::read_to_string(checkout().join("lab/clauses.toml")).unwrap();
    let index: BTreeMap<String, BTreeMap<String, String>> = toml::from_str(&text).unwrap();
    for (stage, regions) in by_stage() {
        for Region { name, task, .. } in regions {
            let (_, named) = clauses::split(&task);
            assert!(!named.is_empty(), "{name} names no clause: {task}");
            for clause in named {
                assert!(
                    index[stage].contains_key(&clause),
                    "{name}: {stage}/{clause}"
                );
            }
        }
    }
}

/// Its README is for students, and it has no page for others. No link is broken by this.
#[test]
fn its_pages_are_those_for_students() {
    let starter = Starter::of(&checkout(), &STAGES[0]).unwrap();
    let parent = tempfile::tempdir().unwrap();
    let tree = parent.path().join("starter");
    starter.write(&tree).unwrap();
    let readme = fs::read_to_string(tree.join("README.md")).unwrap();
    let of_starters = fs::read_to_string(checkout().join(OF_STARTERS)).unwrap();
    assert_eq!(readme, of_starters);
    assert!(tree.join(".vscode/extensions.json").exists());
    for other in ["lab/starter", "ARCHITECTURE.md", "CONTRIBUTING.md"] {
        assert!(!tree.join(other).exists(), "{other}");
    }
    let pages = pages(&tree);
    assert!(pages.len() > 10, "{} pages", pages.len());
    assert_eq!(broken_links(&tree, &pages), [""; 0]);
}

#[test]
fn modules_compile_without_a_warning() {
    let directory = written("modules");
    let kernel = &workshop().unwrap().kernel;
    let paths = Paths {
        build: directory.join("build"),
        checkout: directory,
        ..Paths::find().unwrap()
    };
    for module in STAGES
        .iter()
        .flat_map(|stage| stage.steps)
        .flat_map(|step| step.modules)
    {
        let source = paths.checkout.join("kernel").join(module);
        modules::build(&paths, kernel, &source, Strictness::Clean)
            .unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn all_crates_and_their_tests_compile_without_a_warning() {
    let directory = written("crates");
    let output = command(env!("CARGO"))
        .current_dir(&directory)
        .args([
            "check",
            "--quiet",
            "--locked",
            "--workspace",
            "--all-targets",
        ])
        .env("CARGO_TARGET_DIR", checkout().join("build/target"))
        .env_remove("RUSTFLAGS")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(said, "");
}
