// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a refused call is reported as.

use lab_agent::Refusal;
use nix::errno::Errno;

/// The refusal that an I/O error stands for.
pub(crate) fn refusal(call: &str, error: &std::io::Error) -> Refusal {
    Refusal::new(
        call,
        error.raw_os_error().map_or(Errno::EIO, Errno::from_raw),
    )
}
