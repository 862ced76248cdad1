// SPDX-License-Identifier: MIT OR Apache-2.0
//! The rubric of the lab fits its scenarios, and what is wrong in a file is told with its line.

use std::{collections::HashSet, path::Path};

use super::*;

/// The rubric of the lab with `old`, which is in it once, replaced.
fn assembled_with(old: &str, new: &str) -> Result<Rubric> {
    assert_eq!(TEXT.matches(old).count(), 1, "{old}");
    assembled(&TEXT.replace(old, new))
}

fn assembled(text: &str) -> Result<Rubric> {
    let file = Path::new("rubric.toml");
    assemble(&Source { file, text })
}

/// The rubric of the lab with an instructor's changes.
fn changed(text: &str) -> Result<Rubric> {
    let file = Path::new("mine.toml");
    instructor::apply(&Source { file, text }, Rubric::builtin()?)
}

fn why<T>(result: Result<T>) -> String {
    result.err().unwrap().to_string()
}

fn check<'a>(rubric: &'a Rubric, id: &str) -> Option<&'a Check> {
    rubric.checks().find(|check| check.id == id)
}

#[test]
fn every_check_is_in_it_once_and_each_stage_is_worth_100() {
    let rubric = Rubric::builtin().unwrap();
    let all: HashSet<&str> = STAGES.iter().flat_map(scenarios).map(|it| it.id).collect();
    let ids: Vec<&str> = rubric.checks().map(|check| check.id.as_str()).collect();
    let graded: HashSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), graded.len());
    let ungraded: Vec<&str> = all.difference(&graded).copied().collect();
    for id in &ungraded {
        let (_, name) = id.split_once('/').unwrap();
        assert!(TEXT.contains(&format!("{name:?}")), "{id}");
    }
    assert_eq!(ids.len() + ungraded.len(), all.len());
    assert!(!ids.iter().any(|id| id.ends_with("demonstration")));
    for stage in &rubric.stages {
        let total: u32 = stage.checks.iter().map(|check| check.points).sum();
        assert_eq!(total, 100, "{}", stage.name);
    }
}

#[test]
fn parents_come_before_their_children() {
    let rubric = Rubric::builtin().unwrap();
    let mut seen = HashSet::new();
    let mut parents = 0;
    for check in rubric.checks() {
        if let Some(parent) = &check.parent {
            parents += 1;
            assert!(seen.contains(parent), "{} before {parent}", check.id);
        }
        seen.insert(check.id.clone());
    }
    assert!(parents > 0);
}

#[test]
fn hints_are_sentences_of_their_own() {
    for check in Rubric::builtin().unwrap().checks() {
        let different: HashSet<&String> = check.hints.iter().collect();
        assert_eq!(different.len(), 3, "{}", check.id);
        for hint in &check.hints {
            assert!(hint.ends_with('.') && hint.len() > 20, "{hint}");
        }
    }
}

#[test]
fn a_check_has_its_own_hints_or_those_of_its_clause() {
    let rubric = Rubric::builtin().unwrap();
    let hint = |id| check(&rubric, id).unwrap().hints[0].clone();
    assert_eq!(
        hint("part2/N2-reply-address"),
        hint("part3/N2-reply-address")
    );
    assert_ne!(hint("part3/L3-order"), hint("part3/L3-acknowledged"));
}

#[test]
fn a_check_that_is_missing_is_named() {
    let row = "    { id = \"W4-unreadable\", points = 2 },\n";
    let why = why(assembled_with(row, ""));
    assert!(
        why.ends_with("these checks are missing: message-slot/W4-unreadable"),
        "{why}"
    );
    assert!(why.starts_with("rubric.toml, line "), "{why}");
}

