// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where stdout is no terminal.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdout, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    copy::{Copy, LIBRARY},
    processes::{family_of, left_of},
    wait::until,
};

/// The program with pipes. It is killed with this value.
struct Watched {
    child: Child,
    lines: Receiver<String>,
}

impl Watched {
    fn start(copy: &Copy) -> Self {
        let mut command = copy.watch();
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (send, lines) = channel();
        let stdout: ChildStdout = child.stdout.take().unwrap();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        Watched { child, lines }
    }

    /// Wait for a line that contains this text, and return the lines up to it.
    fn wait_for(&self, text: &str) -> String {
        let mut seen = String::new();
        until(
            &format!("{text:?}"),
            || {
                while let Ok(line) = self.lines.try_recv() {
                    seen = std::mem::take(&mut seen) + &line + "\n";
                    if line.contains(text) {
                        return Some(());
                    }
                }
                None
            },
            String::new,
        );
        seen
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn lines_have_no_escape_sequence_and_sigint_ends_a_build() {
    let copy = Copy::new();
    let mut watched = Watched::start(&copy);
    let first = watched.wait_for("hello pass");
    for expected in [
        "Step hello: start",
        "1. insert the module",
        "part2/H1-demonstration: 5 of 5 steps passed",
    ] {
        assert!(first.contains(expected), "{first}");
    }
    assert!(!first.contains('\x1b'), "{first:?}");

    let mut stdin = watched.child.stdin.take().unwrap();
    writeln!(stdin, "l").unwrap();
    watched.wait_for("> hello      pass");

    // cargo builds six programs.
    let library = copy.read(LIBRARY) + "\n// changed\n";
    fs::write(copy.path.join(LIBRARY), library).unwrap();
    watched.wait_for("Step hello: part2-netlink/src/lib.rs changed");
    let pid = watched.child.id();
    let family = until(
        "cargo",
        || {
            let family = family_of(pid);
            let is_cargo = family.iter().any(|process| process.name == "cargo");
            is_cargo.then_some(family)
        },
        || format!("{:?}", family_of(pid)),
    );
    kill(Pid::from_raw(pid.cast_signed()), Signal::SIGINT).unwrap();
    assert!(watched.child.wait().unwrap().success());
    assert_eq!(left_of(&family), []);
}
