// SPDX-License-Identifier: MIT OR Apache-2.0
//! The walkthroughs for a student who has a starter only: the order of the tasks is complete, and
//! no page names code that only a solution has.

use std::collections::{BTreeMap, BTreeSet};

use lab_base::catalogue::ROWS;
use lab_course::{
    order::order,
    starter::{Region, Starter},
};
use lab_stages::{STAGES, walkthrough};

use crate::starter::{by_stage, checkout, texts};

#[test]
fn each_task_stands_once_in_the_order_of_its_stage() {
    let regions = by_stage();
    for stage in STAGES {
        let listed = order(&checkout(), stage).unwrap();
        let listed: BTreeSet<_> = listed.iter().map(|task| task.name.as_str()).collect();
        let cut: BTreeSet<_> = regions[stage.name]
            .iter()
            .map(|region| region.name.as_str())
            .collect();
        assert_eq!(listed, cut, "{}", stage.name);
    }
}

/// The names in a text: words that a program could use as such.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let of_name = |c: char| c.is_alphanumeric() || c == '_';
    text.split(move |c| !of_name(c))
        .filter(|word| word.starts_with(|c: char| c.is_alphabetic() || c == '_'))
}

/// The names that only a region has: those that it defines, and in a module also all that carry its
/// prefix, as every name of a module does. Other names of the kernel and of libraries are no part
/// of a solution.
fn of_solutions(regions: &[Region], starter: &BTreeSet<&str>) -> BTreeSet<String> {
    const DEFINE: [&str; 9] = [
        "fn", "struct", "enum", "trait", "type", "const", "static", "let", "mut",
    ];
    let mut found = BTreeSet::new();
    for region in regions {
        let text = region.lines.join("\n");
        let in_rust = region.file.extension().is_some_and(|it| it == "rs");
        let prefix = region.name.split('-').next().unwrap_or_default();
        let mut before = "";
        for name in names(&text) {
            let own = if in_rust {
                DEFINE.contains(&before) && !DEFINE.contains(&name)
            } else {
                name.to_lowercase().starts_with(&format!("{prefix}_"))
            };
            if own && !starter.contains(name) {
                found.insert(name.to_owned());
            }
            before = name;
        }
    }
    found
}

/// The code spans of a page, with their lines. Fenced blocks are output.
fn code_spans(page: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (number, line) in (1..).zip(page.lines()) {
        fenced ^= line.starts_with("```");
        if !fenced {
            let spans = line.split('`').skip(1).step_by(2);
            found.extend(spans.map(|span| (number, span)));
        }
    }
    found
}

/// The lines of a page that name one of these.
fn named_in(page: &str, hidden: &BTreeSet<String>) -> Vec<String> {
    let mut found = Vec::new();
    for (line, span) in code_spans(page) {
        let known = names(span).filter(|name| hidden.contains(*name));
        found.extend(known.map(|name| format!("line {line}: {name}")));
    }
    found
}

#[test]
fn no_walkthrough_names_what_a_starter_does_not_have() {
    let starter = Starter::of(&checkout(), &STAGES[0]).unwrap();
    // Pages, hints and records would hide a name, and a student finds no code in them.
    let code = texts(&starter).filter(|(path, _)| {
        let of_students = ROWS.iter().map(|row| row.package);
        let mut folders = of_students.chain(["kernel", "protocol"]);
        folders.any(|folder| path.starts_with(folder))
    });
    let present: BTreeSet<&str> = code.flat_map(|(_, text)| names(text)).collect();
    let hidden = of_solutions(&starter.cut, &present);
    assert!(hidden.len() > 50, "{hidden:?}");
    let mut wrong = BTreeMap::new();
    for stage in STAGES {
        let page = walkthrough::read(&checkout(), stage.name).unwrap();
        let found = named_in(&page, &hidden);
        if !found.is_empty() {
            wrong.insert(stage.name, found);
        }
    }
    assert_eq!(wrong, BTreeMap::new());
}

#[test]
fn a_name_is_a_solutions_if_it_is_defined_in_a_region_only() {
    let region = |name: &str, file: &str, line: &str| Region {
        name: name.to_owned(),
        task: String::new(),
        file: file.into(),
        lines: vec![line.to_owned()],
        stub: String::new(),
    };
    let regions = [
        region(
            "slot-state",
            "kernel/a.c",
            "static int slot_a, SLOT_MAX = slot_b(kmalloc(slot_c));",
        ),
        region(
            "buffer-put",
            "b.rs",
            "fn put(a: u8) { let mut spare = pop(); struct Twice; }",
        ),
    ];
    let hidden = of_solutions(&regions, &BTreeSet::from(["slot_b", "put"]));
    let expected = ["SLOT_MAX", "Twice", "slot_a", "slot_c", "spare"];
    assert_eq!(hidden.iter().collect::<Vec<_>>(), expected);
    let page = "`slot_b()` and\n```\n`slot_a`\n```\nslot_a, `*slot_c++`, `pop()`\n";
    assert_eq!(named_in(page, &hidden), ["line 5: slot_c"]);
}
