// SPDX-License-Identifier: MIT OR Apache-2.0
//! Lines that a terminal or a mail program has broken in two.

use crate::prefix::prefix;

/// Lines that must be as long as the longest, before a terminal's width is believed. The usual width
/// is believed at once.
const FULL_MIN: usize = 3;
const USUAL_WIDTH: usize = 80;

/// No terminal is narrower.
const WIDTH_MIN: usize = 40;

/// Where mail programs break lines at the latest.
const MAIL_WIDTH: usize = 79;

/// The log with its broken lines put together, or `None` if there is none. A terminal breaks a line
/// at its width, and a mail program between two words. What follows has nothing in front then, as
/// the lines of a log have.
pub(super) fn joined(log: &str) -> Option<String> {
    let lines: Vec<&str> = log
        .lines()
        .map(|line| line.trim_end_matches('\r'))
        .collect();
    let length = |line: &str| line.chars().count();
    let width = lines.iter().map(|line| length(line)).max()?;
    let is_full = |line: &str| length(line) == width;
    let full = lines.iter().filter(|line| is_full(line)).count();
    let by_terminal = width == USUAL_WIDTH || (width >= WIDTH_MIN && full >= FULL_MIN);
    let by_mail = (WIDTH_MIN..=MAIL_WIDTH).contains(&width);
    if !by_terminal && !by_mail {
        return None;
    }
    let mut found = String::with_capacity(log.len());
    // The line before, and whether it goes on from another.
    let mut last: Option<&str> = None;
    let mut goes_on = false;
    let mut is_joined = false;
    for line in lines {
        let between = last.and_then(|last| {
            let word = line.split(' ').next().unwrap_or_default();
            if by_terminal && is_full(last) {
                Some("")
            } else if by_mail && !word.is_empty() && length(last) + 1 + length(word) > width {
                Some(" ")
            } else {
                None
            }
        });
        // Only what the log's own prefix begins can go on.
        let begun = |last: Option<&str>| goes_on || last.and_then(prefix).is_some();
        let between = between.filter(|_| prefix(line).is_none() && begun(last));
        goes_on = between.is_some();
        if let Some(between) = between {
            found.truncate(found.len() - 1);
            found += between;
            is_joined = true;
        }
        found += line;
        found.push('\n');
        last = Some(line);
    }
    is_joined.then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TITLE: &str = "[    4.200000] Unable to handle kernel NULL pointer dereference at virtual address 0000000000000008";
    const PLACE: &str = "[    4.200300] a line that is much longer than both: RIP: 0010:bad_input+0x5/0x10 [nl_bad]";
    const SHORT: &str = "[    4.200400]  <TASK>";

    #[test]
    fn what_a_terminal_broke_is_whole_again() {
        let log = format!("{TITLE}\n{PLACE}\n{SHORT}\n{TITLE}\n");
        for width in [40, 64, 80] {
            let broken: String = log
                .lines()
                .flat_map(|line| {
                    let letters: Vec<char> = line.chars().collect();
                    let parts = letters
                        .chunks(width)
                        .map(|part| part.iter().collect::<String>());
                    parts.collect::<Vec<_>>()
                })
                .map(|part| part + "\r\n")
                .collect();
            assert_eq!(joined(&broken), Some(log.clone()), "{width}");
        }
    }

    #[test]
    fn what_a_mail_program_broke_is_whole_again() {
        let broken = TITLE.replace("virtual ", "virtual\n") + "\n" + SHORT + "\n";
        assert_eq!(joined(&broken), Some(format!("{TITLE}\n{SHORT}\n")));
    }

    #[test]
    fn what_a_program_says_between_is_left() {
        assert_eq!(joined(&format!("{TITLE}\n/ # ls\n{PLACE}\n")), None);
        assert_eq!(joined("[    4.200000] short\nls\n"), None);
        assert_eq!(joined(""), None);
    }
}
