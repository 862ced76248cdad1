// SPDX-License-Identifier: MIT OR Apache-2.0
//! Colours of what people see.

use anstyle::{AnsiColor, Style};

/// Style of the status words.
pub fn styled(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// In bold.
pub fn bold(text: impl std::fmt::Display) -> String {
    styled(Style::new().bold(), text)
}

/// As what went wrong is shown.
pub fn red(text: impl std::fmt::Display) -> String {
    styled(AnsiColor::Red.on_default().bold(), text)
}

/// As what went well is shown.
pub fn green(text: impl std::fmt::Display) -> String {
    styled(AnsiColor::Green.on_default().bold(), text)
}