#[test]
fn a_wrong_symptom_is_told_with_its_line() {
    for (old, new, expected) in [
        (
            "checks = [\"T9\"]\nhints = [\n    \"In one",
            "checks = [\"T99\"]\nhints = [\n    \"In one",
            "there is no check T99",
        ),
        (
            "start = [\"R1-exact\"",
            "start = [\"R1-nothing\"",
            "there is no check R1-nothing",
        ),
        (
            "says = \"got: a deadlock: \"",
            "says = \"got: (\"",
            "unclosed group",
        ),
    ] {
        let why = why(assembled_with(old, new));
        assert!(why.contains(expected), "{why}");
        assert!(why.starts_with("rubric.toml, line "), "{why}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let row = "{ id = \"T1-threads\", points = 6 }";
    let line = 1 + TEXT[..TEXT.find(row).unwrap()].matches('\n').count();
    for (new, expected) in [
        (
            "{ id = \"T1-thread\", points = 6 }",
            "there is no check part1/T1-thread",
        ),
        (
            "{ id = \"T1-waiting\", points = 6 }",
            "part1/T1-waiting is here twice",
        ),
        (
            "{ id = \"T1-demonstration\", points = 6 }",
            "there is no check part1/T1-demonstration",
        ),
        (
            "{ id = \"T1-threads\", points = 0 }",
            "expected 1 to 1000 points, found 0",
        ),
        ("{ id = \"T1-threads\", points = -1 }", "expected u32"),
        (
            "{ id = \"T1-threads\", point = 15 }",
            "unknown field `point`",
        ),
        ("{ id = \"T1-threads\" }", "missing field `points`"),
        (
            "{ id = \"T1-threads\", points = 6, parent = \"T3-many\" }",
            "there is no check part1/T3-many above this one",
        ),
        (
            "{ id = \"T1-threads\", points = 6, parent = \"T1-threads\" }",
            "there is no check part1/T1-threads above this one",
        ),
    ] {
        // The second of two is the one that is told.
        let at = if new.contains("T1-waiting\", points") {
            line + 1
        } else {
            line
        };
        let why = why(assembled_with(row, new));
        assert!(
            why.starts_with(&format!("rubric.toml, line {at}: ")),
            "{why}"
        );
        assert!(why.contains(expected), "{why}");
    }
}

#[test]
fn totals_stages_and_hints_are_verified() {
    for (old, new, expected) in [
        (
            "id = \"T1-threads\", points = 6",
            "id = \"T1-threads\", points = 7",
            "expected 100 points in part1, found 101",
        ),
        (
            "[stage.part1.hints]\nT1 =",
            "[stage.part1.hints]\nT0 =",
            "there are no hints for part1/T1-threads",
        ),
        (
            "[hints]\nN1 =",
            "[hints]\nX1 = [\"\", \"\", \"\"]\nN1 =",
            "no check has the hints of X1",
        ),
        (
            "[hints]\nN1 =",
            "[hints]\nX1 = [\"\", \"\"]\nN1 =",
            "expected an array of length 3",
        ),
        (
            "[hints]\nN1 =",
            "[stage.part4]\nchecks = []\n\n[hints]\nN1 =",
            "there is no stage part4",
        ),
        (
            "crash_deduction = 5",
            "crash_deduction = 0",
            "expected 1 to 1000 points, found 0",
        ),
    ] {
        let why = why(assembled_with(old, new));
        assert!(why.contains(expected), "{why}");
    }
    let why = why(assembled("crash_deduction = 5\n[stage]\n"));
    assert_eq!(
        why,
        "rubric.toml, line 1: expected [stage.part1], found none"
    );
}

#[test]
fn an_instructor_changes_points_and_switches_checks_off() {
    let rubric = changed(
        "off = [\"message-slot/I1-chosen\", \"message-slot/W5-intact\"]\n\
         [points]\n\"message-slot/R1-exact\" = 40\n",
    )
    .unwrap();
    assert_eq!(check(&rubric, "message-slot/R1-exact").unwrap().points, 40);
    assert!(check(&rubric, "message-slot/I1-chosen").is_none());
    // Nothing waits for what is not carried out.
    for child in ["message-slot/W5-fuzz", "message-slot/R1-exact"] {
        assert_eq!(check(&rubric, child).unwrap().parent, None);
    }
    assert_eq!(
        rubric.checks().count(),
        Rubric::builtin().unwrap().checks().count() - 2
    );
}

#[test]
fn a_child_of_what_is_off_waits_for_nobody() {
    let rubric = changed("off = [\"message-slot/W5-intact\"]").unwrap();
    let parent = check(&rubric, "message-slot/W5-fuzz")
        .unwrap()
        .parent
        .as_deref();
    assert_eq!(parent, None);
}

#[test]
fn a_stage_without_checks_is_left_out() {
    let all = Rubric::builtin().unwrap();
    let quoted = |checks: &[Check]| -> Vec<String> {
        let ids = checks.iter().map(|check| &check.id);
        ids.map(|id| format!("{id:?}")).collect()
    };
    let ids = quoted(&all.stages[0].checks);
    let rubric = changed(&format!("off = [{}]", ids.join(", "))).unwrap();
    assert_eq!(rubric.stages.len(), STAGES.len() - 1);
    let ids: Vec<String> = (all.stages.iter())
        .flat_map(|stage| quoted(&stage.checks))
        .collect();
    let why = why(changed(&format!("off = [{}]", ids.join(", "))));
    assert!(why.contains("expected a check that is left"), "{why}");
}

#[test]
fn a_hidden_check_is_a_scenario_with_a_seed_of_its_own() {
    let rubric = changed(
        "off = [\"message-slot/W5-fuzz\"]\n\
         [[hidden]]\nid = \"message-slot/hidden-1\"\nscenario = \"message-slot/W5-fuzz\"\n\
         seed = 4711\npoints = 7\n",
    )
    .unwrap();
    let check = check(&rubric, "message-slot/hidden-1").unwrap();
    assert_eq!(check.scenario.id, "message-slot/W5-fuzz");
    assert_eq!(
        (check.seed, check.points, check.hidden()),
        (Some(4711), 7, true)
    );
    assert_eq!(check.parent.as_deref(), Some("message-slot/W5-intact"));
    assert_eq!(rubric.checks().filter(|check| check.hidden()).count(), 1);
}

#[test]
fn what_is_wrong_in_an_instructors_file_is_told_with_its_line() {
    let hidden = |id: &str, scenario: &str, rest: &str| {
        format!("\n[[hidden]]\nid = \"{id}\"\nscenario = \"{scenario}\"\n{rest}")
    };
    let good = "seed = 1\npoints = 1\n";
    let fuzz = "message-slot/W5-fuzz";
    for (text, line, expected) in [
        (
            "off = [\n\"part1/T9\"]".to_owned(),
            2,
            "there is no check part1/T9",
        ),
        (
            "off = [\"part1/T1-demonstration\"]".to_owned(),
            1,
            "there is no check",
        ),
        (
            "of = []".to_owned(),
            1,
            "unknown field `of`, expected one of `off`, `points`, `hidden`",
        ),
        (
            "off = \"part1/T1-threads\"".to_owned(),
            1,
            "expected a sequence",
        ),
        (
            "\n[points]\n\"part1/T1\" = 3".to_owned(),
            3,
            "there is no check part1/T1",
        ),
        (
            "[points]\n\"part1/T1-threads\" = 1001".to_owned(),
            2,
            "expected 1 to 1000 points, found 1001",
        ),
        (
            "[points]\n\"part1/T1-threads\" = \"5\"".to_owned(),
            2,
            "expected u32",
        ),
        ("off = [".to_owned(), 1, "unclosed array"),
        (
            hidden(fuzz, fuzz, good),
            3,
            "there is a check message-slot/W5-fuzz already",
        ),
        (
            hidden("message-slot/h1", "message-slot/W6", good),
            4,
            "there is no check message-slot/W6",
        ),
        (
            hidden("part1/h1", fuzz, good),
            3,
            "expected an id message-slot/NAME",
        ),
        (
            hidden("message-slot/", fuzz, good),
            3,
            "expected an id message-slot/NAME",
        ),
        (
            hidden("message-slot/a b", fuzz, good),
            3,
            "expected an id message-slot/NAME",
        ),
        (
            hidden("message-slot/a#b", fuzz, good),
            3,
            "expected an id message-slot/NAME",
        ),
        (
            hidden("message-slot/h1", fuzz, "points = 1\n"),
            2,
            "missing field `seed`",
        ),
        (
            hidden("message-slot/h1", fuzz, "seed = -1\npoints = 1\n"),
            5,
            "expected u64",
        ),
    ] {
        let why = why(changed(&text));
        assert!(
            why.starts_with(&format!("mine.toml, line {line}: ")),
            "{text}\n{why}"
        );
        assert!(why.contains(expected), "{why}");
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("mine.toml");
    let expected = format!(
        "reading {}: No such file or directory (os error 2)",
        file.display()
    );
    assert_eq!(why(Rubric::with(&file)), expected);
}
