// SPDX-License-Identifier: MIT OR Apache-2.0
//! The message slot: a character device. Each minor is a slot, and each slot has many channels that
//! hold one message each. Errnos of the calls on an open file, in the order in which they are
//! checked:
//!
//! | call | errno | when |
//! |---|---|---|
//! | ioctl | `EINVAL` | another command than [`CHANNEL`]; an id of 0 (the argument has 32 bits; higher bits are ignored) |
//! | write, read | `EINVAL` | no channel has been chosen for this file |
//! | write | `EMSGSIZE` | no bytes, or more than [`MESSAGE_MAX`] |
//! | write | `ENOMEM` | no memory for the message |
//! | read | `EWOULDBLOCK` | the channel has no message |
//! | read | `ENOSPC` | the buffer is shorter than the message |
//! | write, read | `EFAULT` | a part of the buffer is not readable, or not writable |
//!
//! A write that fails does not change the channel.

use std::{fmt, num::NonZeroU32, str::FromStr};

/// `MSG_SLOT_MAJOR`: major number of the device.
pub const MAJOR: u32 = 235;
/// `MSG_SLOT_MINORS`: number of slots.
pub const MINORS: usize = 256;
/// `MSG_SLOT_MESSAGE_MAX`: length of the longest message, in bytes; the shortest has one.
pub const MESSAGE_MAX: usize = 128;
/// `MSG_SLOT_CHANNEL`: the ioctl that chooses the channel of an open file. Its argument is the
/// channel id by value. It is `_IOW(235, 0, unsigned int)`, as in `asm-generic/ioctl.h`.
pub const CHANNEL: u32 = 1 << 30 | (size_of::<u32>() as u32) << 16 | MAJOR << 8;

/// Number of a channel within its slot, 1 to 2^32-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelId(pub NonZeroU32);

impl ChannelId {
    /// The id, if it is not 0.
    pub fn new(id: u32) -> Option<Self> {
        NonZeroU32::new(id).map(ChannelId)
    }
}

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A text that is not a [`ChannelId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a channel from 1 to {}", u32::MAX)]
pub struct NoChannel;

/// Decimal digits only.
impl FromStr for ChannelId {
    type Err = NoChannel;

    fn from_str(text: &str) -> Result<Self, NoChannel> {
        // The standard library accepts a sign, too.
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NoChannel);
        }
        text.parse().map(ChannelId).map_err(|_| NoChannel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_a_decimal_number_from_1_to_the_largest() {
        for (text, id) in [("1", 1), ("007", 7), ("4294967295", u32::MAX)] {
            assert_eq!(text.parse(), Ok(ChannelId::new(id).unwrap()));
        }
        for text in [
            "",
            "0",
            "00",
            "-1",
            "+1",
            " 1",
            "1 ",
            "0x10",
            "1.0",
            "five",
            "4294967296",
            "1\n",
        ] {
            assert_eq!(text.parse::<ChannelId>(), Err(NoChannel), "{text:?}");
        }
    }
}
