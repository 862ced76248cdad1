// SPDX-License-Identifier: MIT OR Apache-2.0
//! Forms that write a record on several lines or as JSON: `journalctl -o verbose`, `export`, `json`
//! and its kin, and `dmesg --json`.

use std::sync::LazyLock;

use lab_base::pattern;
use regex::Regex;
use serde_json::Value;

use crate::prefix::prefix;

/// The kernel's messages as /dev/kmsg writes them, or `None` if `log` has none of these forms.
pub(super) fn unpacked(log: &str) -> Option<String> {
    let start = log.trim_start();
    if start.starts_with(['{', '\u{1e}']) || start.starts_with("data: {") {
        return Some(from_json(start)).filter(|found| !found.is_empty());
    }
    let first = log.lines().take(100).find(|line| CURSOR.is_match(line));
    first.map(|_| from_fields(log))
}

/// A message in the form of /dev/kmsg. Level and time are not needed. dmesg writes the rest of its
/// input behind a message that it has read from a file.
fn record(message: &str) -> String {
    let lines = message.trim_end().split('\n').enumerate();
    let own = lines.take_while(|(at, line)| *at == 0 || prefix(line).is_none());
    let own: Vec<_> = own.map(|(_, line)| line).collect();
    format!("6,0,0,-;{}\n", own.join(r"\x0a"))
}

/// Values that follow each other. A value that is cut off ends the log.
fn from_json(log: &str) -> String {
    let log = log.replace('\u{1e}', "");
    let log = log.strip_prefix("data: ").map_or(log.clone(), |rest| {
        // journalctl -o json-sse.
        rest.replace("\ndata: ", "\n")
    });
    let values = serde_json::Deserializer::from_str(&log).into_iter::<Value>();
    let mut found = String::new();
    for value in values.map_while(Result::ok) {
        if let Some(records) = value["dmesg"].as_array() {
            let said = records.iter().filter_map(|record| record["msg"].as_str());
            said.for_each(|message| found += &record(message));
        } else if value["_TRANSPORT"] == "kernel" || value["SYSLOG_IDENTIFIER"] == "kernel" {
            found += &message(&value["MESSAGE"]).map_or(String::new(), |text| record(&text));
        }
    }
    found
}

/// journalctl writes bytes that are no text as a list of numbers.
fn message(value: &Value) -> Option<String> {
    if let Some(text) = value.as_str() {
        return Some(text.to_owned());
    }
    let bytes = value.as_array()?.iter();
    let bytes: Option<Vec<u8>> = bytes.map(|byte| byte.as_u64()?.try_into().ok()).collect();
    Some(String::from_utf8_lossy(&bytes?).into_owned())
}

