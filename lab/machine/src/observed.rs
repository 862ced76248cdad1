// SPDX-License-Identifier: MIT OR Apache-2.0
//! Observations of a running machine: the reports of its agent, and its console.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io::{BufRead, BufReader, Read},
    os::unix::net::UnixStream,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use lab_agent::{AgentReport, CallResult, Exit, ProcessId, Stream};

/// Longest line of the agent, in bytes. A file of the guest is one line; the longest that is read
/// has some MiB.
const LINE_MAX: u64 = 32 << 20;

/// Most bytes of the kernel's log from one machine. Checks cause a few MiB at most.
const LOG_MAX: usize = 64 << 20;

/// Most bytes of the console of one machine.
const CONSOLE_MAX: usize = 64 << 20;

/// Bytes that are kept of each stream of a program, from its beginning. Without a limit, a program
/// that never stops printing would fill the host's memory and make each search slower.
const OUTPUT_MAX: usize = 4 << 20;

/// The reason why a machine cannot be used any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The machine has ended. If QEMU ended by itself, the guest's kernel died.
    #[error("the machine ended: {why}")]
    Ended {
        /// How QEMU ended.
        why: String,
        /// Whether somebody killed QEMU, so that the guest is not the cause.
        killed: bool,
    },
    /// An order was not answered in time.
    #[error("{what} did not return within {} s", .after.as_secs())]
    Hung {
        /// The order.
        what: String,
        /// The deadline.
        after: Duration,
    },
    /// The guest writes to the host what its agent does not write, or more than any agent would.
    #[error("the connection to the agent was lost: {0}")]
    Lost(String),
    /// The host's own part failed.
    #[error("{0}")]
    Host(String),
}

/// One line of the kernel's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// 0 (emergency) to 7 (debug).
    pub level: u8,
    /// The message.
    pub text: String,
}

/// The observations of a process in the guest.
#[derive(Clone, Debug, Default)]
pub struct Process {
    /// Its output by stream: the first 4 MiB of each.
    pub output: BTreeMap<Stream, Vec<u8>>,
    /// How it ended, if it has.
    pub exit: Option<Exit>,
}

/// All observations.
#[derive(Debug, Default)]
pub struct Observed {
    /// By number.
    pub processes: HashMap<ProcessId, Process>,
    /// Since the start of the agent, without the kernel's own remarks ([`lab_console::is_aside`]).
    pub log: Vec<LogLine>,
    /// Output of the serial console since the machine was started.
    pub console: Vec<u8>,
    /// The orders that have not been answered.
    pub(crate) asked: HashSet<u64>,
    pub(crate) answers: HashMap<u64, CallResult>,
    /// Length of all texts in `log`.
    log_bytes: usize,
    pub(crate) release: Option<String>,
    pub(crate) trouble: Option<Trouble>,
}

#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) observed: Mutex<Observed>,
    pub(crate) changed: Condvar,
}

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Observed> {
        self.observed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut Observed)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }
}

impl Observed {
    /// Keep output of the console; [`Trouble::Lost`] if it is too much.
    pub(crate) fn add_to_console(&mut self, bytes: &[u8]) {
        let room = CONSOLE_MAX.saturating_sub(self.console.len());
        self.console
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
        if bytes.len() > room {
            let why = format!("more than {} MiB on the console", CONSOLE_MAX >> 20);
            self.trouble.get_or_insert(Trouble::Lost(why));
        }
    }

    /// Keep a report of the agent.
    ///
    /// # Errors
    /// Why the agent cannot have written it.
    fn add(&mut self, report: AgentReport) -> Result<(), String> {
        match report {
            AgentReport::Hello { release } => {
                self.release.get_or_insert(release);
            }
            AgentReport::Answer { id, outcome } => {
                if !self.asked.remove(&id) {
                    return Err("an answer to an order that was not given".into());
                }
                self.answers.insert(id, outcome);
            }
            AgentReport::Output {
                process,
                stream,
                data,
            } => {
                let kept = self.started(process)?.output.entry(stream).or_default();
                let room = OUTPUT_MAX.saturating_sub(kept.len());
                kept.extend(data.0.into_iter().take(room));
            }
            AgentReport::Exited { process, how } => self.started(process)?.exit = Some(how),
            // The remaining lines are the ones that are compared, awaited or judged.
            AgentReport::Log { text, .. } if lab_console::is_aside(&text) => {}
            AgentReport::Log { level, text } => {
                self.log_bytes += text.len() + size_of::<LogLine>();
                if self.log_bytes > LOG_MAX {
                    return Err(format!("more than {} MiB of kernel log", LOG_MAX >> 20));
                }
                self.log.push(LogLine { level, text });
            }
        }
        Ok(())
    }

