// SPDX-License-Identifier: MIT OR Apache-2.0
//! What has been seen of a running machine: what its agent has reported, and what its console said.

use std::{
    collections::{BTreeMap, HashMap},
    io::{BufRead, BufReader},
    os::unix::net::UnixStream,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use lab_agent::{AgentReport, CallResult, Exit, ProcessId, Stream};

/// What is kept of each of a program's streams, in bytes: the beginning. A program that never stops
/// printing would fill the host's memory, and be searched for what is waited for again and again.
const OUTPUT_MAX: usize = 4 << 20;

/// Why a machine is of no more use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The machine is gone; if QEMU ended by itself, because the guest's kernel died.
    #[error("the machine ended: {why}")]
    Ended {
        /// How QEMU ended.
        why: String,
        /// Whether somebody killed QEMU, so that the guest is not to blame.
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
    /// Host and agent do not understand each other.
    #[error("the agent was lost: {0}")]
    Lost(String),
}

/// One line of the kernel's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// 0 (emergency) to 7 (debug).
    pub level: u8,
    /// The message.
    pub text: String,
}

/// What is known of a process in the guest.
#[derive(Clone, Debug, Default)]
pub struct Process {
    /// What it has written, by stream: the first 4 MiB of each.
    pub output: BTreeMap<Stream, Vec<u8>>,
    /// How it ended, if it has.
    pub exit: Option<Exit>,
}

/// All that has been observed.
#[derive(Debug, Default)]
pub struct Observed {
    /// By number.
    pub processes: HashMap<ProcessId, Process>,
    /// Since the agent has started, without what the kernel says by itself ([`lab_console::is_aside`]).
    pub log: Vec<LogLine>,
    /// What the serial console has said since the machine was started.
    pub console: Vec<u8>,
    pub(crate) answers: HashMap<u64, CallResult>,
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

/// Take down everything that the agent reports, until the socket is closed.
pub(crate) fn listen(from_agent: UnixStream, shared: &Shared) {
    for line in BufReader::new(from_agent).lines() {
        let Ok(line) = line else { break };
        let report = match serde_json::from_str(&line) {
            Ok(report) => report,
            Err(error) => {
                shared.update(|observed| {
                    observed.trouble = Some(Trouble::Lost(format!("{error} in {line:?}")));
                });
                break;
            }
        };
        shared.update(|observed| match report {
            AgentReport::Hello { release } => observed.release = Some(release),
            AgentReport::Answer { id, outcome } => {
                observed.answers.insert(id, outcome);
            }
            AgentReport::Output {
                process,
                stream,
                data,
            } => {
                let process = observed.processes.entry(process).or_default();
                let kept = process.output.entry(stream).or_default();
                let room = OUTPUT_MAX.saturating_sub(kept.len());
                kept.extend(data.0.into_iter().take(room));
            }
            AgentReport::Exited { process, how } => {
                observed.processes.entry(process).or_default().exit = Some(how);
            }
            // What is compared, waited for or judged is what is left.
            AgentReport::Log { text, .. } if lab_console::is_aside(&text) => {}
            AgentReport::Log { level, text } => observed.log.push(LogLine { level, text }),
        });
    }
}
