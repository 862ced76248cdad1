// SPDX-License-Identifier: MIT OR Apache-2.0
//! The thread that prints messages, and passes answers to the sending thread.

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

/// A note for the sending thread.
#[derive(Debug)]
pub enum Note {
    /// A request was answered.
    Answer {
        /// Its sequence number.
        seq: u32,
        /// The module's answer.
        ack: Ack,
        /// The result of a publication.
        report: Report,
    },
    /// Messages were lost, perhaps an answer. All others have been read.
    Overrun,
}

/// The data of the thread.
pub(crate) struct Receiver {
    pub(crate) socket: Arc<Socket>,
    pub(crate) notes: mpsc::Sender<Note>,
    /// A byte for each note, to wake a thread that waits in poll(2).
    pub(crate) bell: PipeWriter,
    /// Hung up when the thread must end.
    pub(crate) hangup: PipeReader,
    /// Number of the next message, unless some are lost.
    pub(crate) expected: u32,
}

impl Receiver {
    /// Print and pass on until the other thread hangs up.
    pub(crate) fn run(mut self) -> Result<(), Error> {
        // lab:begin receiver-run: read all datagrams, until the other thread hangs up (L4, N10)
        let mut buffer = [0; RECEIVE_MAX];
        let mut overrun = false;
        loop {
            match receive(&self.socket, &mut buffer)? {
                Received::Datagram(datagram) => {
                    for message in messages(datagram) {
                        self.take(message?)?;
                    }
                }
                // While the queue stays congested, the kernel drops further answers silently. So
                // the note waits until all datagrams have been read.
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
        // lab:begin receiver-take: answers go to the sending thread, messages to stdout (L2, L4, N6)
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
        // No receiver is left: the program ends.
        let _ = self.notes.send(note);
        let _ = self.bell.write_all(&[0]);
    }
}

/// One line: the publisher and the body.
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
