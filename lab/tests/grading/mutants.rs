// SPDX-License-Identifier: MIT OR Apache-2.0
//! The mutants are variants of the code as it is: each can be applied, and names checks that exist.

use std::path::Path;

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
