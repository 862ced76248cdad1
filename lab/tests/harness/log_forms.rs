// SPDX-License-Identifier: MIT OR Apache-2.0
//! A kernel's messages in the forms in which people save them. The forms were written from the
//! sources and manual pages of util-linux, systemd and rsyslog, and compared with what dmesg 2.38
//! and journalctl 252 write. Nothing here knows how the recogniser reads them.

mod journal;
mod kernel;
mod record;

use serde_json::json;

use self::record::{Form, seconds};
pub(crate) use self::record::{Record, records};

/// A log of these records in each form, with the form's name.
pub(crate) fn all(records: &[Record]) -> Vec<(&'static str, String)> {
    let write = |form: &Form, with_programs: bool| {
        let mut before = records.first().map_or(0, |first| first.time);
        let mut text = String::new();
        for record in records {
            if with_programs || !record.by_program {
                text += &(form.1)(record, before);
                before = record.time;
            }
        }
        (form.0, text)
    };
    let of_kernel = kernel::OF_KERNEL.iter().map(|form| write(form, false));
    let of_all = journal::OF_ALL.iter().map(|form| write(form, true));
    let mut logs: Vec<_> = of_kernel.chain(of_all).collect();
    let messages = records.iter().filter(|record| !record.by_program);
    let dmesg: Vec<_> = messages
        .map(|record| json!({ "pri": record.level, "time": seconds(record.time), "msg": record.message }))
        .collect();
    let dmesg = json!({ "dmesg": dmesg });
    logs.push((
        "dmesg --json",
        serde_json::to_string_pretty(&dmesg).unwrap(),
    ));
    let console = logs[0].1.clone();
    logs.push(("console, 80 columns", wrapped(&console, 80)));
    // As a shell on Windows saves it, and as a file system leaves it after a crash.
    logs.push((
        "console, UTF-16",
        console.chars().flat_map(|letter| [letter, '\0']).collect(),
    ));
    logs.push((
        "kern.log, cut by a crash",
        logs[logs.len() - 9].1.clone() + &"\0".repeat(500),
    ));
    logs
}

/// As a terminal breaks lines.
fn wrapped(text: &str, width: usize) -> String {
    let mut broken = String::new();
    for line in text.lines() {
        let letters: Vec<char> = line.chars().collect();
        for part in letters.chunks(width) {
            broken.extend(part);
            broken.push('\n');
        }
    }
    broken
}
