// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sends the agent's reports to the host.

use std::{
    fs::File,
    io::Write,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use lab_agent::AgentReport;

/// All threads report through it, one line at a time.
#[derive(Clone)]
pub(crate) struct Reporter(Arc<Mutex<Port>>);

struct Port {
    file: File,
    /// The beginning of each line, once the host has given one.
    key: String,
}

impl Reporter {
    /// The port to the host.
    pub(crate) fn new(port: File) -> Self {
        Reporter(Arc::new(Mutex::new(Port {
            file: port,
            key: String::new(),
        })))
    }

    /// Begin each later line with this key.
    pub(crate) fn use_key(&self, key: String) {
        self.port().key = key;
    }

    pub(crate) fn report(&self, report: &AgentReport) {
        let Ok(report) = serde_json::to_vec(report) else {
            return;
        };
        let mut port = self.port();
        let line = [port.key.as_bytes(), &report, b"\n"].concat();
        // The connection to the host is closed, so this error cannot be reported.
        let _ = port.file.write_all(&line);
    }

    fn port(&self) -> MutexGuard<'_, Port> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
