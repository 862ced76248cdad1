// SPDX-License-Identifier: MIT OR Apache-2.0
//! The mutants are variants of the code as it is: each can be applied, and names checks that exist.

use std::{fs, path::Path};

use lab::{fuzz, stages};
use serde::Deserialize;

#[derive(Deserialize)]
struct Mutants {
    mutant: Vec<Mutant>,
}

#[derive(Deserialize)]
struct Mutant {
    name: String,
    /// Relative to the checkout.
    file: String,
    caught_by: Vec<String>,
    /// What is there, once, and what is put in its place; in this order.
    replace: Vec<(String, String)>,
}

#[test]
fn each_mutant_can_be_applied_and_names_its_checks() {
    let lab = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(lab.join("mutants/mutants.toml")).unwrap();
    let Mutants { mutant: mutants } = toml::from_str(&text).unwrap();
    assert!(!mutants.is_empty());
    let mut wrong = Vec::new();
    for mutant in &mutants {
        let name = &mutant.name;
        let mut code = fs::read_to_string(lab.join("..").join(&mutant.file)).unwrap();
        for (old, new) in &mutant.replace {
            match code.matches(old.as_str()).count() {
                1 => code = code.replace(old.as_str(), new),
                count => wrong.push(format!("{name}: {old:?} is there {count} times")),
            }
        }
        for id in &mutant.caught_by {
            if stages::find(id).is_none() && fuzz::target(id).is_none() {
                wrong.push(format!("{name}: there is no check {id}"));
            }
        }
        if mutant.caught_by.is_empty() {
            wrong.push(format!("{name}: nobody is to catch it"));
        }
    }
    assert_eq!(wrong, [""; 0]);
}
