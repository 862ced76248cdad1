// SPDX-License-Identifier: MIT OR Apache-2.0
//! The part of QMP that saves and restores a machine (QEMU's docs/interop/qmp-spec.txt): one JSON
//! value per line, a greeting first, events in between.

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

/// How long QEMU may take to answer. It answers at once, unless the host is busy. The end of QEMU
/// is noticed separately.
const PATIENCE: Duration = Duration::from_secs(300);

/// How long saving may take. It takes a tenth of a second on an idle host.
const SAVE_LIMIT: Duration = Duration::from_secs(300);

/// QEMU's name of the descriptor through which a state passes.
const GIVEN_NAME: &str = "state";
/// The same descriptor as a source or target of a state.
const GIVEN: &str = "fd:state";

fn pipe() -> Result<(PipeReader, PipeWriter)> {
    std::io::pipe().map_err(Error::io("creating a pipe"))
}

/// Both ends of a connection: the lab's own, and the one for [`crate::qemu::Launch`].
///
/// # Errors
/// [`Error::Io`].
pub fn pair() -> Result<(UnixStream, OwnedFd)> {
    let (ours, theirs) = UnixStream::pair().map_err(Error::io("creating a socket pair"))?;
    Ok((ours, theirs.into()))
}

/// A connection to a QEMU that accepts commands.
pub struct Monitor {
    answers: BufReader<UnixStream>,
}

impl Monitor {
    /// Wait for the greeting and enable commands.
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

    /// Make QEMU carry out a command, and return the result.
    ///
    /// # Errors
    /// [`Error::Tool`] with QEMU's message if it refuses, [`Error::Io`] if it does not answer.
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

    /// Leave the machine's memory out of the state, because it is in a file already.
    fn ignore_shared_memory(&mut self) -> Result<()> {
        let capability = json!({"capability": "x-ignore-shared", "state": true});
        let arguments = json!({"capabilities": [capability]});
        self.execute("migrate-set-capabilities", &arguments)
            .map(drop)
    }

    /// Save everything but the machine's memory, and return it. The machine does not continue.
    ///
    /// # Errors
    /// QEMU's message.
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
        // The pipe ends when QEMU has closed it.
        is_read
            .recv_timeout(SAVE_LIMIT)
            .map_err(|_| Error::Unexpected("QEMU does not end saving".into()))?
            .map_err(Error::io("reading the state that QEMU saves"))
    }

    /// Load the result of [`Monitor::save`] into a machine that waits for it. The machine
    /// continues.
    ///
    /// # Errors
    /// QEMU's message, if it notices that it cannot load the state. Wrong contents end QEMU
    /// instead.
    pub fn load(&mut self, state: Vec<u8>) -> Result<()> {
        self.ignore_shared_memory()?;
        let (theirs, mut ours) = pipe()?;
        self.give(&theirs)?;
        drop(theirs);
        // This thread ends when QEMU has read everything or has ended. Its end is noticed
        // elsewhere.
        thread::spawn(move || ours.write_all(&state));
        self.execute("migrate-incoming", &json!({"uri": GIVEN}))
            .map(drop)
    }

    /// Give QEMU a descriptor with the name [`GIVEN`]. In its sandbox, QEMU cannot start a program
    /// that would read or write for it.
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
            return Err(Error::Unexpected(format!(
                "{what}: the command was not sent completely"
            )));
        }
        self.answer("getfd").map(drop)
    }

    fn line(&mut self) -> Result<Value> {
        let mut line = String::new();
        self.answers
            .read_line(&mut line)
            .map_err(Error::io("reading the answer of QEMU"))?;
        serde_json::from_str(&line)
            .map_err(|error| Error::Unexpected(format!("QEMU says {line:?}: {error}")))
    }
}
