// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reports of failed calls.

use lab_agent::Refusal;
use nix::errno::Errno;

/// The refusal for an I/O error.
pub(crate) fn refusal(call: &str, error: &std::io::Error) -> Refusal {
    Refusal::new(
        call,
        error.raw_os_error().map_or(Errno::EIO, Errno::from_raw),
    )
}
