// SPDX-License-Identifier: MIT OR Apache-2.0
//! Lines of stdin, unless another event comes first.

use std::os::fd::{AsFd, BorrowedFd};

use nix::{errno::Errno, unistd::read};

use crate::{error::Error, ready::first_ready};

/// The event that came first.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// A line, without its newline.
    Line(Vec<u8>),
    /// The end of the input.
    End,
    /// Another descriptor is ready: its index.
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
    /// A line longer than `max` bytes is returned with at least `max` + 1 of its bytes. So the
    /// caller sees that it is too long, and memory stays bounded.
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