/// The first line of a record: the cursor of `export`, or `verbose`'s time with the cursor behind.
static CURSOR: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(?:__CURSOR=|\S.*\[)s=[0-9a-f]{32};i="));

static FIELD: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(?:    )?([A-Z_0-9]+)(?:=(.*))?$"));

/// Bytes of the length in front of a value of several lines: `export`.
const LENGTH_BYTES: usize = 8;

/// A record that is being read.
#[derive(Default)]
struct Fields {
    message: String,
    /// Whether the lines that follow belong to the message.
    in_message: bool,
    is_kernel: bool,
}

impl Fields {
    fn add(&mut self, line: &str) {
        let Some(field) = FIELD.captures(line) else {
            if self.in_message {
                self.message += if line.is_empty() { "" } else { "\n" };
                // verbose indents them.
                self.message += line.strip_prefix("            ").unwrap_or(line);
            }
            return;
        };
        let value = field.get(2).map(|value| value.as_str());
        self.in_message = &field[1] == "MESSAGE";
        match &field[1] {
            "MESSAGE" => self.message = value.unwrap_or_default().to_owned(),
            "_TRANSPORT" | "SYSLOG_IDENTIFIER" => self.is_kernel |= value == Some("kernel"),
            _ => {}
        }
    }

    /// The message, if it is the kernel's. A length in front of it is taken off.
    fn record(self) -> Option<String> {
        let message = match self.message.strip_prefix('\n') {
            Some(counted) if counted.contains('\0') => counted.chars().skip(LENGTH_BYTES).collect(),
            _ => self.message,
        };
        self.is_kernel.then(|| record(&message))
    }
}

/// `FIELD=value` lines, of which each record has one for its message and one for its speaker.
fn from_fields(log: &str) -> String {
    let mut found = String::new();
    let mut fields = Fields::default();
    for line in log.lines() {
        if CURSOR.is_match(line) {
            found.extend(std::mem::take(&mut fields).record());
        } else {
            fields.add(line);
        }
    }
    found.extend(fields.record());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOUND: &str = "6,0,0,-;BUG: it\n6,0,0,-; f+0x1\\x0atwo\n";

    #[test]
    fn json_of_journalctl_and_dmesg_is_read() {
        let first = r#"{"MESSAGE":"BUG: it","_TRANSPORT":"kernel","PRIORITY":"4"}"#;
        let other = r#"{"MESSAGE":"BUG: no","_TRANSPORT":"stdout","SYSLOG_IDENTIFIER":"app"}"#;
        // " f+0x1\ntwo" as bytes.
        let bytes =
            r#"{"SYSLOG_IDENTIFIER":"kernel","MESSAGE":[32,102,43,48,120,49,10,116,119,111]}"#;
        let lines = format!("{first}\n{other}\n{bytes}\n");
        for log in [
            lines.clone(),
            lines.replace(',', ",\n\t").replace("\":", "\" : "),
            lines.replace('{', "data: {").replace("}\n", "}\n\n"),
            lines.replace('{', "\u{1e}{"),
            format!("{lines}{{\"MESSAGE\":\"cut o"),
        ] {
            assert_eq!(unpacked(&log).as_deref(), Some(FOUND), "{log}");
        }
        let dmesg = "{\n   \"dmesg\": [\n      {\n         \"pri\": 4,\n         \"time\":     1.234567,\n         \
            \"msg\": \"BUG: it\"\n      },{\n         \"pri\": 6,\n         \"msg\": \" f+0x1\\ntwo\"\n      }\n   ]\n}\n";
        assert_eq!(unpacked(dmesg).as_deref(), Some(FOUND));
    }

    #[test]
    fn long_forms_of_journalctl_are_read() {
        let cursor = "s=0123456789abcdef0123456789abcdef;i=2a3;b=00;m=1;t=2;x=3";
        let record = |blanks: &str, first: &str, message: &str, transport: &str| {
            format!(
                "{first}\n{blanks}_HOSTNAME=lab\n{blanks}MESSAGE={message}\n{blanks}_TRANSPORT={transport}\n"
            )
        };
        let verbose = format!("Sun 2026-11-29 21:29:32.123456 UTC [{cursor}]");
        let export = format!("__CURSOR={cursor}");
        for (blanks, first, end) in [("    ", verbose, ""), ("", export, "\n")] {
            let log = [
                ("BUG: it", "kernel"),
                ("BUG: no", "syslog"),
                (" f+0x1", "kernel"),
            ]
            .map(|(message, transport)| record(blanks, &first, message, transport) + end);
            let expected = FOUND.replace("\\x0atwo", "");
            assert_eq!(unpacked(&log.concat()), Some(expected), "{first}");
        }
    }

    /// As systemd 252 writes a message of two lines.
    #[test]
    fn messages_of_several_lines_are_kept() {
        let cursor = "s=0123456789abcdef0123456789abcdef;i=2a3;b=00;m=1;t=2;x=3";
        let verbose = format!(
            "Sun 2026-11-29 21:29:32.123456 UTC [{cursor}]\n    _TRANSPORT=kernel\n    \
             MESSAGE= f+0x1\n            two\n    PRIORITY=6\n"
        );
        let export = format!(
            "__CURSOR={cursor}\nMESSAGE\n\u{15}\0\0\0\0\0\0\0 f+0x1\ntwo\n_TRANSPORT=kernel\n\n"
        );
        for log in [verbose, export] {
            assert_eq!(
                unpacked(&log).as_deref(),
                Some("6,0,0,-; f+0x1\\x0atwo\n"),
                "{log}"
            );
        }
    }

    #[test]
    fn other_text_is_left_as_it_is() {
        for log in [
            "",
            "{}",
            "{ not json",
            "{\"name\": \"x\"}",
            "A=1\nMESSAGE=x\n",
            "[  1.2] x",
        ] {
            assert_eq!(unpacked(log), None, "{log}");
        }
    }
}
