// SPDX-License-Identifier: MIT OR Apache-2.0
//! Part 2, step 2, `nl_greeting`: the kernel sends messages to a multicast group.
//!
//! A request has no payload; each greeting goes to [`GROUP`]. Errnos of the module, in the
//! order in which it checks:
//!
//! | request | errno | when |
//! |---|---|---|
//! | another type | `EOPNOTSUPP` | the message type is not [`REQUEST`] |
//! | greet | `EMSGSIZE` | it has a payload of more than 1024 bytes |
//! | greet | `EINVAL` | it has a payload |

use crate::attributes::{self, AttributeError};

/// `NL_GREETING_REQUEST`: greet now. An empty group is no error.
pub const REQUEST: u16 = 0x10;
/// `NL_GREETING_DATA`: a greeting; `seq` counts from 1.
pub const DATA: u16 = 0x11;
/// `NL_GREETING_GROUP`: the number of the group, not a mask.
pub const GROUP: u32 = 1;
/// `NL_GREETING_A_TEXT`: a string with its NUL.
pub const A_TEXT: u16 = 1;
/// Text of a greeting.
pub const TEXT: &str = "Greeting from kernel!";

/// The text of a greeting.
///
/// # Errors
/// [`AttributeError`] if it is missing.
pub fn text(payload: &[u8]) -> Result<&str, AttributeError> {
    attributes::string(payload, A_TEXT, "a text")
}
