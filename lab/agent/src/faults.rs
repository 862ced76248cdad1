// SPDX-License-Identifier: MIT OR Apache-2.0
//! One call during which one allocation fails (Documentation/fault-injection/fault-injection.rst).

use std::{fs, io, os::unix::fs::FileExt};

use lab_agent::{Answer, CallResult, Refusal};
use nix::errno::Errno;

/// Make a call during which the allocation or user copy with number `nth` fails. The files under
/// /sys/kernel/debug determine which ones are counted.
pub(crate) fn with_fault(nth: u32, make: impl FnOnce() -> CallResult) -> CallResult {
    let fault = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open("/proc/thread-self/fail-nth")
        .map_err(|error| Refusal::io("open", &error))?;
    fault
        .write_at(nth.to_string().as_bytes(), 0)
        .map_err(|error| Refusal::io("write", &error))?;
    let outcome = Box::new(make());
    let left = left(&fault);
    disarm(&fault);
    let hit = left.map_err(|error| Refusal::io("read", &error))? == 0;
    Ok(Answer::Faulted { hit, outcome })
}

/// Allocations until the failing one; 0 if it has failed.
fn left(fault: &fs::File) -> io::Result<u32> {
    let mut text = [0; 16];
    match fault.read_at(&mut text, 0) {
        Ok(len) => String::from_utf8_lossy(&text[..len])
            .trim()
            .parse()
            .map_err(io::Error::other),
        // Reading this number itself was the failing operation.
        Err(error) if error.raw_os_error() == Some(Errno::EFAULT as i32) => Ok(1),
        Err(error) => Err(error),
    }
}

fn disarm(fault: &fs::File) {
    // If this operation fails, the next ones succeed.
    let _ = fault.write_at(b"0", 0);
}
