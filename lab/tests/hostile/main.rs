// SPDX-License-Identifier: MIT OR Apache-2.0
//! Hostile submissions: each is graded by the program `lab-grade`, as a user would do it. None gains
//! a point, reaches a file outside its own folders, outlives its limits or ends without a report.
//!
//! A drawn part of the rows is carried out: `SEED=n` draws again, `ONLY=text` takes the rows whose
//! names contain it. `make hostile` carries out all (`ROWS=all`). Starters leave this folder out.

#![expect(clippy::unwrap_used, reason = "a test fails where it panics")]

mod archives;
mod base;
mod canaries;
mod compilers;
mod crates;
mod floods;
mod graded;
mod hidden;
mod imitations;
mod judged;
mod names;
#[path = "../grading/program.rs"]
mod program;
mod programs;
mod row;
mod stops;
mod watch;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
    thread,
};

use lab_base::paths::digest;

use row::{Expect, Row};

/// Rows that are drawn when not all are carried out, without their honest twins.
const DRAWN: usize = 4;

/// Rows that are carried out at a time. Each has machines for all processors.
const AT_A_TIME: usize = 2;

fn rows() -> Vec<Row> {
    [
        names::rows(),
        archives::rows(),
        compilers::rows(),
        crates::rows(),
        hidden::rows(),
        stops::rows(),
        floods::rows(),
        imitations::rows(),
        programs::rows(),
    ]
    .concat()
}

/// The honest twins of rows: the same sources without the attack. They pass the same checks.
fn twins(rows: &[Row]) -> Vec<Row> {
    let pairs: BTreeSet<_> = rows
        .iter()
        .filter(|row| matches!(row.expect, Expect::NoPoint | Expect::Noticed))
        .map(|row| (row.base, row.checks))
        .collect();
    pairs
        .into_iter()
        .map(|(base, checks)| Row::honest(base, checks))
        .collect()
}

/// The rows of this run, and how to have the same again.
fn chosen() -> (Vec<Row>, String) {
    let variable = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
    let mut all = rows();
    // The lab's own kernels have no kprobes, so these attacks do nothing there.
    if variable("KERNEL").is_some_and(|kernel| kernel != "stock") {
        all.retain(|row| !row.says.contains(&"register_kprobe"));
    }
    if let Some(only) = variable("ONLY") {
        let is_meant = |row: &Row| row.name.contains(&only);
        return (all.into_iter().filter(is_meant).collect(), String::new());
    }
    if variable("ROWS").as_deref() == Some("all") {
        return (all, String::new());
    }
    let seed = variable("SEED").unwrap_or_else(fresh_seed);
    let mut quick: Vec<Row> = all.into_iter().filter(|row| !row.takes_long).collect();
    quick.sort_by_key(|row| digest([seed.as_bytes(), row.name.as_bytes()]));
    quick.truncate(DRAWN);
    (quick, format!("drawn with SEED={seed}\n"))
}

fn fresh_seed() -> String {
    lab_base::random::draw_key().unwrap()[..8].to_owned()
}

#[test]
fn no_hostile_submission_gains_anything() {
    let (rows, drawn) = chosen();
    assert!(!rows.is_empty(), "no row has this name");
    let mut waiting = twins(&rows);
    waiting.extend(rows);
    waiting.reverse();
    let waiting = Mutex::new(waiting);
    let wrong = Mutex::new(BTreeMap::new());
    let largest = Mutex::new(0);
    let work = || {
        loop {
            let Some(row) = waiting.lock().unwrap().pop() else {
                return;
            };
            let graded = graded::grade(&row);
            let found = judged::complaints(&row, &graded);
            let peak = graded.watched.peak_kib >> 10;
            let word = if found.is_empty() {
                "held"
            } else {
                "DID NOT HOLD"
            };
            println!("{word:12} {} ({peak} MiB): {}", row.name, graded.summary());
            for line in &found {
                println!("    {line}");
            }
            let mut largest = largest.lock().unwrap();
            *largest = peak.max(*largest);
            if !found.is_empty() {
                wrong.lock().unwrap().insert(row.name, found.join("\n"));
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(work);
        }
    });
    println!("largest lab-grade: {} MiB", largest.into_inner().unwrap());
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{drawn}{wrong:#?}");
}

#[test]
fn rows_are_many_and_of_every_stage() {
    let rows = rows();
    let names: BTreeSet<_> = rows.iter().map(|row| row.name.clone()).collect();
    assert_eq!(names.len(), rows.len(), "two rows have the same name");
    assert!(rows.len() >= 40, "{} rows", rows.len());
    for stage in ["part1", "part2", "part3", "message-slot"] {
        let is_it = |row: &&Row| row.base.stage() == stage;
        assert!(rows.iter().filter(is_it).count() >= 3, "{stage}");
    }
}

#[test]
fn every_attack_changes_what_it_means_to_change() {
    for row in rows().iter().chain(&twins(&rows())) {
        // It panics where a text is not there exactly once.
        let files = row.files();
        let honest = row.base.files();
        assert_eq!(
            files == honest && row.prepare.is_none() && row.pack.is_none(),
            row.is_honest(),
            "{}",
            row.name
        );
    }
}
