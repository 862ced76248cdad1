// SPDX-License-Identifier: MIT OR Apache-2.0
//! Text that a submission can influence: its name, the log of its module, the words of a compiler.
//! Pure.

use std::{fmt, ops::Deref};

use serde::Serialize;

/// Most bytes that are kept of one text.
const BYTES_MAX: usize = 16 * 1024;

/// Text that can be written into any report: it drives no terminal, and every format can hold it.
///
/// Of control characters only newlines and tabs are left; the others are escaped, and so is what
/// turns the direction of writing, separates lines without being a newline, or must not be in XML.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct SafeText(String);

impl SafeText {
    /// The same in one line.
    pub fn line(text: &str) -> Self {
        let SafeText(text) = Self::from(text);
        SafeText(text.trim_end().replace('\n', "\\n").replace('\t', " "))
    }
}

impl From<&str> for SafeText {
    fn from(text: &str) -> Self {
        let mut safe = String::new();
        for (at, c) in text.char_indices() {
            if safe.len() >= BYTES_MAX {
                safe += &format!("... ({} bytes more)", text.len() - at);
                break;
            }
            if is_harmless(c) {
                safe.push(c);
            } else {
                safe.extend(c.escape_default());
            }
        }
        SafeText(safe)
    }
}

impl From<String> for SafeText {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

fn is_harmless(c: char) -> bool {
    match c {
        '\n' | '\t' => true,
        // Directions (Unicode Standard Annex #9), line and paragraph separator.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            false
        }
        // Not a Char of XML 1.0, besides controls.
        '\u{fffe}' | '\u{ffff}' => false,
        c => !c.is_control(),
    }
}

impl Deref for SafeText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SafeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_drive_a_terminal_is_escaped() {
        let safe = SafeText::from("\x1b[2Jgrößer\0\r\n\tok\u{9b}31m\u{202e}\u{2028}\u{ffff}");
        assert_eq!(
            &*safe,
            "\\u{1b}[2Jgrößer\\u{0}\\r\n\tok\\u{9b}31m\\u{202e}\\u{2028}\\u{ffff}"
        );
    }

    #[test]
    fn a_name_is_one_line() {
        assert_eq!(&*SafeText::line("a\nb\tc\n"), "a\\nb c");
    }

    #[test]
    fn a_flood_is_cut() {
        let safe = SafeText::from("ü".repeat(BYTES_MAX));
        assert!(safe.ends_with("ü... (16384 bytes more)"), "{}", safe.len());
        assert!(safe.len() < BYTES_MAX + 100);
    }
}
