// SPDX-License-Identifier: MIT OR Apache-2.0
//! Regular expressions that are constants of the lab.

use regex::Regex;

/// A pattern of ours; the tests match every one, so a bad one cannot stay.
///
/// # Panics
/// If it is no valid pattern.
pub fn pattern(text: &str) -> Regex {
    #[expect(clippy::expect_used, reason = "a constant that the tests use")]
    Regex::new(text).expect("a valid pattern")
}
