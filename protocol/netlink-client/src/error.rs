// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why a program fails, and how it then ends.

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
        /// What was called: a system call or the name of a request.
        call: &'static str,
        /// Why it failed.
        errno: Errno,
        /// What to do about it, or the module's own reason; may be empty.
        hint: String,
    },
    /// The kernel's end sent something that is not a message.
    #[error("recvmsg: {0}")]
    Message(#[from] DecodeError),
    /// A message of the module does not have the attributes that it should have.
    #[error("recvmsg: {0}")]
    Attributes(#[from] AttributeError),
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
        let errno = error.raw_os_error().map_or(Errno::EIO, Errno::from_raw);
        Error::call(call, errno)
    }

    /// The module has refused the request `name`, with an errno and perhaps with its reason.
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
