// SPDX-License-Identifier: MIT OR Apache-2.0
//! A log's lines, without what stands in front of them.

use crate::prefix::{PRINTK, Prefix, Speaker, prefix};

/// One line of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// The one that said it, as far as the log tells.
    pub speaker: Speaker,
    /// Whether it has printk's own prefix, as a console shows it.
    pub is_printk: bool,
    /// Whether nothing stands in front of it in the log's line.
    pub is_first: bool,
    /// `T12` (a task) or `C1` (an interrupt on a processor), if the kernel says who speaks.
    pub caller: Option<&'a str>,
    /// What was said.
    pub text: &'a str,
}

impl Line<'_> {
    /// Whether the log says that the kernel has said it.
    pub(super) fn is_of_kernel(&self) -> bool {
        self.speaker == Speaker::Kernel
    }
}

/// The lines of `log`, which is plain (`plain.rs`). Where printk's prefix stands in the middle of a
/// line, somebody was cut short by it: another processor, or the prompt of a shell.
pub(super) fn lines(log: &str) -> Vec<Line<'_>> {
    let mut found: Vec<Line<'_>> = Vec::new();
    // How far the words in front of the line before reach. dmesg and journalctl indent the other
    // lines of a message by that.
    let mut width = 0;
    for raw in log.lines().map(|raw| raw.trim_matches('\r')) {
        // What /dev/kmsg tells of a device behind its message.
        if raw.starts_with(" SUBSYSTEM=") || raw.starts_with(" DEVICE=") {
            continue;
        }
        let blank = || raw.chars().take_while(|letter| *letter == ' ').count();
        if let Some(prefix) = prefix(raw) {
            width = raw[..raw.len() - prefix.text.len()].chars().count();
            push(&mut found, prefix);
        } else if let Some(last) = found.last()
            && width > 0
            && blank() >= width
        {
            let continued = Line {
                text: &raw[width..],
                ..*last
            };
            found.push(continued);
        } else {
            width = 0;
            push(
                &mut found,
                Prefix {
                    speaker: Speaker::Unknown,
                    is_printk: false,
                    caller: None,
                    text: raw,
                },
            );
        }
    }
    if is_monotonic(&found) {
        found.iter_mut().for_each(take_off_name);
    }
    found
}

/// What follows `prefix`: one line, or several where printk's prefix stands in the middle.
fn push<'a>(found: &mut Vec<Line<'a>>, prefix: Prefix<'a>) {
    let mut line = Line {
        speaker: prefix.speaker,
        is_printk: prefix.is_printk,
        is_first: true,
        caller: prefix.caller,
        text: prefix.text,
    };
    if !line.is_printk && line.speaker != Speaker::Unknown {
        // /dev/kmsg writes the end of a line within a message like this.
        for text in prefix.text.split(r"\x0a") {
            found.push(Line { text, ..line });
        }
        return;
    }
    let mut begin = 0;
    if !can_have_stamp(prefix.text) {
        found.push(line);
        return;
    }
    for cut in PRINTK.captures_iter(prefix.text) {
        let all = cut.get_match();
        line.text = &prefix.text[begin..all.start()];
        if line.is_printk || !line.text.is_empty() {
            found.push(line);
            line.is_first = false;
        }
        line.speaker = Speaker::Kernel;
        line.is_printk = true;
        line.caller = cut.get(1).map(|caller| caller.as_str());
        begin = all.end();
    }
    line.text = &prefix.text[begin..];
    found.push(line);
}

/// A bracket with a number behind it: most lines have none, and need not be searched.
fn can_have_stamp(text: &str) -> bool {
    text.match_indices('[').any(|(at, _)| {
        let rest = text[at + 1..].trim_start_matches(' ');
        rest.starts_with(|letter: char| letter.is_ascii_digit())
    })
}

/// Host and program in front of a line, behind a time: `journalctl -o short-monotonic`.
struct Named<'a> {
    has_host: bool,
    /// Without its process.
    program: &'a str,
    has_process: bool,
    text: &'a str,
}

