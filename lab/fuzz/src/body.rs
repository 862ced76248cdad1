// SPDX-License-Identifier: MIT OR Apache-2.0
//! The bytes of a message, stored as a few numbers.

use std::{fmt, num::Wrapping};

use proptest::prelude::*;

/// Bytes that count up from the first one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Body {
    pub(crate) len: usize,
    pub(crate) first: u8,
}

impl Body {
    pub(crate) fn bytes(self) -> Vec<u8> {
        let byte = |at| (Wrapping(self.first) + Wrapping(at as u8)).0;
        (0..self.len).map(byte).collect()
    }
}

impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.len {
            0 => write!(f, "0 bytes"),
            1 => write!(f, "1 byte, {:#04x}", self.first),
            len => write!(f, "{len} bytes, {:#04x} and up", self.first),
        }
    }
}

pub(crate) fn any_body(len: impl Strategy<Value = usize>) -> impl Strategy<Value = Body> {
    (len, any::<u8>()).prop_map(|(len, first)| Body { len, first })
}
