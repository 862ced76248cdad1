// SPDX-License-Identifier: MIT OR Apache-2.0
//! In random operations, the model of a module allows all of its answers.

use std::sync::atomic::Ordering;

use lab_fuzz::{Tally, target};
use lab_scene::test_machines::{SEED, workshop};

/// Number of operations of each module.
const OPERATIONS: u64 = 20_000;

fn compare(module: &str) {
    let workshop = workshop().unwrap_or_else(|error| panic!("{error}"));
    let target = target(module).unwrap_or_else(|| panic!("{module} has no model"));
    let done = |tally: &Tally| tally.operations.load(Ordering::Relaxed);
    let tally = Tally::default();
    let found = target
        .compare(workshop, SEED, &tally, &mut |tally| {
            done(tally) >= OPERATIONS
        })
        .unwrap_or_else(|error| panic!("{error}"));
    if let Some(found) = found {
        panic!("{module} and its model differ, seed {SEED}, {tally}\n{found}");
    }
    assert!(done(&tally) >= OPERATIONS, "{tally}");
    println!("{module}: {tally}");
}

#[test]
fn message_slot_answers_as_its_model() {
    compare("message_slot");
}

#[test]
fn nl_router_answers_as_its_model() {
    compare("nl_router");
}
