// SPDX-License-Identifier: MIT OR Apache-2.0
//! QMP, as much of it as saving and restoring a machine takes (QEMU's docs/interop/qmp-spec.txt): one JSON value
//! per line, a greeting first, events in between.

use std::{
    io::{BufRead, BufReader, IoSlice, PipeReader, PipeWriter, Read, Write},
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::net::UnixStream,
    },
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use lab_base::{Error, Result};
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use serde_json::{Value, json};

/// How long QEMU may take to answer. It does at once, or has ended, which is noticed; a busy host
/// may have no processor for it.
const PATIENCE: Duration = Duration::from_secs(300);

/// How long saving may take; it takes a tenth of a second on an idle host.
const SAVE_LIMIT: Duration = Duration::from_secs(300);

/// The descriptor that a state goes through, by the name that QEMU knows it by.
const GIVEN_NAME: &str = "state";
/// The same as a place to save to and to load from.
const GIVEN: &str = "fd:state";

fn pipe() -> Result<(PipeReader, PipeWriter)> {
    std::io::pipe().map_err(Error::io("creating a pipe"))
}

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
        self.answer(command)
    }

    /// Wait for the answer to a command.
    fn answer(&mut self, command: &str) -> Result<Value> {
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

    /// Save everything but the memory of the machine and return it; the machine does not run on.
    ///
    /// # Errors
    /// QEMU's words.
    pub fn save(&mut self) -> Result<Vec<u8>> {
        self.ignore_shared_memory()?;
        let (mut ours, theirs) = pipe()?;
        self.give(&theirs)?;
        drop(theirs);
        let (read, is_read) = mpsc::channel();
        thread::spawn(move || {
            let mut state = Vec::new();
            let _ = read.send(ours.read_to_end(&mut state).map(|_| state));
        });
        self.execute("migrate", &json!({"uri": GIVEN}))?;
        let deadline = Instant::now() + SAVE_LIMIT;
        loop {
            let answer = self.execute("query-migrate", &json!({}))?;
            match answer["status"].as_str() {
                Some("completed") => break,
                Some("active" | "setup" | "device") if Instant::now() < deadline => {}
                _ => return Err(Error::Unexpected(format!("QEMU does not save: {answer}"))),
            }
        }
        // The pipe is at its end when QEMU has closed it.
        is_read
            .recv_timeout(SAVE_LIMIT)
            .map_err(|_| Error::Unexpected("QEMU does not end saving".into()))?
            .map_err(Error::io("reading what QEMU saves"))
    }

    /// Load what [`Monitor::save`] has returned into a machine that waits for it; it runs on.
    ///
    /// # Errors
    /// QEMU's words, if it notices that it cannot; what is wrong with the contents ends
    /// QEMU instead.
    pub fn load(&mut self, state: Vec<u8>) -> Result<()> {
        self.ignore_shared_memory()?;
        let (theirs, mut ours) = pipe()?;
        self.give(&theirs)?;
        drop(theirs);
        // It ends when QEMU has read all, or has gone, which is noticed elsewhere.
        thread::spawn(move || ours.write_all(&state));
        self.execute("migrate-incoming", &json!({"uri": GIVEN}))
            .map(drop)
    }

    /// Give QEMU a descriptor, which it knows as [`GIVEN`] then. In its sandbox it cannot start a
    /// program to read or write for it.
    fn give(&mut self, fd: &impl AsRawFd) -> Result<()> {
        let what = "giving QEMU a descriptor";
        let order = json!({"execute": "getfd", "arguments": {"fdname": GIVEN_NAME}});
        let order = format!("{order}\n");
        let sent = sendmsg::<()>(
            self.answers.get_ref().as_raw_fd(),
            &[IoSlice::new(order.as_bytes())],
            &[ControlMessage::ScmRights(&[fd.as_raw_fd()])],
            MsgFlags::empty(),
            None,
        )
        .map_err(|errno| Error::io(what)(errno.into()))?;
        if sent != order.len() {
            return Err(Error::Unexpected(format!("{what}: the order was cut")));
        }
        self.answer("getfd").map(drop)
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
