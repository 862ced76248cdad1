// SPDX-License-Identifier: MIT OR Apache-2.0
//! The forms of printk, dmesg and /dev/kmsg.

use super::record::{Form, Record, caller, clock, ctime, indented, later, repeated, stamp};

fn decoded(record: &Record) -> String {
    let levels = [
        "emerg", "alert", "crit", "err", "warn", "notice", "info", "debug",
    ];
    format!("kern  :{:<6}: ", levels[usize::from(record.level)])
}

/// What `dmesg -H` puts in front: the minute, if it is another one, and else how much later.
fn human(record: &Record, before: u64) -> String {
    let minute = |time| clock(time).0[..5].to_owned();
    if record.time == before || minute(record.time) != minute(before) {
        return format!("[Nov29 {}] ", minute(record.time));
    }
    let later = later(record, before);
    if later < 10.0 {
        format!("[  {later:+8.6}] ")
    } else {
        format!("[ {later:+9.6}] ")
    }
}

/// With colours, as `dmesg --color=always`.
fn coloured(front: &str, message: &str) -> String {
    let front = format!("\x1b[32m{front}\x1b[0m");
    match message.split_once(": ") {
        Some((subsystem, rest)) => {
            format!("{front}\x1b[33m{subsystem}: \x1b[0m\x1b[1m{rest}\x1b[0m\n")
        }
        None => format!("{front}\x1b[31m{message}\x1b[0m\n"),
    }
}

/// Forms that have the kernel's messages only: of a console, of dmesg and of /dev/kmsg.
pub(super) const OF_KERNEL: &[Form] = &[
    ("console", |r, _| {
        repeated(&format!("{}{} ", stamp(r.time), caller(r)), &r.message)
    }),
    ("console, levels", |r, _| {
        repeated(
            &format!("<{}>{}{} ", r.level, stamp(r.time), caller(r)),
            &r.message,
        )
    }),
    ("console, CRLF", |r, _| {
        repeated(&format!("{}{} ", stamp(r.time), caller(r)), &r.message).replace('\n', "\r\n")
    }),
    ("console, recorded with times", |r, _| {
        repeated(
            &format!(
                "[2026-11-29 {}] {}{} ",
                clock(r.time).0,
                stamp(r.time),
                caller(r)
            ),
            &r.message,
        )
    }),
    ("console, in a mail", |r, _| {
        repeated(&format!("> {} ", stamp(r.time)), &r.message)
    }),
    ("dmesg", |r, _| {
        indented(&format!("{} ", stamp(r.time)), &r.message)
    }),
    ("dmesg, callers", |r, _| {
        let caller = caller(r);
        let blank = if caller.is_empty() { "" } else { " " };
        indented(&format!("{}{blank}{caller} ", stamp(r.time)), &r.message)
    }),
    ("dmesg -S -r", |r, _| {
        repeated(
            &format!("<{}>{}{} ", r.level, stamp(r.time), caller(r)),
            &r.message,
        )
    }),
    ("dmesg -r", |r, _| {
        indented(&format!("<{}>{} ", r.level, stamp(r.time)), &r.message)
    }),
    ("dmesg -x", |r, _| {
        indented(&format!("{}{} ", decoded(r), stamp(r.time)), &r.message)
    }),
    ("dmesg -T", |r, _| {
        indented(&format!("[{}] ", ctime(r.time)), &r.message)
    }),
    ("dmesg -x -T", |r, _| {
        indented(&format!("{}[{}] ", decoded(r), ctime(r.time)), &r.message)
    }),
    ("dmesg -d", |r, b| {
        let stamp = stamp(r.time);
        indented(
            &format!("{} <{:12.6}>] ", &stamp[..stamp.len() - 1], later(r, b)),
            &r.message,
        )
    }),
    ("dmesg -T -d", |r, b| {
        indented(
            &format!("[{} <{:12.6}>] ", ctime(r.time), later(r, b)),
            &r.message,
        )
    }),
    ("dmesg -H", |r, b| indented(&human(r, b), &r.message)),
    ("dmesg -H --color=always", |r, b| {
        coloured(&human(r, b), &r.message)
    }),
    ("dmesg --color=always", |r, _| {
        coloured(&format!("{} ", stamp(r.time)), &r.message)
    }),
    ("dmesg -x -H", |r, b| {
        indented(&format!("{}{}", decoded(r), human(r, b)), &r.message)
    }),
    ("dmesg --time-format=delta", |r, b| {
        indented(&format!("[<{:12.6}>] ", later(r, b)), &r.message)
    }),
    ("dmesg --time-format=iso", |r, _| {
        let (clock, micros) = clock(r.time);
        indented(
            &format!("2026-11-29T{clock},{micros:06}+00:00 "),
            &r.message,
        )
    }),
    ("dmesg -t", |r, _| format!("{}\n", r.message)),
    ("dmesg -x -t", |r, _| indented(&decoded(r), &r.message)),
    ("dmesg -r -t", |r, _| {
        format!("<{}>{}\n", r.level, r.message)
    }),
    ("/dev/kmsg", |r, _| {
        let caller = r
            .caller
            .as_ref()
            .map_or(String::new(), |caller| format!(",caller={caller}"));
        let message = r.message.replace('\n', "\\x0a");
        format!(
            "{},339,{},-{caller};{message}\n SUBSYSTEM=pci\n",
            r.level, r.time
        )
    }),
    ("journalctl -k -o cat", |r, _| format!("{}\n", r.message)),
];
