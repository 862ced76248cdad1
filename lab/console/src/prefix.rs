// SPDX-License-Identifier: MIT OR Apache-2.0
//! What stands in front of a line in a log: the forms of printk, dmesg, journalctl and syslog.
//! They are those of util-linux 2.41, systemd 257, rsyslog 8, busybox and OpenWrt.

use std::sync::LazyLock;

use lab_base::pattern;
use regex::Regex;

/// The one that has said a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaker {
    Kernel,
    Program,
    /// Nothing stands in front of the line.
    Unknown,
}

/// What the words in front of a line tell, and what follows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Prefix<'a> {
    pub speaker: Speaker,
    /// `T12` (a task) or `C1` (an interrupt on a processor), if the kernel says who speaks:
    /// CONFIG_PRINTK_CALLER.
    pub caller: Option<&'a str>,
    /// Whether it is printk's own prefix, as a console shows it.
    pub is_printk: bool,
    pub text: &'a str,
}

impl<'a> Prefix<'a> {
    fn by(speaker: Speaker, text: &'a str) -> Prefix<'a> {
        Prefix {
            speaker,
            caller: None,
            is_printk: false,
            text,
        }
    }
}

/// The time of a log on disk: ISO 8601; as ctime(3) or strftime(3) write it, in any language;
/// seconds since 1970.
const DATE: &str = r"(?:(?:\p{L}{2,5}\.? )?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z| ?[+-]\d\d:?\d\d| [A-Z]{3,5})?|(?:\p{L}{2,5}\.? )?[\p{L}\d]{2,6}\.? [ \d]?\d \d\d:\d\d:\d\d(?:\.\d+)?(?: \d{4})?|\d{9,10}\.\d{6})";

/// Seconds since the start, as printk writes them.
const STAMP: &str = r"\[ *\d+\.\d{6}\]";

/// CONFIG_PRINTK_CALLER.
const CALLER: &str = r"(?: ?\[ *([TC]\d+)\])?";

/// Level, time and caller, as printk writes them: `<4>[   12.345678][   T77] `.
pub(crate) static PRINTK: LazyLock<Regex> =
    LazyLock::new(|| pattern(&format!(r"(?:<\d+>)?{STAMP}{CALLER} ?")));

/// The same at the start of a line, also where it is quoted.
static PRINTK_FIRST: LazyLock<Regex> =
    LazyLock::new(|| pattern(&format!(r"^(?:> ?)*(?:<\d+>)?{STAMP}{CALLER} ?")));

/// In front of it, the time of a program that has recorded a serial line.
static RECORDED: LazyLock<Regex> =
    LazyLock::new(|| pattern(&format!(r"^\[?{DATE}\]?:? +(?:<\d+>)?{STAMP}{CALLER} ?")));

/// What follows the name of the speaker in syslog.
static STAMP_IN_SYSLOG: LazyLock<Regex> =
    LazyLock::new(|| pattern(&format!(r"^ ?{STAMP}{CALLER} ?")));

/// Times of dmesg: `-d`, `-T`, `-H`, `--time-format=iso`. journalctl has one like the first, which
/// is blank in its first line.
static DMESG: LazyLock<Regex> = LazyLock::new(|| {
    let times = [
        r"\[ *\d+\.\d{6}(?: +| +<[^>\]]*> ?)\]",
        r"\[< *-?\d+\.\d{6}>\]",
        r"\[\p{L}{2,5}\.? [\p{L}\d]{2,6}\.? +\d+ \d\d:\d\d:\d\d \d{4}(?: < *-?\d+\.\d{6}>)?\]",
        r"\[[\p{L}\d]{2,6}\.? *\d+ \d\d:\d\d\]",
        r"\[ *[+-]\d+\.\d{6}\]",
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d,\d{6}[+-]\d\d:?\d\d",
    ];
    pattern(&format!("^(?:{}){CALLER} ?", times.join("|")))
});

/// Facility and level: `dmesg -x`.
static DECODED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(kern|user|mail|daemon|auth|syslog|lpr|news|uucp|cron|authpriv|ftp|res\d|local\d) *:(?:emerg|alert|crit|err|warn|notice|info|debug) *: ?",
    )
});

/// Facility and level as one number: `dmesg -r`, RFC 3164, RFC 5424.
static NUMBER: LazyLock<Regex> = LazyLock::new(|| pattern(r"^<\d{1,3}>"));

