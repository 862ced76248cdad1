// SPDX-License-Identifier: MIT OR Apache-2.0
//! Keys that code under test cannot guess.

use std::{fs::File, io::Read};

use crate::{Error, Result};

/// Bytes of a key: too many to guess.
const KEY_BYTES: usize = 16;

/// A new key from the kernel's random numbers (urandom(4)): 32 hexadecimal digits.
///
/// # Errors
/// [`Error::Io`].
pub fn draw_key() -> Result<String> {
    let mut bytes = [0; KEY_BYTES];
    File::open("/dev/urandom")
        .and_then(|mut random| random.read_exact(&mut bytes))
        .map_err(Error::io("reading /dev/urandom"))?;
    Ok(bytes.map(|byte| format!("{byte:02x}")).concat())
}
