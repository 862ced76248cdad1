// SPDX-License-Identifier: MIT OR Apache-2.0
//! Colours of the output.

use anstyle::{AnsiColor, Style};

/// Style of failures.
pub const RED: Style = AnsiColor::Red.on_default().bold();

/// Style of successes.
pub const GREEN: Style = AnsiColor::Green.on_default().bold();

/// A text in a style.
pub fn styled(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// In bold.
pub fn bold(text: impl std::fmt::Display) -> String {
    styled(Style::new().bold(), text)
}

/// As a failure.
pub fn red(text: impl std::fmt::Display) -> String {
    styled(RED, text)
}

/// As a success.
pub fn green(text: impl std::fmt::Display) -> String {
    styled(GREEN, text)
}
