// SPDX-License-Identifier: MIT OR Apache-2.0
//! A console's lines, without what printk puts in front of them.

use std::sync::LazyLock;

use lab_base::pattern;
use regex::Regex;

/// One line of a console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// Whether printk has put a time in front: the kernel said it, and no program.
    pub stamped: bool,
    /// `T12` (a task) or `C1` (an interrupt on a processor), if the kernel says who speaks:
    /// CONFIG_PRINTK_CALLER.
    pub caller: Option<&'a str>,
    /// What was said.
    pub text: &'a str,
}

/// Level, time and caller, as printk writes them: `<4>[   12.345678][   T77] `.
static PREFIX: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?:<\d+>)?\[ *\d+\.\d{6}\](?:\[ *([TC]\d+)\])? ?"));

/// The lines of `console`. Where a prefix stands in the middle of a line, somebody was cut short
/// by it: another processor, or the prompt of a shell.
pub(super) fn lines(console: &str) -> Vec<Line<'_>> {
    let mut found = Vec::new();
    for raw in console.lines() {
        let mut line = Line {
            stamped: false,
            caller: None,
            text: raw,
        };
        let mut begin = 0;
        for prefix in PREFIX.captures_iter(raw) {
            let all = prefix.get_match();
            line.text = &raw[begin..all.start()];
            if line.stamped || !line.text.is_empty() {
                found.push(line);
            }
            line.stamped = true;
            line.caller = prefix.get(1).map(|caller| caller.as_str());
            begin = all.end();
        }
        line.text = &raw[begin..];
        found.push(line);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(caller: Option<&'static str>, text: &'static str) -> Line<'static> {
        Line {
            stamped: true,
            caller,
            text,
        }
    }

    #[test]
    fn level_time_caller_and_carriage_return_are_taken_off() {
        let console = "[    0.000000] a\r\n<4>[  12.345678][   T77] b\n[    1.000000][    C1]  c\n";
        let expected = [
            line(None, "a"),
            line(Some("T77"), "b"),
            line(Some("C1"), " c"),
        ];
        assert_eq!(lines(console), expected);
    }

    #[test]
    fn what_has_no_prefix_was_not_said_by_the_kernel() {
        let found = lines("/ # cat /proc/version\n[1.5] no\n");
        assert!(found.iter().all(|line| !line.stamped));
        assert_eq!(found[1].text, "[1.5] no");
    }

    #[test]
    fn a_prefix_in_the_middle_begins_a_line() {
        let found = lines("/ # [   12.000001] one[   12.000002][    C0] two");
        let texts: Vec<_> = found.iter().map(|line| line.text).collect();
        assert_eq!(texts, ["/ # ", "one", "two"]);
        assert!(!found[0].stamped && found[1].stamped);
        assert_eq!(found[2].caller, Some("C0"));
    }
}