    fn started(&mut self, process: ProcessId) -> Result<&mut Process, String> {
        let found = self.processes.get_mut(&process);
        found.ok_or_else(|| "a report of a process that was not started".into())
    }
}

/// Record every report of the agent, until the socket is closed. From the first line with the key of
/// this machine on, each line must have it.
pub(crate) fn listen(from_agent: UnixStream, key: &str, shared: &Shared) {
    let mut from_agent = BufReader::new(from_agent);
    let mut is_known = false;
    let mut line = Vec::new();
    loop {
        line.clear();
        let limited = from_agent
            .by_ref()
            .take(LINE_MAX)
            .read_until(b'\n', &mut line);
        if limited.is_err() || line.is_empty() {
            return;
        }
        let report = match line.strip_suffix(b"\n") {
            Some(line) => read_line(line, key, &mut is_known),
            None if line.len() as u64 == LINE_MAX => {
                Err(format!("a line of more than {} MiB", LINE_MAX >> 20))
            }
            // The end of a connection.
            None => return,
        };
        let mut has_ended = false;
        shared.update(|observed| {
            if let Err(why) = report.and_then(|report| observed.add(report)) {
                has_ended = true;
                observed.trouble.get_or_insert(Trouble::Lost(why));
            }
        });
        if has_ended {
            return;
        }
    }
}

/// Bytes of a wrong line that are shown.
const SHOWN_MAX: usize = 80;

fn read_line(line: &[u8], key: &str, is_known: &mut bool) -> Result<AgentReport, String> {
    let shown = || {
        let start = &line[..line.len().min(SHOWN_MAX)];
        format!("\"{}\"", start.escape_ascii())
    };
    let report = match line.strip_prefix(key.as_bytes()) {
        Some(report) => {
            *is_known = true;
            report
        }
        None if *is_known => {
            return Err(format!("a line that the agent did not write: {}", shown()));
        }
        None => line,
    };
    serde_json::from_slice(report).map_err(|error| format!("{error} in {}", shown()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(lines: &[&str]) -> Option<Trouble> {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        for line in lines {
            std::io::Write::write_all(&mut theirs, line.as_bytes()).unwrap();
        }
        drop(theirs);
        let shared = Shared::default();
        shared.lock().asked.insert(1);
        listen(ours, "key ", &shared);
        shared.lock().trouble.clone()
    }

    const DONE: &str = r#"{"Answer":{"id":1,"outcome":{"Ok":"Done"}}}"#;

    #[test]
    fn lines_without_the_key_are_accepted_only_before_the_first_one_with_it() {
        let log = "{\"Log\":{\"level\":6,\"text\":\"x\"}}\n";
        let keyed = format!("key {DONE}\n");
        assert_eq!(said(&[log, &keyed]), None);
        let Some(Trouble::Lost(why)) = said(&[&keyed, log]) else {
            panic!("a line without the key was accepted");
        };
        assert!(
            why.starts_with("a line that the agent did not write"),
            "{why}"
        );
    }

    #[test]
    fn reports_that_the_host_did_not_ask_for_end_the_connection() {
        let twice = format!("key {DONE}\n");
        assert!(matches!(said(&[&twice, &twice]), Some(Trouble::Lost(_))));
        let output = "key {\"Exited\":{\"process\":7,\"how\":{\"Status\":0}}}\n";
        assert!(matches!(said(&[output]), Some(Trouble::Lost(_))));
        assert!(matches!(said(&["no json\n"]), Some(Trouble::Lost(_))));
    }
}
