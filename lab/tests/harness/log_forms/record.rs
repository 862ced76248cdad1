// SPDX-License-Identifier: MIT OR Apache-2.0
//! The messages of a console, and what the forms of a log share.

use regex::Regex;

/// A message of a kernel, or a line of a program between them.
pub(crate) struct Record {
    pub(crate) level: u8,
    /// Microseconds since the kernel started.
    pub(crate) time: u64,
    /// `T77`, if the kernel says it.
    pub(crate) caller: Option<String>,
    /// One line or several.
    pub(crate) message: String,
    pub(crate) by_program: bool,
}

/// The records of a console. Lines in front of which printk has put nothing are a program's.
pub(crate) fn records(console: &str) -> Vec<Record> {
    let stamp = Regex::new(r"^\[ *(\d+)\.(\d{6})\](?:\[ *([TC]\d+)\])? ?(.*)$").unwrap();
    let mut records: Vec<Record> = Vec::new();
    for line in console.lines() {
        let Some(found) = stamp.captures(line) else {
            let time = records.last().map_or(0, |last| last.time);
            records.push(Record {
                level: 6,
                time,
                caller: None,
                message: line.to_owned(),
                by_program: true,
            });
            continue;
        };
        let number = |at: usize| found[at].parse::<u64>().unwrap();
        let record = Record {
            level: 4,
            time: number(1) * 1_000_000 + number(2),
            caller: found.get(3).map(|caller| caller.as_str().to_owned()),
            message: found[4].to_owned(),
            by_program: false,
        };
        match records.last_mut() {
            // A message that begins with the end of a line, as lockdep's do.
            Some(last)
                if !last.by_program
                    && last.message.is_empty()
                    && (last.time, &last.caller) == (record.time, &record.caller) =>
            {
                last.message = format!("\n{}", record.message);
            }
            _ => records.push(record),
        }
    }
    records
}

/// When the kernel started: 29 November 2026, 21:29:32 UTC, a Sunday. No log here runs for longer
/// than two hours.
const HOUR: u64 = 21;
const MINUTE: u64 = 29;
const SECOND: u64 = 32;

/// Seconds since 1970 at that moment.
pub(super) const EPOCH: u64 = 1_795_987_772;

/// `21:29:32`, and the microseconds.
pub(super) fn clock(time: u64) -> (String, u64) {
    let seconds = (HOUR * 60 + MINUTE) * 60 + SECOND + time / 1_000_000;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    (
        format!("{hours:02}:{minutes:02}:{:02}", seconds % 60),
        time % 1_000_000,
    )
}

pub(super) fn stamp(time: u64) -> String {
    format!("[{:5}.{:06}]", time / 1_000_000, time % 1_000_000)
}

pub(super) fn caller(record: &Record) -> String {
    let caller = record.caller.as_ref();
    caller.map_or(String::new(), |caller| format!("[{caller:>6}]"))
}

/// `front`, and the message with the other lines indented below, as dmesg and journalctl write it.
pub(super) fn indented(front: &str, message: &str) -> String {
    let blanks = format!("\n{}", " ".repeat(front.chars().count()));
    format!("{front}{}\n", message.replace('\n', &blanks))
}

/// `front` before each line of the message, as printk and rsyslog write it.
pub(super) fn repeated(front: &str, message: &str) -> String {
    let lines = message.split('\n');
    lines.map(|line| format!("{front}{line}\n")).collect()
}

/// A form's name, and how it writes a record that follows another.
pub(super) type Form = (&'static str, fn(&Record, u64) -> String);

pub(super) fn seconds(time: u64) -> f64 {
    time as f64 / 1e6
}

/// Seconds between two records. Processors do not agree on the time.
pub(super) fn later(record: &Record, before: u64) -> f64 {
    seconds(record.time) - seconds(before)
}

pub(super) fn ctime(time: u64) -> String {
    format!("Sun Nov 29 {} 2026", clock(time).0)
}
