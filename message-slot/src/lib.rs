// SPDX-License-Identifier: MIT OR Apache-2.0
//! The message slot from user space: open a slot, choose a channel, write and read whole messages.
//!
//! `protocol` has the numbers and limits. This crate has the system calls, and code that both
//! programs share.

use std::{
    ffi::{OsStr, OsString},
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::fd::{AsRawFd, RawFd},
    path::Path,
    process::ExitCode,
};

use nix::errno::Errno;
use protocol::slot::{ChannelId, MESSAGE_MAX};

/// Errors, as one line for stderr.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program was started with a wrong number of arguments.
    #[error("usage: {0}")]
    Usage(&'static str),
    /// A wrong argument.
    #[error("{}: {}, found \"{}\"", words(&Errno::EINVAL.into()), .reason, .found.escape_ascii())]
    Argument {
        /// The expected text.
        reason: protocol::slot::NoChannel,
        /// The bytes of the argument.
        found: Vec<u8>,
    },
    /// A call that failed.
    #[error("{call}: {}{}", words(.source), in_brackets(.hint))]
    Call {
        /// Name of the system call.
        call: &'static str,
        /// Its errno.
        source: io::Error,
        /// Its meaning for a slot; may be empty.
        hint: &'static str,
    },
}

impl Error {
    fn call(call: &'static str, source: io::Error) -> Self {
        let errno = source.raw_os_error().map(Errno::from_raw);
        let hint = match (call, errno) {
            ("open", Some(Errno::ENXIO | Errno::ENODEV)) => "is the module inserted?",
            ("ioctl", Some(Errno::ENOTTY)) => "it is not a message slot",
            ("write", Some(Errno::EMSGSIZE)) => "a message has 1 to 128 bytes",
            ("read", Some(Errno::EWOULDBLOCK)) => "the channel is empty",
            _ => "",
        };
        Error::Call { call, source, hint }
    }
}

/// Name and text of an errno: `ENOSPC: No space left on device`.
fn words(error: &io::Error) -> String {
    let text = error.to_string();
    match error.raw_os_error() {
        // The text is that of strerror(3), to which the standard library adds the number.
        Some(number) => format!(
            "{:?}: {}",
            Errno::from_raw(number),
            text.trim_end_matches(&format!(" (os error {number})"))
        ),
        None => text,
    }
}

fn in_brackets(hint: &str) -> String {
    if hint.is_empty() {
        String::new()
    } else {
        format!(" ({hint})")
    }
}

mod ioctls {
    // The macro passes an integer by value. The tests compare its number with CHANNEL.
    nix::ioctl_write_int!(choose, protocol::slot::MAJOR, 0);
}

/// One slot, opened by its device node. The chosen channel belongs to the open file.
#[derive(Debug)]
pub struct Slot(File);

impl Slot {
    /// Open the slot of a device node, to read or to write.
    ///
    /// # Errors
    /// [`Error::Call`]; `ENXIO` if the module is not inserted.
    pub fn open(path: &Path, options: &OpenOptions) -> Result<Self, Error> {
        options
            .open(path)
            .map(Slot)
            .map_err(|error| Error::call("open", error))
    }

    /// Choose the channel for later reads and writes.
    ///
    /// # Errors
    /// [`Error::Call`]; `ENOTTY` or `EINVAL` if the file is no slot.
    pub fn choose(&self, channel: ChannelId) -> Result<(), Error> {
        // lab:begin slot-choose: the ioctl takes the id itself, not a pointer to it (I1)
        // SAFETY: the descriptor is open, and a slot takes the argument as a number. Another file
        // that the user named on the command line knows no command of type 235.
        unsafe { ioctls::choose(self.as_raw_fd(), u32::from(channel.0).into()) }
            .map(drop)
            .map_err(|errno| Error::call("ioctl", errno.into()))
        // lab:end stub: Err(Error::call("ioctl", Errno::ENOSYS.into()))
    }

    /// Replace the message of the channel. Does not block.
    ///
    /// # Errors
    /// [`Error::Call`]; `EINVAL` without a channel, `EMSGSIZE` unless there are 1 to 128 bytes. The
    /// old message stays.
    pub fn write(&self, message: &[u8]) -> Result<(), Error> {
        // lab:begin slot-write: one call, and all of it or an error (W1, S1)
        let written = (&self.0)
            .write(message)
            .map_err(|error| Error::call("write", error))?;
        if written == message.len() {
            return Ok(());
        }
        // A slot accepts all bytes or none.
        Err(Error::call("write", Errno::EIO.into()))
        // lab:end stub: Err(Error::call("write", Errno::ENOSYS.into()))
    }

    /// The message of the channel, which stays there. Does not block.
    ///
    /// # Errors
    /// [`Error::Call`]; `EINVAL` without a channel, `EWOULDBLOCK` if the channel is empty.
    pub fn read(&self) -> Result<Vec<u8>, Error> {
        // lab:begin slot-read: the message with its exact length, whatever its bytes are (R1, P1)
        let mut message = vec![0; MESSAGE_MAX];
        let len = (&self.0)
            .read(&mut message)
            .map_err(|error| Error::call("read", error))?;
        message.truncate(len);
        Ok(message)
        // lab:end stub: Err(Error::call("read", Errno::ENOSYS.into()))
    }
}

impl AsRawFd for Slot {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// Parse an argument as a channel.
///
/// # Errors
/// [`Error::Argument`].
pub fn channel(argument: &OsStr) -> Result<ChannelId, Error> {
    argument
        .to_str()
        .unwrap_or_default()
        .parse()
        .map_err(|reason| Error::Argument {
            reason,
            found: argument.as_encoded_bytes().to_vec(),
        })
}

/// The arguments of a program, without its name.
///
/// # Errors
/// [`Error::Usage`] unless there are exactly `N`.
pub fn arguments<const N: usize>(usage: &'static str) -> Result<[OsString; N], Error> {
    let found: Vec<_> = std::env::args_os().skip(1).collect();
    found.try_into().map_err(|_| Error::Usage(usage))
}

/// Write bytes to stdout unchanged.
///
/// # Errors
/// [`Error::Call`].
pub fn print(bytes: &[u8]) -> Result<(), Error> {
    let mut stdout = io::stdout();
    stdout
        .write_all(bytes)
        .and_then(|()| stdout.flush())
        .map_err(|error| Error::call("write", error))
}

/// Exit status 0, or one line on stderr and exit status 1.
pub fn finish(program: &str, result: Result<(), Error>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{program}: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_macro_makes_the_number_of_the_contract() {
        let number = nix::request_code_write!(protocol::slot::MAJOR, 0, size_of::<u32>());
        assert_eq!(number, u64::from(protocol::slot::CHANNEL));
    }

    #[test]
    fn an_error_has_the_name_and_the_text_of_its_errno() {
        let error = Error::call("read", Errno::EWOULDBLOCK.into());
        assert_eq!(
            error.to_string(),
            "read: EAGAIN: Resource temporarily unavailable (the channel is empty)"
        );
        let error = channel(OsStr::new("5x")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "EINVAL: Invalid argument: expected a channel from 1 to 4294967295, found \"5x\""
        );
    }
}
