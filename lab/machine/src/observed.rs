// SPDX-License-Identifier: MIT OR Apache-2.0
//! Observations of a running machine: the reports of its agent, and its console.

use std::{
    collections::{BTreeMap, HashMap},
    io::{BufRead, BufReader},
    os::unix::net::UnixStream,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use lab_agent::{AgentReport, CallResult, Exit, ProcessId, Stream};

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
        /// Whether a signal killed QEMU, so that the guest is not the cause.
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
    #[error("the connection to the agent was lost: {0}")]
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

/// Record every report of the agent, until the socket is closed.
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
            // The remaining lines are the ones that are compared, awaited or judged.
            AgentReport::Log { text, .. } if lab_console::is_aside(&text) => {}
            AgentReport::Log { level, text } => observed.log.push(LogLine { level, text }),
        });
    }
}
