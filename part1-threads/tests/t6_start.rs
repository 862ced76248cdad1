// SPDX-License-Identifier: MIT OR Apache-2.0
//! Clause T6, extended: a thread that cannot be started ends the run like a panic, with a message
//! and exit status 1.

use std::process::Command;

#[test]
fn t6_a_thread_that_cannot_be_started_ends_the_run() {
    // 64 MiB of addresses have room for two stacks of 24 MiB. The program needs the rest for its
    // message.
    for side in ["--producers", "--consumers"] {
        let output = Command::new("prlimit")
            .args([
                "--as=67108864",
                env!("CARGO_BIN_EXE_threads"),
                "--buffer=mutex",
            ])
            .args(["--items", "1000", side, "1024"])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("RUST_MIN_STACK", "25165824")
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert_eq!(output.stdout, b"");
        let kind = side.trim_start_matches('-').trim_end_matches('s');
        assert!(said.starts_with(&format!("threads: {kind} ")), "{said}");
        assert!(said.contains(" could not be started: "), "{said}");
    }
}