/// The host can be missing: `host program[process]: text`.
fn named(text: &str) -> Option<Named<'_>> {
    let (front, rest) = text.split_once(':')?;
    let (host, speaker) = match front.split_once(' ') {
        Some((host, speaker)) => (Some(host), speaker),
        None => (None, front),
    };
    let (program, process) = match speaker.split_once('[') {
        Some((program, process)) => (program, Some(process)),
        None => (speaker, None),
    };
    let is_word = |word: &str| !word.is_empty() && !word.contains([' ', '[', ']', '<']);
    let words = is_word(program) && host.is_none_or(is_word);
    let ends = process.is_none_or(|process| process.ends_with(']'));
    (words && ends).then_some(Named {
        has_host: host.is_some(),
        program,
        has_process: process.is_some(),
        text: rest.strip_prefix(' ').unwrap_or(rest),
    })
}

/// Whether this is journalctl's form with the seconds of printk. Behind the time of most lines stands
/// the kernel's name, or host, name and number of a program; or a name stands behind nearly all.
fn is_monotonic(lines: &[Line<'_>]) -> bool {
    let (mut all, mut with_name, mut kernel, mut program) = (0, 0, 0, 0);
    let said = |line: &&Line<'_>| line.is_of_kernel() && !line.text.trim().is_empty();
    for line in lines.iter().filter(said) {
        all += 1;
        if let Some(name) = named(line.text) {
            with_name += 1;
            kernel += usize::from(name.program == "kernel");
            program += usize::from(name.has_host && name.has_process);
        }
    }
    (kernel + program) * 2 > all || (kernel > 0 && with_name * 10 >= all * 9)
}

fn take_off_name(line: &mut Line<'_>) {
    if !line.is_of_kernel() {
        return;
    }
    line.is_printk = false;
    if let Some(name) = named(line.text) {
        if name.program != "kernel" {
            line.speaker = Speaker::Program;
        }
        line.text = name.text;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(caller: Option<&'static str>, text: &'static str) -> Line<'static> {
        Line {
            speaker: Speaker::Kernel,
            is_printk: true,
            is_first: true,
            caller,
            text,
        }
    }

    fn texts<'a>(lines: &[Line<'a>]) -> Vec<&'a str> {
        lines.iter().map(|line| line.text).collect()
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
        assert!(found.iter().all(|line| !line.is_of_kernel()));
        assert_eq!(found[1].text, "[1.5] no");
    }

    #[test]
    fn a_prefix_in_the_middle_begins_a_line() {
        let found = lines("/ # [   12.000001] one[   12.000002][    C0] two");
        assert_eq!(texts(&found), ["/ # ", "one", "two"]);
        assert!(!found[0].is_of_kernel() && found[1].is_of_kernel());
        assert_eq!(found[2].caller, Some("C0"));
    }

    /// A message of several lines: indented by dmesg and journalctl, one record in /dev/kmsg.
    #[test]
    fn the_other_lines_of_a_message_are_said_by_the_same() {
        for log in [
            "[   12.000001] one\n               two\n",
            "[Sun Nov 29 21:29:32 2026] one\n                           two\n",
            "Nov 29 21:29:32 lab kernel: one\n                            two\n",
            "6,12,12000001,-;one\\x0atwo\n",
            "6,12,12000001,-;one\n SUBSYSTEM=pci\n DEVICE=+pci:0000:00:1f.0\n6,13,12000002,-;two\n",
        ] {
            let found = lines(log);
            assert_eq!(texts(&found), ["one", "two"], "{log}");
            assert!(found.iter().all(Line::is_of_kernel), "{log}");
        }
        // A program that indents less, and one that speaks after a program.
        assert!(!lines("[   12.000001] one\n  two\n")[1].is_of_kernel());
        assert!(!lines("/ # ls\n               two\n")[1].is_of_kernel());
    }

    #[test]
    fn journalctl_can_write_the_seconds_of_printk() {
        let journal = "[    1.000000] lab kernel: one\n[    2.000000] lab systemd[1]: BUG: two\n\
            [    3.000000] lab kernel: three\n";
        let found = lines(journal);
        assert_eq!(texts(&found), ["one", "BUG: two", "three"]);
        assert_eq!(found[1].speaker, Speaker::Program);
        // A module that speaks of the kernel.
        let found = lines("[    1.000000] one\n[    2.000000] my kernel: two\n[    3.0] three\n");
        assert_eq!(texts(&found), ["one", "my kernel: two", "[    3.0] three"]);
    }
}
