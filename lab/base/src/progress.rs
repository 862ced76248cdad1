// SPDX-License-Identifier: MIT OR Apache-2.0
//! Progress messages for work that takes longer than a second.

use std::{
    io::IsTerminal,
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

/// Time between two lines about the same work, where there is no terminal.
const STILL: Duration = Duration::from_secs(20);

/// Write a line from time to time until the sender is dropped.
fn still_working(message: &str, is_done: &Receiver<()>) {
    let begin = Instant::now();
    while is_done.recv_timeout(STILL) == Err(RecvTimeoutError::Timeout) {
        eprintln!("{message} ... {} s", begin.elapsed().as_secs());
    }
}

/// Do `work`. If it takes longer than a second, show this on stderr: as a spinner on a terminal, as
/// lines elsewhere.
pub fn while_busy<T>(message: &str, work: impl FnOnce() -> T) -> T {
    let (done, is_done) = channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            if is_done.recv_timeout(Duration::from_secs(1)) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            if !std::io::stderr().is_terminal() {
                eprintln!("{message} ...");
                return still_working(message, &is_done);
            }
            let spinner = ProgressBar::new_spinner()
                .with_style(style("{spinner} {msg} ({elapsed})"))
                .with_message(message.to_owned());
            spinner.enable_steady_tick(Duration::from_millis(100));
            // The sender is dropped when `work` ends, and `recv` returns an error.
            let _ = is_done.recv();
            spinner.finish_and_clear();
        });
        let result = work();
        drop(done);
        result
    })
}

/// Shows the names of consecutive tasks, for work of unknown length.
pub struct Names {
    message: String,
    begin: Instant,
    spinner: Option<ProgressBar>,
    /// Ends the lines about work without news.
    _done: Option<Sender<()>>,
}

/// Show the names on stderr: beside a spinner on a terminal; elsewhere one line per task that takes
/// longer than two seconds.
pub fn names(message: &str) -> Names {
    let spinner = std::io::stderr().is_terminal().then(|| {
        ProgressBar::new_spinner()
            .with_style(style("{spinner} {prefix}: {msg} ({elapsed})"))
            .with_prefix(message.to_owned())
    });
    let lines = || {
        let (done, is_done) = channel();
        let message = message.to_owned();
        let watch = move || still_working(&message, &is_done);
        // Without this thread there are fewer lines.
        let started = thread::Builder::new().name("progress".into()).spawn(watch);
        started.ok().map(|_| done)
    };
    Names {
        message: message.to_owned(),
        begin: Instant::now(),
        _done: if spinner.is_none() { lines() } else { None },
        spinner,
    }
}

impl Names {
    /// The task that has just ended.
    pub fn next(&self, name: &str) {
        match &self.spinner {
            Some(spinner) => {
                spinner.enable_steady_tick(Duration::from_millis(100));
                spinner.set_message(name.to_owned());
            }
            None if self.begin.elapsed() > Duration::from_secs(2) => {
                eprintln!("{}: {name}", self.message);
            }
            None => {}
        }
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }
}

/// A bar for work with a known number of steps, on a terminal only.
pub fn bar(message: &str, steps: u64) -> ProgressBar {
    ProgressBar::new(steps)
        .with_style(style("{msg} [{bar:30}] {pos}/{len} {elapsed}, {eta} to go"))
        .with_message(message.to_owned())
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
