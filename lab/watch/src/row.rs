// SPDX-License-Identifier: MIT OR Apache-2.0
//! Lines of text with a style, for the screen and for plain output. Pure.

use anstyle::Style;
use lab_course::plan::Said;

/// A line with one style.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) style: Style,
    pub(crate) text: String,
}

impl Row {
    /// A line. Compilers print tabs, and a kernel may print anything: a terminal gets neither.
    pub(crate) fn new(style: Style, text: impl AsRef<str>) -> Self {
        let mut plain = String::new();
        for c in text.as_ref().chars() {
            match c {
                '\t' => {
                    let column = plain.chars().count() % TAB;
                    plain.extend(std::iter::repeat_n(' ', TAB - column));
                }
                c if c.is_control() => {}
                c => plain.push(c),
            }
        }
        Row { style, text: plain }
    }

    /// A line without a style.
    pub(crate) fn plain(text: impl AsRef<str>) -> Self {
        Row::new(Style::new(), text)
    }

    /// A heading.
    pub(crate) fn bold(text: impl AsRef<str>) -> Self {
        Row::new(Style::new().bold(), text)
    }

    /// An empty line.
    pub(crate) fn empty() -> Self {
        Row::plain("")
    }

    /// The lines of a text.
    pub(crate) fn lines(style: Style, text: &str) -> impl Iterator<Item = Self> {
        text.lines().map(move |line| Row::new(style, line))
    }
}

impl From<&Said> for Row {
    fn from(said: &Said) -> Self {
        if said.is_heading {
            Row::bold(&said.text)
        } else {
            Row::plain(&said.text)
        }
    }
}

/// Columns between the stops of a tab.
const TAB: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_line_moves_the_cursor() {
        let row = Row::plain("  12 |\tx\t\u{1b}[2J|");
        assert_eq!(row.text, "  12 |  x       [2J|");
    }
}
