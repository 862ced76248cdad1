// SPDX-License-Identifier: MIT OR Apache-2.0
//! Arguments that the programs refuse before they reach the module: one line on stderr, nothing on
//! stdout, exit status 1. Other tests need a kernel.

#![expect(clippy::unwrap_used, reason = "a test fails where it panics")]

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    process::{Command, Output},
};

const SENDER: &str = env!("CARGO_BIN_EXE_message_sender");
const READER: &str = env!("CARGO_BIN_EXE_message_reader");

#[track_caller]
fn refused(program: &str, arguments: &[&OsStr], reason: &str) {
    let directory = tempfile::tempdir().unwrap();
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(program)
        .args(arguments)
        .env_clear()
        .current_dir(&directory)
        .output()
        .unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(1), "{arguments:?}: {stderr}");
    assert_eq!(stdout, b"", "{arguments:?}");
    assert_eq!(stderr.lines().count(), 1, "{arguments:?}: {stderr}");
    assert!(stderr.ends_with('\n'), "{arguments:?}: {stderr}");
    assert!(stderr.contains(reason), "{arguments:?}: {stderr}");
}

fn text<'a>(arguments: &'a [&'a str]) -> Vec<&'a OsStr> {
    arguments.iter().map(OsStr::new).collect()
}

#[test]
fn another_number_of_arguments_is_exit_status_1() {
    for arguments in [&[][..], &["slot"], &["slot", "1"], &["slot", "1", "a", "b"]] {
        refused(SENDER, &text(arguments), "usage: message_sender");
    }
    for arguments in [&[][..], &["slot"], &["slot", "1", "a"], &["--help"]] {
        refused(READER, &text(arguments), "usage: message_reader");
    }
}

#[test]
fn a_channel_that_is_not_a_number_is_exit_status_1() {
    for channel in [&b""[..], b"x", b"1x", b"-1", b"4294967296", b"1\n", b"\xff"] {
        let channel = OsStr::from_bytes(channel);
        let slot = OsStr::new("/dev/null");
        refused(SENDER, &[slot, channel, slot], "Invalid argument");
        refused(READER, &[slot, channel], "Invalid argument");
    }
}

#[test]
fn a_call_that_fails_is_named_with_its_errno() {
    refused(
        SENDER,
        &text(&["missing", "1", "a"]),
        "open: ENOENT: No such file or directory",
    );
    refused(READER, &text(&["missing", "1"]), "open: ENOENT");
    refused(READER, &text(&["/dev/null", "1"]), "ioctl: ENOTTY");
}
