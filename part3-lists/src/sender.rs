// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sending side: requests, one at a time, each with its answer.

use std::{
    io::{PipeReader, PipeWriter, Read},
    os::fd::{AsFd, BorrowedFd},
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
};

use netlink_client::{
    Error,
    ready::{Stop, first_ready},
    socket::Socket,
};
use nix::errno::Errno;
use protocol::{
    netlink::{Header, NLM_F_ACK, NLM_F_REQUEST, NLMSG_NOOP, PortId},
    router::{Report, Request},
};

use crate::receiver::{Note, Receiver};

/// The result of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was carried out.
    Done(Report),
    /// The module has handled it, but its answer found a full queue.
    Unknown,
    /// A signal came first.
    Stopped,
    /// The other thread has failed; [`Sender::join`] returns the reason.
    Ended,
}

/// Sends requests. A thread of its own prints messages meanwhile.
pub struct Sender {
    socket: Arc<Socket>,
    notes: mpsc::Receiver<Note>,
    bell: PipeReader,
    hangup: PipeWriter,
    thread: JoinHandle<Result<(), Error>>,
    seq: u32,
}

impl Sender {
    /// Start the receiving thread.
    ///
    /// # Errors
    /// [`Error::Call`] if pipe(2) or clone(2) fails.
    pub fn start(socket: Socket) -> Result<Self, Error> {
        let socket = Arc::new(socket);
        let pipe = || std::io::pipe().map_err(|error| Error::io("pipe", &error));
        let (bell, bell_end) = pipe()?;
        let (hangup_end, hangup) = pipe()?;
        let (notes_end, notes) = mpsc::channel();
        let receiver = Receiver {
            socket: socket.clone(),
            notes: notes_end,
            bell: bell_end,
            hangup: hangup_end,
            expected: 1,
        };
        let thread = thread::Builder::new()
            .name("receiver".into())
            .spawn(move || receiver.run())
            .map_err(|error| Error::io("clone", &error))?;
        Ok(Sender {
            socket,
            notes,
            bell,
            hangup,
            thread,
            seq: 0,
        })
    }

    /// Readable when the other thread has a note; see [`Sender::note`].
    pub fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    /// The next note of the other thread. Blocks; `None` if the thread has ended, which it does by
    /// itself only after an error.
    ///
    /// # Errors
    /// [`Error::Call`] if read(2) fails.
    pub fn note(&mut self) -> Result<Option<Note>, Error> {
        let read = self.bell.read(&mut [0]);
        match read.map_err(|error| Error::io("read", &error))? {
            0 => Ok(None),
            _ => Ok(self.notes.recv().ok()),
        }
    }

    /// Send a request and wait for its answer. Blocks.
    ///
    /// # Errors
    /// [`Error::Call`] named `name`: the errno and the reason of the refusal; or the system call
    /// that failed.
    pub fn request(
        &mut self,
        name: &'static str,
        request: &Request<'_>,
        stop: &Stop,
    ) -> Result<Outcome, Error> {
        // lab:begin sender-request: wait for its answer, its loss, or a signal (L3, L4)
        let asked = self.send(request.kind(), &request.payload())?;
        let mut fence = None;
        loop {
            if first_ready(&[stop.as_fd(), self.bell()])? == 0 {
                return Ok(Outcome::Stopped);
            }
            let Some(note) = self.note()? else {
                return Ok(Outcome::Ended);
            };
            match note {
                Note::Answer { seq, ack, report } if seq == asked => {
                    return match ack.errno {
                        0 => Ok(Outcome::Done(report)),
                        _ => Err(Error::refused(name, ack)),
                    };
                }
                // Answers come in order, so earlier requests without an answer never get one.
                Note::Answer { seq, .. } if Some(seq) == fence => return Ok(Outcome::Unknown),
                Note::Answer { .. } => {}
                Note::Overrun => fence = Some(self.send(NLMSG_NOOP, b"")?),
            }
        }
        // lab:end stub: Err(Error::call(name, Errno::ENOSYS))
    }

    fn send(&mut self, kind: u16, payload: &[u8]) -> Result<u32, Error> {
        self.seq = self.seq.wrapping_add(1);
        let header = Header {
            kind,
            flags: NLM_F_REQUEST | NLM_F_ACK,
            seq: self.seq,
            portid: PortId::KERNEL,
        };
        self.socket.send(header, payload)?;
        Ok(self.seq)
    }

    /// End the other thread and wait for it. Messages that were queued before the last answer have
    /// been printed.
    ///
    /// # Errors
    /// The error of the other thread.
    pub fn join(self) -> Result<(), Error> {
        drop(self.hangup);
        // A panic has been reported on stderr already.
        let panicked = |_| Err(Error::call("clone", Errno::ECANCELED));
        self.thread.join().unwrap_or_else(panicked)
    }
}
