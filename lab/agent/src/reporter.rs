// SPDX-License-Identifier: MIT OR Apache-2.0
//! How the agent tells the host something.

use std::{
    fs::File,
    io::Write,
    sync::{Arc, Mutex},
};

use lab_agent::AgentReport;

/// The one way out: every thread reports through it, a line at a time.
#[derive(Clone)]
pub(crate) struct Reporter(Arc<Mutex<File>>);

impl Reporter {
    /// To the host.
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
        // A host that is gone cannot be told so.
        let _ = port.write_all(&line);
    }
}
