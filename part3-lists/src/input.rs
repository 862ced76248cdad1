// SPDX-License-Identifier: MIT OR Apache-2.0
//! Waiting for several things at once, among them a signal that ends the program; lines of stdin.

use std::os::fd::{AsFd, BorrowedFd};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        signal::{SigSet, Signal},
        signalfd::{SfdFlags, SignalFd},
    },
    unistd::read,
};

use crate::Error;

/// Wait until one of `fds` can be read or has been hung up, and say which: the first of them.
///
/// # Errors
/// [`Error::Call`] if poll(2) fails.
pub fn first_ready(fds: &[BorrowedFd<'_>]) -> Result<usize, Error> {
    let mut fds: Vec<_> = fds
        .iter()
        .map(|&fd| PollFd::new(fd, PollFlags::POLLIN))
        .collect();
    loop {
        match poll(&mut fds, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(Error::call("poll", errno)),
        }
        if let Some(at) = fds.iter().position(|fd| fd.any() == Some(true)) {
            return Ok(at);
        }
    }
}

/// SIGINT and SIGTERM as something to wait for.
pub struct Stop(SignalFd);

impl Stop {
    /// Block both signals in this thread, and in those that it starts from now on, and receive
    /// them here.
    ///
    /// # Errors
    /// [`Error::Call`] if sigprocmask(2) or signalfd(2) fails.
    pub fn on_signal() -> Result<Self, Error> {
        let signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM]);
        signals
            .thread_block()
            .map_err(|errno| Error::call("sigprocmask", errno))?;
        SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC)
            .map(Stop)
            .map_err(|errno| Error::call("signalfd", errno))
    }
}

impl AsFd for Stop {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// What came first.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// A line, without its newline.
    Line(Vec<u8>),
    /// The end of the input.
    End,
    /// Something else than input, by its place.
    Other(usize),
}

/// Lines of stdin, as bytes; the last one needs no newline.
#[derive(Default)]
pub struct Lines {
    buffer: Vec<u8>,
    ended: bool,
}

impl Lines {
    /// The next line, unless one of `others` is ready first. Blocks.
    ///
    /// A line longer than `max` bytes is given back with `max` + 1 bytes of it at least, so that
    /// the caller sees that it is too long without any amount of memory being needed.
    ///
    /// # Errors
    /// [`Error::Call`] if poll(2) or read(2) fails.
    pub fn next(&mut self, others: &[BorrowedFd<'_>], max: usize) -> Result<Next, Error> {
        let stdin = std::io::stdin();
        let mut fds = others.to_vec();
        fds.push(stdin.as_fd());
        loop {
            if let Some(end) = self.buffer.iter().position(|&byte| byte == b'\n') {
                let rest = self.buffer.split_off(end + 1);
                let mut line = std::mem::replace(&mut self.buffer, rest);
                line.pop();
                return Ok(Next::Line(line));
            }
            if self.buffer.len() > max || (self.ended && !self.buffer.is_empty()) {
                return Ok(Next::Line(std::mem::take(&mut self.buffer)));
            }
            if self.ended {
                return Ok(Next::End);
            }
            let ready = first_ready(&fds)?;
            if ready < others.len() {
                return Ok(Next::Other(ready));
            }
            let mut chunk = [0; 4096];
            match read(stdin.as_fd(), &mut chunk) {
                Ok(0) => self.ended = true,
                Ok(len) => self.buffer.extend_from_slice(&chunk[..len]),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(Error::call("read", errno)),
            }
        }
    }
}
