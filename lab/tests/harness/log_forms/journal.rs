// SPDX-License-Identifier: MIT OR Apache-2.0
//! The forms of journalctl and syslog.

use std::fmt::Write;

use serde_json::json;

use super::record::{EPOCH, Form, Record, caller, clock, ctime, indented, later, repeated, stamp};

/// The name of a speaker, as journalctl writes it.
fn name(record: &Record) -> &'static str {
    if record.by_program {
        "app[77]"
    } else {
        "kernel"
    }
}

fn journal_front(record: &Record, date: &str, host: &str) -> String {
    format!("{date} {host}{}: ", name(record))
}

/// The fields of a record of the journal.
fn journal_fields(record: &Record) -> [(&'static str, String); 5] {
    let (name, transport) = if record.by_program {
        ("app", "stdout")
    } else {
        ("kernel", "kernel")
    };
    [
        ("_HOSTNAME", "lab".to_owned()),
        ("MESSAGE", record.message.clone()),
        ("PRIORITY", record.level.to_string()),
        ("SYSLOG_IDENTIFIER", name.to_owned()),
        ("_TRANSPORT", transport.to_owned()),
    ]
}

fn journal_json(record: &Record) -> serde_json::Value {
    let mut object = json!({ "__MONOTONIC_TIMESTAMP": record.time.to_string() });
    for (key, value) in journal_fields(record) {
        object[key] = value.into();
    }
    object
}

fn cursor(record: &Record) -> String {
    let zeros = "0123456789abcdef0123456789abcdef";
    format!(
        "s={zeros};i=2a;b={zeros};m={:x};t=644c2712abd87;x=1f5fdf2f5c2cdb26",
        record.time
    )
}

fn syslog_message(record: &Record) -> String {
    if record.by_program {
        format!("app[77]: {}", record.message)
    } else {
        format!(
            "kernel: {}{} {}",
            stamp(record.time),
            caller(record),
            record.message
        )
    }
}

/// A line for each line of the message, as rsyslog's imklog gets them from the kernel.
fn syslog_lines(record: &Record, front: &str) -> String {
    let lines = record.message.split('\n').map(|line| {
        let line = Record {
            message: line.to_owned(),
            caller: record.caller.clone(),
            ..*record
        };
        format!("{front}{}\n", syslog_message(&line))
    });
    lines.collect()
}

/// Forms that have the lines of programs, too: of journalctl and of syslog.
pub(super) const OF_ALL: &[Form] = &[
    ("journalctl", |r, _| {
        indented(
            &journal_front(r, &format!("Nov 29 {}", clock(r.time).0), "lab "),
            &r.message,
        )
    }),
    ("journalctl --no-hostname", |r, _| {
        indented(
            &journal_front(r, &format!("Nov 29 {}", clock(r.time).0), ""),
            &r.message,
        )
    }),
    ("journalctl, in French", |r, _| {
        indented(
            &journal_front(r, &format!("févr. 09 {}", clock(r.time).0), "lab "),
            &r.message,
        )
    }),
    ("journalctl -o short-precise", |r, _| {
        let (clock, micros) = clock(r.time);
        indented(
            &journal_front(r, &format!("Nov 29 {clock}.{micros:06}"), "lab "),
            &r.message,
        )
    }),
    ("journalctl -o short-iso", |r, _| {
        indented(
            &journal_front(r, &format!("2026-11-29T{}+0000", clock(r.time).0), "lab "),
            &r.message,
        )
    }),
    (
        "journalctl -o short-iso --no-hostname, systemd 255",
        |r, _| {
            indented(
                &journal_front(r, &format!("2026-11-29T{}+02:00", clock(r.time).0), ""),
                &r.message,
            )
        },
    ),
    ("journalctl -o short-iso-precise", |r, _| {
        let (clock, micros) = clock(r.time);
        indented(
            &journal_front(r, &format!("2026-11-29T{clock}.{micros:06}+0000"), "lab "),
            &r.message,
        )
    }),
    ("journalctl -o short-full", |r, _| {
        indented(
            &journal_front(
                r,
                &format!("Sun 2026-11-29 {} UTC", clock(r.time).0),
                "lab ",
            ),
            &r.message,
        )
    }),
    ("journalctl -o with-unit --no-hostname", |r, _| {
        indented(
            &journal_front(r, &format!("Sun 2026-11-29 {} CET", clock(r.time).0), ""),
            &r.message,
        )
    }),
    ("journalctl -o short-monotonic", |r, _| {
        indented(&journal_front(r, &stamp(r.time), "lab "), &r.message)
    }),
    ("journalctl -o short-monotonic --no-hostname", |r, _| {
        indented(&journal_front(r, &stamp(r.time), ""), &r.message)
    }),
    ("journalctl -o short-delta", |r, b| {
        let stamp = stamp(r.time);
        let stamp = &stamp[..stamp.len() - 1];
        let later = if b == r.time {
            " ".repeat(16)
        } else {
            format!(" <{:12.6} >", later(r, b))
        };
        indented(
            &journal_front(r, &format!("{stamp}{later}]"), "lab "),
            &r.message,
        )
    }),
    ("journalctl -o short-unix", |r, _| {
        let date = format!("{}.{:06}", EPOCH + r.time / 1_000_000, r.time % 1_000_000);
        indented(&journal_front(r, &date, "lab "), &r.message)
    }),
    ("journalctl -o verbose", |r, _| {
        let (clock, micros) = clock(r.time);
        let mut text = format!("Sun 2026-11-29 {clock}.{micros:06} UTC [{}]\n", cursor(r));
        for (key, value) in journal_fields(r) {
            let value = value.replace('\n', "\n            ");
            writeln!(text, "    {key}={value}").unwrap();
        }
        text
    }),
    ("journalctl -o export", |r, _| {
        let mut text = format!("__CURSOR={}\n", cursor(r));
        for (key, value) in journal_fields(r) {
            if value.contains('\n') {
                let length = u64::try_from(value.len()).unwrap().to_le_bytes();
                let length = String::from_utf8_lossy(&length);
                writeln!(text, "{key}\n{length}{value}").unwrap();
            } else {
                writeln!(text, "{key}={value}").unwrap();
            }
        }
        text + "\n"
    }),
    ("journalctl -o json", |r, _| {
        format!("{}\n", journal_json(r))
    }),
    ("journalctl -o json-pretty", |r, _| {
        serde_json::to_string_pretty(&journal_json(r)).unwrap() + "\n"
    }),
    ("journalctl -o json-sse", |r, _| {
        format!("data: {}\n\n", journal_json(r))
    }),
    ("journalctl -o json-seq", |r, _| {
        format!("\x1e{}\n", journal_json(r))
    }),
    ("rsyslog, kern.log", |r, _| {
        syslog_lines(r, &format!("Nov 29 {} lab ", clock(r.time).0))
    }),
    ("rsyslog, ISO", |r, _| {
        let (clock, micros) = clock(r.time);
        syslog_lines(r, &format!("2026-11-29T{clock}.{micros:06}+01:00 lab "))
    }),
    ("RFC 3164", |r, _| {
        syslog_lines(r, &format!("<{}>Nov  9 {} lab ", r.level, clock(r.time).0))
    }),
    ("RFC 5424", |r, _| {
        let message = syslog_message(r);
        let (name, message) = message.split_once(": ").unwrap();
        let name = name.replace("[77]", "");
        let front = format!(
            "<{}>1 2026-11-29T{}.123456+00:00 lab {name} - - - ",
            r.level,
            clock(r.time).0
        );
        repeated(&front, message)
    }),
    ("busybox", |r, _| {
        syslog_lines(r, &format!("Nov 29 {} lab kern.warn ", clock(r.time).0))
    }),
    ("OpenWrt", |r, _| {
        syslog_lines(r, &format!("{} kern.warn ", ctime(r.time)))
    }),
];
