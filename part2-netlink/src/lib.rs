// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the programs of part 2 share: a netlink socket to one kernel module, input by lines, and
//! an orderly end on a signal.
//!
//! The wire format is in `protocol`; here are only the system calls.

pub mod connection;
pub mod input;

use std::{io::Write, process::ExitCode};

use nix::errno::Errno;

/// A call that failed, as one line for stderr.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A system call, or a request that the module refused.
    #[error("{call}: {errno:?}: {}{}", .errno.desc(), in_brackets(.hint))]
    Call {
        /// What was called: a system call or the name of a request.
        call: &'static str,
        /// Why it failed.
        errno: Errno,
        /// What to do about it, or the module's own reason; may be empty.
        hint: String,
    },
    /// The kernel's end sent something that is not a message.
    #[error("recvmsg: {0}")]
    Message(#[from] protocol::netlink::DecodeError),
    /// A message of the module does not have the attributes that it should have.
    #[error("recvmsg: {0}")]
    Attributes(#[from] protocol::attributes::AttributeError),
    /// A question was not answered as it can be.
    #[error("{0}")]
    Usage(String),
}

fn in_brackets(hint: &str) -> String {
    if hint.is_empty() {
        String::new()
    } else {
        format!(" ({hint})")
    }
}

impl Error {
    /// `call` failed with `errno`; there is nothing to add.
    pub fn call(call: &'static str, errno: Errno) -> Self {
        Error::Call {
            call,
            errno,
            hint: String::new(),
        }
    }

    /// `call` failed with an I/O error.
    pub fn io(call: &'static str, error: &std::io::Error) -> Self {
        Error::call(
            call,
            error.raw_os_error().map_or(Errno::EIO, Errno::from_raw),
        )
    }
}

/// Write one line to stdout at once, whoever reads it.
///
/// # Errors
/// [`Error::Call`] if write(2) fails.
pub fn print_line(line: &[u8]) -> Result<(), Error> {
    let mut stdout = std::io::stdout();
    stdout
        .write_all(line)
        .and_then(|()| stdout.write_all(b"\n"))
        .and_then(|()| stdout.flush())
        .map_err(|error| Error::io("write", &error))
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
