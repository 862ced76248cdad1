// SPDX-License-Identifier: MIT OR Apache-2.0
//! Errors of the programs, and how a program ends after one.

use std::process::ExitCode;

use nix::errno::Errno;
use protocol::{
    attributes::AttributeError,
    netlink::{Ack, DecodeError},
};

/// A call that failed, as one line for stderr.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A system call, or a request that the module refused.
    #[error("{call}: {errno:?}: {}{}", .errno.desc(), in_brackets(.hint))]
    Call {
        /// The name of the system call or of the request.
        call: &'static str,
        /// The reason.
        errno: Errno,
        /// Advice, or the module's own reason; may be empty.
        hint: String,
    },
    /// The module sent bytes that are not a message.
    #[error("recvmsg: {0}")]
    Message(#[from] DecodeError),
    /// A message of the module lacks an attribute.
    #[error("recvmsg: {0}")]
    Attributes(#[from] AttributeError),
    /// A wrong answer to a question of the program.
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
    /// `call` failed with `errno`, without advice.
    pub fn call(call: &'static str, errno: Errno) -> Self {
        Error::Call {
            call,
            errno,
            hint: String::new(),
        }
    }

    /// `call` failed with an I/O error.
    pub fn io(call: &'static str, error: &std::io::Error) -> Self {
        let errno = error.raw_os_error().map_or(Errno::EIO, Errno::from_raw);
        Error::call(call, errno)
    }

    /// The module has refused the request `name` with an errno, and perhaps a reason.
    pub fn refused(name: &'static str, ack: Ack) -> Self {
        Error::Call {
            call: name,
            errno: Errno::from_raw(ack.errno),
            hint: ack.text.unwrap_or_default(),
        }
    }
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
