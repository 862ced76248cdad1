// SPDX-License-Identifier: MIT OR Apache-2.0
//! QMP, as much of it as saving and restoring a machine takes (QEMU's docs/interop/qmp-spec.txt): one JSON value
//! per line, a greeting first, events in between.

use std::{
    io::{BufRead, BufReader, Write},
    os::{fd::OwnedFd, unix::net::UnixStream},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{Error, Result};

/// How long QEMU may take to answer. It does at once, or has ended, which is noticed; a busy host
/// may have no processor for it.
const PATIENCE: Duration = Duration::from_secs(300);

/// How long saving may take; it takes a tenth of a second on an idle host.
const SAVE_LIMIT: Duration = Duration::from_secs(300);

/// Both ends of a connection: ours, and the one for [`crate::qemu::Launch`].
///
/// # Errors
/// [`Error::Io`].
pub fn pair() -> Result<(UnixStream, OwnedFd)> {
    let (ours, theirs) = UnixStream::pair().map_err(Error::io("creating a socket pair"))?;
    Ok((ours, theirs.into()))
}

/// A connection to a QEMU that takes commands.
pub struct Monitor {
    answers: BufReader<UnixStream>,
}

impl Monitor {
    /// Wait for the greeting and start taking commands.
    ///
    /// # Errors
    /// [`Error::Io`] if QEMU hangs up or says nothing.
    pub fn connect(stream: UnixStream) -> Result<Self> {
        stream
            .set_read_timeout(Some(PATIENCE))
            .map_err(Error::io("setting a time limit"))?;
        let mut monitor = Monitor {
            answers: BufReader::new(stream),
        };
        monitor.line()?;
        monitor.execute("qmp_capabilities", &json!({}))?;
        Ok(monitor)
    }

    /// Have QEMU carry out a command and return what it returns.
    ///
    /// # Errors
    /// [`Error::Tool`] with QEMU's words if it refuses, [`Error::Io`] if it does not answer.
    pub fn execute(&mut self, command: &str, arguments: &Value) -> Result<Value> {
        let order = format!("{}\n", json!({"execute": command, "arguments": arguments}));
        self.answers
            .get_mut()
            .write_all(order.as_bytes())
            .map_err(Error::io(format!("telling QEMU to {command}")))?;
        loop {
            let mut answer = self.line()?;
            if let Some(value) = answer.get_mut("return") {
                return Ok(value.take());
            }
            if let Some(error) = answer.get("error") {
                return Err(Error::Tool {
                    what: format!("QEMU's {command}"),
                    status: error["class"].as_str().unwrap_or_default().into(),
                    output: error["desc"].as_str().unwrap_or_default().into(),
                });
            }
            // An event.
        }
    }

    /// Leave the memory of the machine out of what is saved and loaded: it is in a file already.
    fn ignore_shared_memory(&mut self) -> Result<()> {
        let capability = json!({"capability": "x-ignore-shared", "state": true});
        let arguments = json!({"capabilities": [capability]});
        self.execute("migrate-set-capabilities", &arguments)
            .map(drop)
    }

    /// Save everything but the memory of the machine into `file`, relative to QEMU's directory;
    /// the machine does not run on.
    ///
    /// # Errors
    /// QEMU's words.
    pub fn save(&mut self, file: &str) -> Result<()> {
        self.ignore_shared_memory()?;
        // QEMU does not say whether all of it has found room: without the file nobody takes a part
        // for the whole.
        let uri = format!("exec:cat > {file} || rm {file}");
        self.execute("migrate", &json!({"uri": uri}))?;
        let deadline = Instant::now() + SAVE_LIMIT;
        loop {
            let answer = self.execute("query-migrate", &json!({}))?;
            match answer["status"].as_str() {
                Some("completed") => return Ok(()),
                Some("active" | "setup" | "device") if Instant::now() < deadline => {}
                _ => return Err(Error::Unexpected(format!("QEMU does not save: {answer}"))),
            }
        }
    }

    /// Load what [`Monitor::save`] has saved into a machine that waits for it; it runs on.
    ///
    /// # Errors
    /// QEMU's words, if it notices that it cannot; what is wrong with the file's contents ends
    /// QEMU instead.
    pub fn load(&mut self, file: &str) -> Result<()> {
        self.ignore_shared_memory()?;
        let arguments = json!({"uri": format!("exec:cat {file}")});
        self.execute("migrate-incoming", &arguments).map(drop)
    }

    fn line(&mut self) -> Result<Value> {
        let mut line = String::new();
        self.answers
            .read_line(&mut line)
            .map_err(Error::io("reading what QEMU says"))?;
        serde_json::from_str(&line)
            .map_err(|error| Error::Unexpected(format!("QEMU says {line:?}: {error}")))
    }
}
