// SPDX-License-Identifier: MIT OR Apache-2.0
//! Colours of the output.

use anstyle::{AnsiColor, Style};

/// Style of the status words.
pub fn styled(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// In bold.
pub fn bold(text: impl std::fmt::Display) -> String {
    styled(Style::new().bold(), text)
}

/// Style of failures.
pub fn red(text: impl std::fmt::Display) -> String {
    styled(AnsiColor::Red.on_default().bold(), text)
}

/// Style of successes.
pub fn green(text: impl std::fmt::Display) -> String {
    styled(AnsiColor::Green.on_default().bold(), text)
}
