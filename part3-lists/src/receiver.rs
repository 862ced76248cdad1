// SPDX-License-Identifier: MIT OR Apache-2.0
//! The thread that prints what arrives, and passes answers on to the one that asked.

use std::{
    io::{PipeReader, PipeWriter, Write},
    os::fd::AsFd,
    sync::{Arc, mpsc},
};

use netlink_client::{Error, ready::first_ready, socket::Socket};
use protocol::{
    netlink::{Ack, Message, messages},
    router::{DATA, Data, Report},
};

use crate::datagram::{RECEIVE_MAX, Received, receive};

/// What the sending thread has to know.
#[derive(Debug)]
pub enum Note {
    /// A request was answered.
    Answer {
        /// Its sequence number.
        seq: u32,
        /// What the module says.
        ack: Ack,
        /// What became of a publication.
        report: Report,
    },
    /// Something was lost, perhaps an answer; all that was not has been read.
    Overrun,
}

/// What the thread works with.
pub(crate) struct Receiver {
    pub(crate) socket: Arc<Socket>,
    pub(crate) notes: mpsc::Sender<Note>,
    /// A byte for each note, to wake whoever waits for several things.
    pub(crate) bell: PipeWriter,
    /// Hung up when there is nothing more to be done.
    pub(crate) hangup: PipeReader,
    /// Number of the next message, if none is lost.
    pub(crate) expected: u32,
}

impl Receiver {
    /// Print and pass on until the other side hangs up.
    pub(crate) fn run(mut self) -> Result<(), Error> {
        // lab:begin receiver-run: all that arrives, until the other thread hangs up (L4, N10)
        let mut buffer = [0; RECEIVE_MAX];
        let mut overrun = false;
        loop {
            match receive(&self.socket, &mut buffer)? {
                Received::Datagram(datagram) => {
                    for message in messages(datagram) {
                        self.take(message?)?;
                    }
                }
                // While the queue stays congested the kernel drops answers without saying so
                // again: the note has to wait until all has been read.
                Received::Overrun => overrun = true,
                Received::Nothing => {
                    if std::mem::take(&mut overrun) {
                        self.pass(Note::Overrun);
                    }
                    if first_ready(&[self.socket.as_fd(), self.hangup.as_fd()])? == 1 {
                        return Ok(());
                    }
                }
            }
        }
        // lab:end stub: Err(Error::call("receive", nix::errno::Errno::ENOSYS))
    }

    fn take(&mut self, message: Message<'_>) -> Result<(), Error> {
        // lab:begin receiver-take: answers go to who asked, messages to stdout (L2, L4, N6)
        let seq = message.header.seq;
        if let Some(ack) = message.ack()? {
            let report = message.ack_cookie().and_then(Report::decode);
            let report = report.unwrap_or_default();
            self.pass(Note::Answer { seq, ack, report });
        } else if message.header.kind == DATA {
            let lost = seq.wrapping_sub(self.expected);
            if lost != 0 {
                eprintln!("router-client: {lost} messages were lost");
            }
            self.expected = seq.wrapping_add(1);
            print(&Data::decode(message.payload)?)?;
        }
        Ok(())
        // lab:end stub: Err(Error::call("receive", nix::errno::Errno::ENOSYS))
    }

    fn pass(&mut self, note: Note) {
        // Nobody there to take it: the program ends.
        let _ = self.notes.send(note);
        let _ = self.bell.write_all(&[0]);
    }
}

/// One line: who has published it, and what.
fn print(data: &Data<'_>) -> Result<(), Error> {
    let mut line = format!("portid {}: ", data.sender).into_bytes();
    line.extend_from_slice(data.body);
    line.push(b'\n');
    let mut stdout = std::io::stdout();
    stdout
        .write_all(&line)
        .and_then(|()| stdout.flush())
        .map_err(|error| Error::io("write", &error))
}
