// SPDX-License-Identifier: MIT OR Apache-2.0
//! Clause T8: the program shows progress on a terminal, and none if stdout or stderr is not a
//! terminal.

#![expect(clippy::unwrap_used, reason = "a test fails where it panics")]

use std::{
    fs::File,
    io::{PipeReader, Read, pipe},
    os::fd::OwnedFd,
    process::{Command, Stdio},
    thread,
};

use nix::pty::{Winsize, openpty};

/// Output of a run on stdout and on stderr. A terminal ends with EIO, a pipe with an end.
fn outputs(stdout: Output, stderr: Output) -> [String; 2] {
    let mut command = Command::new(env!("CARGO_BIN_EXE_threads"));
    command
        .args(["--items", "2000000"])
        .env_clear()
        .env("TERM", "xterm")
        .current_dir(std::env::temp_dir())
        .stdin(Stdio::null());
    let readers = [stdout, stderr].map(|output| output.open());
    let [(out, out_end), (err, err_end)] = readers;
    command.stdout(out_end).stderr(err_end);
    let mut child = command.spawn().unwrap();
    // It holds copies of the ends that the child writes to.
    drop(command);
    let texts = thread::scope(|scope| {
        [out, err]
            .map(|end| scope.spawn(move || read(end)))
            .map(|reader| reader.join().unwrap())
    });
    assert!(child.wait().unwrap().success(), "{texts:?}");
    texts
}

fn read(mut end: File) -> String {
    let mut bytes = Vec::new();
    // The error is the terminal's end; earlier output is in `bytes`.
    let _ = end.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[derive(Clone, Copy)]
enum Output {
    Pipe,
    Terminal,
}

impl Output {
    /// The end for reading, and the end for the program.
    fn open(self) -> (File, OwnedFd) {
        match self {
            Output::Pipe => {
                let (reader, writer) = pipe().unwrap();
                (file(reader), writer.into())
            }
            Output::Terminal => {
                let size = Winsize {
                    ws_row: 24,
                    ws_col: 80,
                    ws_xpixel: 0,
                    ws_ypixel: 0,
                };
                let pty = openpty(&size, None).unwrap();
                (pty.master.into(), pty.slave)
            }
        }
    }
}

fn file(reader: PipeReader) -> File {
    OwnedFd::from(reader).into()
}

/// Only the summary, as one line.
fn assert_summary(text: &str) {
    assert!(text.starts_with("2000000 items in order, "), "{text:?}");
    assert!(text.trim_end().ends_with(" items/s"), "{text:?}");
    assert_eq!(text.lines().count(), 1, "{text:?}");
}

#[test]
fn t8_progress_on_a_terminal() {
    let [out, err] = outputs(Output::Terminal, Output::Terminal);
    assert_summary(&out);
    assert!(err.contains("mutex") && err.contains('%'), "{err:?}");
}

#[test]
fn t8_nothing_if_stdout_is_none() {
    let [out, err] = outputs(Output::Pipe, Output::Terminal);
    assert_summary(&out);
    assert_eq!(err, "");
}

#[test]
fn t8_nothing_if_stderr_is_none() {
    let [out, err] = outputs(Output::Terminal, Output::Pipe);
    assert_summary(&out);
    assert_eq!(err, "");
}

#[test]
fn t8_nothing_if_neither_is_one() {
    let [out, err] = outputs(Output::Pipe, Output::Pipe);
    assert_summary(&out);
    assert_eq!(err, "");
}
