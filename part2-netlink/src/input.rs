// SPDX-License-Identifier: MIT OR Apache-2.0
//! Waiting for input or for a signal that ends the program, whichever comes first.

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

/// SIGINT and SIGTERM as something to wait for.
pub struct Stop(SignalFd);

impl Stop {
    /// Block both signals in this thread and receive them here from now on.
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

    /// Wait until `fd` can be read (`true`) or a signal has come (`false`).
    ///
    /// # Errors
    /// [`Error::Call`] if poll(2) fails.
    pub fn wait(&self, fd: BorrowedFd<'_>) -> Result<bool, Error> {
        loop {
            let mut fds = [
                PollFd::new(self.0.as_fd(), PollFlags::POLLIN),
                PollFd::new(fd, PollFlags::POLLIN),
            ];
            match poll(&mut fds, PollTimeout::NONE) {
                Ok(_) => return Ok(fds[0].any() != Some(true)),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(Error::call("poll", errno)),
            }
        }
    }
}

/// Lines of stdin, as bytes and without their newline; the last one needs none.
#[derive(Default)]
pub struct Lines {
    buffer: Vec<u8>,
    ended: bool,
}

impl Lines {
    /// Whether the end of the input has been seen.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// The next line; `None` after the last one or after a signal. Blocks.
    ///
    /// A line longer than `max` bytes is given back with `max` + 1 bytes of it at least, so that
    /// the caller sees that it is too long without any amount of memory being needed.
    ///
    /// # Errors
    /// [`Error::Call`] if read(2) fails.
    pub fn next(&mut self, stop: &Stop, max: usize) -> Result<Option<Vec<u8>>, Error> {
        let stdin = std::io::stdin();
        loop {
            if let Some(end) = self.buffer.iter().position(|&byte| byte == b'\n') {
                let rest = self.buffer.split_off(end + 1);
                let mut line = std::mem::replace(&mut self.buffer, rest);
                line.pop();
                return Ok(Some(line));
            }
            if self.buffer.len() > max || (self.ended && !self.buffer.is_empty()) {
                return Ok(Some(std::mem::take(&mut self.buffer)));
            }
            if self.ended || !stop.wait(stdin.as_fd())? {
                return Ok(None);
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
