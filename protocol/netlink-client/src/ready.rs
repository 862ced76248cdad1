// SPDX-License-Identifier: MIT OR Apache-2.0
//! Waiting for several descriptors at once, and for the signals that end a program.

use std::os::fd::{AsFd, BorrowedFd};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        signal::{SigSet, Signal},
        signalfd::{SfdFlags, SignalFd},
    },
};

use crate::error::Error;

/// Wait until one of `fds` can be read or has been hung up. Returns the first of them.
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

/// SIGINT and SIGTERM as a descriptor to wait for.
pub struct Stop(SignalFd);

impl Stop {
    /// Block both signals in this thread and in its later threads, and receive them here.
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
        Ok(first_ready(&[self.as_fd(), fd])? == 1)
    }
}

impl AsFd for Stop {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
