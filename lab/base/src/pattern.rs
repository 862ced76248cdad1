// SPDX-License-Identifier: MIT OR Apache-2.0
//! Regular expressions that are constants of the lab.

use regex::Regex;

/// Compile a pattern of the lab. The tests use every pattern, so they find an invalid one.
///
/// # Panics
/// If the pattern is invalid.
pub fn pattern(text: &str) -> Regex {
    #[expect(clippy::expect_used, reason = "a constant that the tests use")]
    Regex::new(text).expect("a valid pattern")
}
