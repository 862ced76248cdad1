// SPDX-License-Identifier: MIT OR Apache-2.0
//! Hints and shared causes for real failures. Each file in `failures/` is what grading wrote into
//! `build/progress.json` for a tree with one mistake, without the checks that passed.

use std::{collections::BTreeMap, fs, path::Path};

use lab_base::{environment::command, paths::Paths};
use lab_course::progress::{self, CheckResult, Progress};
use lab_grade::{
    rubric::{Check, Rubric},
    shared::FailedCheck,
};
use lab_scene::transcript::Status;

use crate::program::program;

fn recorded() -> BTreeMap<String, Progress> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/grading/failures");
    let files = fs::read_dir(folder).unwrap();
    files
        .map(|file| {
            let path = file.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (
                name,
                serde_json::from_slice(&fs::read(path).unwrap()).unwrap(),
            )
        })
        .collect()
}

/// The failures of a tree, in the order of the rubric.
fn failed<'a>(rubric: &'a Rubric, progress: &'a Progress) -> Vec<FailedCheck<'a>> {
    let failed = |check: &'a Check| {
        let result = progress.get(&check.id)?;
        let failure = result.failure.as_ref()?;
        (result.status != Status::Blocked).then_some(FailedCheck {
            id: &check.id,
            expected: &failure.expected,
            got: &failure.got,
        })
    };
    rubric.checks().filter_map(failed).collect()
}

#[test]
fn every_symptom_was_seen() {
    let rubric = Rubric::builtin().unwrap();
    let recorded = recorded();
    for symptom in rubric.symptoms.iter() {
        let has_it = |check: FailedCheck<'_>| {
            let found = rubric.symptoms.of(check.id, check.expected, check.got);
            found.is_some_and(|found| std::ptr::eq(found, symptom))
        };
        let mut all = recorded.values().flat_map(|one| failed(&rubric, one));
        assert!(all.any(has_it), "no recorded failure has {symptom:?}");
    }
}

#[test]
fn one_cause_is_told_as_one() {
    let rubric = Rubric::builtin().unwrap();
    let mut told = String::new();
    for (name, progress) in recorded() {
        let failed = failed(&rubric, &progress);
        told += &format!("{name}: {} checks fail\n", failed.len());
        for shared in rubric.symptoms.shared(&failed) {
            told += &format!("  {}\n", shared.in_words());
        }
    }
    insta::assert_snapshot!(told);
}

/// A directory for builds that belongs to this checkout, with these results in it.
fn graded(progress: &Progress) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let paths = Paths {
        build: directory.path().to_owned(),
        ..Paths::find().unwrap()
    };
    progress::record(&paths, progress).unwrap();
    directory
}

/// What `lab hint` prints.
fn hint(build: &tempfile::TempDir, check: &str) -> String {
    let mut hint = command(program());
    let output = hint
        .env("BUILD", build.path())
        .args(["hint", check])
        .output();
    let output = output.unwrap();
    String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
}

#[test]
fn hints_fit_the_failure() {
    let build = graded(&recorded()["read-returns-0"]);
    insta::assert_snapshot!(hint(&build, ""), @r"
    message-slot/R1-exact: the whole message, its exact length, and no byte after it
    When it was last graded: FAIL
        done:     buffers as long as the message, and longer (last: root reads 0 bytes: )
        expected: reads 1 byte: \xbb
        got:      reads 0 bytes: 
        24 checks fail in the same way (reads 0 bytes); start with message-slot/R1-exact.
    1 of 3: The read returned 0, and 0 means the end of the file. Look at the value that your read function returns.
    ");
    // It says nothing of the major number, which was not the reason.
    let other = hint(&build, "D1-minors");
    assert!(other.contains("got:      reads 0 bytes"), "{other}");
    assert!(
        other.contains("\n2 of 3: copy_to_user() returns "),
        "{other}"
    );
    assert!(!other.contains("register_chrdev"), "{other}");
    // The program is not blamed for the module.
    let program = hint(&build, "P1-reader");
    let module = "    It uses your own module, of which 24 checks fail, too. Start with message-slot/R1-exact.\n";
    assert!(program.contains(module), "{program}");
}

#[test]
fn the_hint_after_another_failure_is_the_first_one() {
    let mut progress = recorded()["read-returns-0"].clone();
    let build = graded(&progress);
    assert!(hint(&build, "D1-minors").contains("\n1 of 3: The read returned 0"));
    let result = progress.get_mut("message-slot/D1-minors").unwrap();
    result.failure = Some(progress::FailureText::new("", "it jumps", "it falls"));
    let paths = Paths {
        build: build.path().to_owned(),
        ..Paths::find().unwrap()
    };
    progress::record(&paths, &progress).unwrap();
    assert!(hint(&build, "D1-minors").contains("\n1 of 3: Clause D1:"));
    assert!(hint(&build, "D1-minors").contains("\n2 of 3: "));
}

#[test]
fn checks_are_found_by_a_part_of_their_ids() {
    let build = graded(&Progress::new());
    assert!(hint(&build, "").starts_with("Grade first: make grade. "));
    assert!(hint(&build, "T9").starts_with("part1/T9-model: "));
    assert!(hint(&build, "nothing").contains("expected a check"));
    let list = hint(&build, "N4-");
    assert!(
        list.contains("\nstep greeting:\n  part2/N4-greeting-killed"),
        "{list}"
    );
    assert!(hint(&build, "part2").lines().count() <= 24);
    let result = CheckResult {
        status: Status::Pass,
        points: 1,
        max: 1,
        before: 0,
        when: 1,
        failure: None,
    };
    let build = graded(&Progress::from([("part2/H1-bytes".to_owned(), result)]));
    assert!(hint(&build, "").starts_with("No check of the last grading failed."));
    assert!(hint(&build, "H1-bytes").contains("It passed when it was last graded."));
}
