// SPDX-License-Identifier: MIT OR Apache-2.0
//! Part 2, step 1, `nl_hello`: one process asks, the kernel answers.
//!
//! The payload of a request is a text of 1 to [`BODY_MAX`](crate::netlink::BODY_MAX) bytes. The
//! payload of the answer is [`GREETING`] and the same bytes. Neither ends in a NUL. Errnos of the
//! module, in the order in which it checks:
//!
//! | request | errno | when |
//! |---|---|---|
//! | another type | `EOPNOTSUPP` | the message type is not [`REQUEST`] |
//! | hello | `EINVAL` | there is no text |
//! | hello | `EMSGSIZE` | the text is longer than 1024 bytes |

/// `NL_HELLO_REQUEST`: message type of requests.
pub const REQUEST: u16 = 0x10;
/// `NL_HELLO_ANSWER`: message type of answers; `seq` is the request's.
pub const ANSWER: u16 = 0x11;
/// The kernel's text before the text of the request.
pub const GREETING: &str = "Hello from kernel: ";

/// The payload of the answer to `text`.
pub fn answer(text: &[u8]) -> Vec<u8> {
    [GREETING.as_bytes(), text].concat()
}
