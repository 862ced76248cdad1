// SPDX-License-Identifier: MIT OR Apache-2.0
//! The page for teachers.

use std::fs;

use lab_grade::rubric::{Check, Rubric};

use crate::starter::checkout;

#[test]
fn the_rubric_in_the_page_for_teachers_is_a_good_one() {
    let page = fs::read_to_string(checkout().join("lab/docs/teaching.md")).unwrap();
    let (_, example) = page.split_once("```toml\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("mine.toml");
    fs::write(&file, example).unwrap();
    let rubric = Rubric::with(&file).unwrap();
    assert!(rubric.checks().any(Check::hidden), "{example}");
}
