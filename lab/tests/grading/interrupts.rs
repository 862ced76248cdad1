// SPDX-License-Identifier: MIT OR Apache-2.0
//! Grading that is ended in the middle reports the checks that have ended by then.

use std::{
    io::{BufRead, BufReader, Read},
    process::Stdio,
};

use lab_base::environment::command;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{program::program, whole::changed};

#[test]
fn what_was_checked_before_a_hang_is_reported() {
    let hangs = "	if (command == MSG_SLOT_CHANNEL && id == 0)
		for (;;)
			schedule_timeout_uninterruptible(HZ);
	if (command != MSG_SLOT_CHANNEL || id == 0)";
    let submission = changed(&[(
        "message_slot.c",
        "	if (command != MSG_SLOT_CHANNEL || id == 0)",
        hangs,
    )]);
    // I3-zero hangs; two checks come before it, and two behind it.
    let mut child = command(program())
        .args(["grade", "--kernel", "stock", "--machines", "1", "--verbose"])
        .args(["--check", "message-slot/I"])
        .arg(submission.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stderr.take().unwrap());
    let mut said = said.lines().map(Result::unwrap);
    said.find(|line| line == "pass message-slot/I2-unknown")
        .unwrap();
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).unwrap();
    let rest: Vec<String> = said.collect();
    let mut text = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    assert!(rest.concat().contains("interrupted: "), "{rest:?}");
    assert_eq!(child.wait().unwrap().code(), Some(3), "{text}");
    assert!(text.contains("message-slot/I1-chosen ... pass"), "{text}");
    assert!(text.contains("not carried out "), "{text}");
    assert!(text.contains("I4-ids I4-many\n"), "{text}");
    assert!(!text.contains("TIMEOUT"), "{text}");
    assert!(text.contains("no score: "), "{text}");
}
