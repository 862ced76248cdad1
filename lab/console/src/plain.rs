// SPDX-License-Identifier: MIT OR Apache-2.0
//! A log as text of one record per line: without colours, without journalctl's long forms, and with
//! broken lines put together.

use crate::{records, wrapped};

/// `log` as lines that `prefix.rs` reads.
pub(super) fn plain(log: &str) -> String {
    let text = log.trim_start_matches(['\u{feff}', '\u{fffd}']);
    let text = records::unpacked(text).unwrap_or_else(|| text.to_owned());
    // What a crash left of a file's last block, and the other half of UTF-16's letters.
    let text = text.replace('\0', "");
    let text = if text.contains('\u{1b}') {
        anstream::adapter::strip_str(&text).to_string()
    } else {
        text
    };
    wrapped::joined(&text).unwrap_or(text)
}
