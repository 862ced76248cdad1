// SPDX-License-Identifier: MIT OR Apache-2.0
//! Part 2, step 4, `nl_pubsub`: one publisher, two subscribers.
//!
//! The payload of a request is a role byte and a body of 0 to
//! [`BODY_MAX`](crate::netlink::BODY_MAX) bytes. The payload of data is the body alone. Errnos of
//! the module, in the order in which it checks:
//!
//! | request | errno | when |
//! |---|---|---|
//! | another type | `EOPNOTSUPP` | the message type is not [`REQUEST`] |
//! | any | `EINVAL` | no payload |
//! | any | `EMSGSIZE` | the body is longer than 1024 bytes, whatever the first byte |
//! | any | `EINVAL` | another first byte, or a subscription with a body |
//! | any | `EPERM` | the socket already has the other role |
//! | publish, claim | `EBUSY` | another socket is the publisher |
//! | subscribe | `EALREADY`, `ENOSPC` | subscribed already; both places are taken |

/// `NL_PUBSUB_REQUEST`: message type of requests.
pub const REQUEST: u16 = 0x10;
/// `NL_PUBSUB_DATA`: message type of data for subscribers; `seq` counts from 1 for each.
pub const DATA: u16 = 0x11;
/// `NL_PUBSUB_PUBLISHER`: role byte of the publisher.
pub const PUBLISHER: u8 = b'p';
/// `NL_PUBSUB_SUBSCRIBER`: role byte of a subscriber.
pub const SUBSCRIBER: u8 = b's';
/// `NL_PUBSUB_PLACES`: the most subscribers at once.
pub const PLACES: usize = 2;

/// A request to the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// Receive all later messages.
    Subscribe,
    /// Take the publisher's place without publishing a message.
    Claim,
    /// Send a body to every subscriber. An empty one is the same as [`Request::Claim`].
    Publish(&'a [u8]),
}

impl Request<'_> {
    /// The payload of the request: role byte, then body.
    pub fn payload(&self) -> Vec<u8> {
        let (role, body) = match *self {
            Request::Subscribe => (SUBSCRIBER, &b""[..]),
            Request::Claim => (PUBLISHER, &b""[..]),
            Request::Publish(body) => (PUBLISHER, body),
        };
        let mut payload = Vec::with_capacity(1 + body.len());
        payload.push(role);
        payload.extend_from_slice(body);
        payload
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_begins_with_a_role_letter_keeps_it() {
        assert_eq!(Request::Publish(b"python").payload(), b"ppython");
        assert_eq!(Request::Publish(b"s").payload(), b"ps");
        assert_eq!(Request::Subscribe.payload(), b"s");
        assert_eq!(Request::Claim.payload(), b"p");
    }
}
