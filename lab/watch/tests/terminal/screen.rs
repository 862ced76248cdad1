// SPDX-License-Identifier: MIT OR Apache-2.0
//! In a terminal of tmux.

use std::{fs, process::Output};

use lab_base::environment::command;

use crate::{
    copy::{Copy, HANGS, LINE, MODULE, REFUSES, SILENT, WRONG},
    processes::{family_of, left_of},
    wait::until,
};

/// A terminal with a shell that runs the program and then says how the terminal was left. The server
/// of tmux ends with this value.
struct Terminal {
    /// The directory of the server's socket.
    place: tempfile::TempDir,
}

/// Said by the shell when the program has ended.
const ENDED: &str = "ended with";

impl Terminal {
    fn open(copy: &Copy) -> Self {
        let terminal = Terminal {
            place: tempfile::tempdir().unwrap(),
        };
        let watch = copy.watch();
        let words = [watch.get_program()].into_iter().chain(watch.get_args());
        let line: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
        let script = format!(
            "unset BUILD IPCLAB_CHECKOUT; {}; echo {ENDED} $?; \
             stty -a | grep -ow -e -icanon -e icanon -e -echo -e echo; exec cat",
            line.join(" ")
        );
        let output = terminal.tmux(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            "80",
            "-y",
            "24",
            &script,
        ]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        terminal
    }

    fn tmux(&self, arguments: &[&str]) -> Output {
        let socket = self.place.path().join("socket");
        command("tmux")
            .arg("-S")
            .arg(socket)
            .args(arguments)
            .output()
            .expect("tmux is installed; to mend it: lab/setup.sh test")
    }

    fn shown(&self) -> String {
        let output = self.tmux(&["capture-pane", "-p"]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Wait until all of these texts are on the screen, and return the screen.
    fn wait_for(&self, texts: &[&str]) -> String {
        let look = || {
            let shown = self.shown();
            texts
                .iter()
                .all(|text| shown.contains(text))
                .then_some(shown)
        };
        until(&format!("{texts:?}"), look, || self.shown())
    }

    fn press(&self, key: &str) {
        assert!(self.tmux(&["send-keys", key]).status.success());
    }

    /// The pid of the shell.
    fn pid(&self) -> u32 {
        let output = self.tmux(&["display-message", "-p", "#{pane_pid}"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.trim().parse().unwrap()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

#[test]
fn what_is_saved_is_shown_until_the_key_q_leaves_nothing_behind() {
    let copy = Copy::new();
    let terminal = Terminal::open(&copy);
    terminal.wait_for(&["hello pass", "pass  5. remove the module", "q quit"]);

    copy.save_with(WRONG);
    terminal.wait_for(&["hello FAIL", "nl_hello.ko does not compile", "expected ';'"]);
    terminal.press("h");
    terminal.wait_for(&["there is no hint for code that does not compile"]);

    // While it waits for the answer, a new save ends the run.
    copy.save_with(SILENT);
    terminal.wait_for(&["hello running", "2. send a text to the kernel"]);
    copy.save_with(LINE);
    terminal.wait_for(&["hello pass"]);

    let module = copy.path.join(MODULE);
    let away = module.with_extension("away");
    fs::rename(&module, &away).unwrap();
    terminal.wait_for(&["hello FAIL", "No rule to make target"]);
    fs::rename(&away, &module).unwrap();
    terminal.wait_for(&["hello pass"]);

    terminal.tmux(&["resize-window", "-x", "40", "-y", "12"]);
    terminal.wait_for(&["hello pass", "h hint n next l list d diagram q quit"]);
    terminal.press("l");
    terminal.wait_for(&["> hello      pass", "pubsub     not run yet"]);

    copy.save_with(HANGS);
    terminal.wait_for(&["hello running", "2. send a text to the kernel"]);
    let family = family_of(terminal.pid());
    let names: Vec<_> = family.iter().map(|process| &*process.name).collect();
    assert!(
        names.iter().any(|name| name.starts_with("qemu")),
        "{names:?}"
    );
    terminal.press("q");
    let last = terminal.wait_for(&[&format!("{ENDED} 0"), "icanon", "echo"]);
    assert!(
        !last.contains("-icanon") && !last.contains("-echo"),
        "{last}"
    );
    // The shell has become cat.
    let left = left_of(&family[1..]);
    assert_eq!(left, []);
}

#[test]
fn a_failure_is_shown_with_expectation_and_observation() {
    let copy = Copy::new();
    copy.save_with(REFUSES);
    let terminal = Terminal::open(&copy);
    let shown = terminal.wait_for(&["hello FAIL", "got:"]);
    let expected = "expected: asker prints \"Hello from kernel: hello from user space\"";
    assert!(shown.contains(expected), "{shown}");
    assert!(
        shown.contains("FAIL  2. send a text to the kernel"),
        "{shown}"
    );
    terminal.press("C-c");
    terminal.wait_for(&[&format!("{ENDED} 0")]);
}
