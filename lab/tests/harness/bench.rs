// SPDX-License-Identifier: MIT OR Apache-2.0
//! `make bench` measures everything that it compares in a machine. This test does not judge times.

use lab_measure::{
    measure::{Effort, in_machine},
    plot,
};
use lab_scene::test_machines::workshop;

#[test]
fn everything_is_measured_and_compared() {
    let workshop = workshop().unwrap_or_else(|error| panic!("{error}"));
    let mut machine = workshop.machine().unwrap_or_else(|error| panic!("{error}"));
    let samples =
        in_machine(workshop, &mut machine, Effort::Quick).unwrap_or_else(|error| panic!("{error}"));
    let rows = lab_measure::rows(&samples).unwrap_or_else(|error| panic!("{error}"));
    let shown: String = rows
        .iter()
        .map(|row| {
            assert!(row.ratio > 0.0, "{row:?}");
            format!("{}\n", plot::label(row))
        })
        .collect();
    insta::assert_snapshot!(shown);
}