/// RFC 3164, and what journalctl and rsyslog make of it: `May 03 10:11:12 host kernel: `. The host
/// can be missing. Busybox and OpenWrt put `kern.info` behind it.
static SYSLOG: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"^{DATE} (?:(?:[^\s\[<]\S*[^\s:]|[\w-]) )?(?:\w+\.\w+ )?([^\s:\[\]]+)(?:\[\d+\])?: ?"
    ))
});

/// RFC 5424: version, time, host, program, process, message, structured data.
static SYSLOG_5424: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"^1 (?:{DATE}|-) \S+ (\S+) \S+ \S+ (?:-|(?:\[[^\]]*\])+) ?\x{{feff}}?"
    ))
});

/// A record of /dev/kmsg: `level,number,microseconds,flags[,caller=T1];`.
static KMSG: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^\d{1,4},\d+,\d+,[^;,]*(?:,caller=([TC]\d+)|,[^;,]*)*;"));

/// Levels that Apache's error log has behind a time like that of `dmesg -T`.
static APACHE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^\[(?:\w+:)?(?:emerg|alert|crit|error|warn|notice|info|debug)\d?\]")
});

/// What stands in front of `raw`, a line without its end, or `None` if nothing does.
pub(crate) fn prefix(raw: &str) -> Option<Prefix<'_>> {
    if let Some(found) = after(&PRINTK_FIRST, raw) {
        return Some(Prefix {
            is_printk: true,
            ..found
        });
    }
    // Most of a log without anything in front is told by its first letter.
    let first = raw.chars().next()?;
    if matches!(first, ' ' | '\t' | '-' | '/' | '=' | '#') {
        return None;
    }
    if has_clock(raw)
        && let Some(found) = after(&RECORDED, raw)
    {
        return Some(Prefix {
            is_printk: true,
            ..found
        });
    }
    if first.is_ascii_digit()
        && let Some(found) = after(&KMSG, raw)
    {
        return Some(found);
    }
    if first.is_ascii_lowercase()
        && let Some(found) = DECODED.captures(raw)
    {
        let speaker = if &found[1] == "kern" {
            Speaker::Kernel
        } else {
            Speaker::Program
        };
        let rest = &raw[found.get_match().end()..];
        let within = after(&PRINTK_FIRST, rest).or_else(|| timed(rest));
        return Some(Prefix {
            speaker,
            ..within.unwrap_or(Prefix::by(speaker, rest))
        });
    }
    let number = NUMBER.find(raw);
    let rest = &raw[number.map_or(0, |number| number.end())..];
    let plain = number.map(|_| Prefix::by(Speaker::Kernel, rest));
    timed(rest).or_else(|| syslog(rest)).or(plain)
}

/// What follows a form of the kernel's, with the caller as the only group.
fn after<'a>(form: &Regex, raw: &'a str) -> Option<Prefix<'a>> {
    let found = form.captures(raw)?;
    Some(Prefix {
        caller: found.get(1).map(|caller| caller.as_str()),
        ..Prefix::by(Speaker::Kernel, &raw[found.get_match().end()..])
    })
}

/// Whether a time of day or seconds since 1970 can stand at the start: the forms with a date need
/// not be tried else.
fn has_clock(raw: &str) -> bool {
    let start = &raw.as_bytes()[..raw.len().min(40)];
    let is_clock = |part: &[u8]| {
        part[2] == b':' && part[5] == b':' && part[..2].iter().all(u8::is_ascii_digit)
    };
    start.windows(6).any(is_clock) || start.iter().take(9).all(u8::is_ascii_digit)
}

/// The times of dmesg.
fn timed(raw: &str) -> Option<Prefix<'_>> {
    let found = after(&DMESG, raw)?;
    if APACHE.is_match(found.text) {
        return Some(Prefix::by(Speaker::Program, found.text));
    }
    Some(found)
}

/// The forms of syslog.
fn syslog(raw: &str) -> Option<Prefix<'_>> {
    let found = SYSLOG_5424.captures(raw).or_else(|| SYSLOG.captures(raw))?;
    let text = &raw[found.get_match().end()..];
    if &found[1] != "kernel" {
        return Some(Prefix::by(Speaker::Program, text));
    }
    after(&STAMP_IN_SYSLOG, text).or(Some(Prefix::by(Speaker::Kernel, text)))
}

#[cfg(test)]
mod tests;
