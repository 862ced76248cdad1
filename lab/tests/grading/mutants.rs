// SPDX-License-Identifier: MIT OR Apache-2.0
//! The mutants are variants of the code as it is: each can be applied, and names checks that exist.

use std::{collections::BTreeMap, fmt::Write, path::Path};

use lab_course::mutants;
use lab_grade::rubric::Rubric;

#[test]
fn each_mutant_can_be_applied_and_names_its_checks() {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let all = mutants::all(&checkout).unwrap();
    assert!(!all.is_empty());
    let mut wrong = Vec::new();
    for mutant in &all {
        if let Err(error) = mutant.apply(&checkout) {
            wrong.push(error.to_string());
        }
        for id in &mutant.caught_by {
            if lab_stages::find(id).is_none() && lab_fuzz::target(id).is_none() {
                wrong.push(format!("{}: there is no check {id}", mutant.name));
            }
        }
        for clause in mutant.also.iter().flat_map(|also| &also.clauses) {
            let check = format!("{clause}-");
            if !lab_stages::all().any(|scenario| scenario.id.starts_with(&check)) {
                wrong.push(format!("{}: there is no clause {clause}", mutant.name));
            }
        }
        if mutant.caught_by.is_empty() {
            wrong.push(format!("{}: nobody is to catch it", mutant.name));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn each_check_that_is_graded_is_one_that_a_mutant_names() {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let all = mutants::all(&checkout).unwrap();
    let rubric = Rubric::builtin().unwrap();
    let never: Vec<_> = rubric
        .checks()
        .map(|check| &check.id[..])
        .filter(|id| {
            !all.iter()
                .any(|mutant| mutant.caught_by.iter().any(|by| by == id))
        })
        .collect();
    assert_eq!(never, [""; 0]);
}

/// The list clause x kind: the checks that see a fault of this kind in this clause, and by how many
/// mutants. A clause without a kind is a place to look for a missing check.
#[test]
fn faults() {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut list: BTreeMap<_, BTreeMap<_, usize>> = BTreeMap::new();
    for mutant in mutants::all(&checkout).unwrap() {
        for id in &mutant.caught_by {
            let Some((stage, check)) = id.split_once('/').filter(|(stage, _)| *stage != "fuzz")
            else {
                continue;
            };
            let clause = check.split('-').next().unwrap_or(check);
            let (letter, number) = clause.split_at(1);
            let clause = (
                stage.to_owned(),
                letter.to_owned(),
                number.parse::<u32>().unwrap(),
            );
            let checks = list.entry((clause, mutant.kind)).or_default();
            *checks.entry(check.to_owned()).or_default() += 1;
        }
    }
    let mut text = String::new();
    for (((stage, letter, number), kind), checks) in &list {
        let kind = format!("{kind:?}").to_lowercase();
        let checks: Vec<_> = checks
            .iter()
            .map(|(check, count)| format!("{check} ({count})"))
            .collect();
        writeln!(
            text,
            "{:<17} {kind:<9} {}",
            format!("{stage}/{letter}{number}"),
            checks.join(" ")
        )
        .unwrap();
    }
    insta::assert_snapshot!(text);
}
