// SPDX-License-Identifier: MIT OR Apache-2.0
//! How `lab grade` ends without a verdict.

use std::process::ExitCode;

use anstream::eprintln;
use lab_cli::red;
use lab_grade::safe_text::SafeText;

/// Exit status of wrong usage, and of a submission that cannot be read.
pub(crate) const UNREADABLE: u8 = 2;

/// Exit status of trouble of our own.
pub(crate) const BROKEN: u8 = 3;

/// Say why nothing is graded.
pub(crate) fn refuse(why: &str) -> ExitCode {
    eprintln!("{} {}", red("lab grade:"), SafeText::from(why));
    ExitCode::from(UNREADABLE)
}
