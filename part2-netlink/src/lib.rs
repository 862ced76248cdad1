// SPDX-License-Identifier: MIT OR Apache-2.0
//! Code that the programs of part 2 share: a connection to one kernel module, and output by lines.
//!
//! `protocol` has the wire format. `netlink-client` has the socket, the error, input and signals.

pub mod connection;

use std::io::Write;

pub use netlink_client::{Error, finish, input, ready};

/// Write one line to stdout at once, also into a pipe.
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
