// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sends the agent's reports to the host.

use std::{
    fs::File,
    io::Write,
    sync::{Arc, Mutex},
};

use lab_agent::AgentReport;

/// All threads report through it, one line at a time.
#[derive(Clone)]
pub(crate) struct Reporter(Arc<Mutex<File>>);

impl Reporter {
    /// The port to the host.
    pub(crate) fn new(port: File) -> Self {
        Reporter(Arc::new(Mutex::new(port)))
    }

    pub(crate) fn report(&self, report: &AgentReport) {
        let Ok(mut line) = serde_json::to_vec(report) else {
            return;
        };
        line.push(b'\n');
        let mut port = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        // The connection to the host is closed, so this error cannot be reported.
        let _ = port.write_all(&line);
    }
}
