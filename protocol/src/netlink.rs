// SPDX-License-Identifier: MIT OR Apache-2.0
//! Netlink messages as bytes: the header, several messages in one datagram, acknowledgements.
//!
//! All integers are in the machine's own byte order, as in `linux/netlink.h`. Crates that build
//! messages from types round `nlmsg_len` up to a multiple of four. Here it is the exact length,
//! because bytes must arrive with their exact length.

use std::fmt;

use crate::attributes::find;

/// `IPCLAB_NETLINK_PROTO`: the protocol number of every module unless `protocol=` says otherwise.
pub const PROTO: u32 = 31;
/// `IPCLAB_BODY_MAX`: longest body of one message, in bytes; above it the answer is `EMSGSIZE`.
pub const BODY_MAX: usize = 1024;

/// Length of `struct nlmsghdr`, in bytes.
pub const HEADER_LEN: usize = 16;
/// `NLMSG_ERROR`: an acknowledgement, with error 0 or `-errno`.
pub const NLMSG_ERROR: u16 = 2;
/// `NLMSG_MIN_TYPE`: types below it belong to netlink itself.
pub const NLMSG_MIN_TYPE: u16 = 0x10;
/// `NLM_F_REQUEST`: set in every request.
pub const NLM_F_REQUEST: u16 = 0x01;
/// `NLM_F_ACK`: requests an acknowledgement of success, too. A refusal is always answered.
pub const NLM_F_ACK: u16 = 0x04;
/// `NLM_F_MULTI`: one of several messages that [`NLMSG_DONE`] ends.
pub const NLM_F_MULTI: u16 = 0x02;
/// `NLM_F_DUMP_INTR`: the table changed during the dump; the received list may be incomplete.
pub const NLM_F_DUMP_INTR: u16 = 0x10;
/// `NLM_F_DUMP`: requests a list of everything.
pub const NLM_F_DUMP: u16 = 0x300;
/// `NLMSG_NOOP`: no operation; netlink itself acknowledges it.
pub const NLMSG_NOOP: u16 = 1;
/// `NLMSG_DONE`: the end of a list.
pub const NLMSG_DONE: u16 = 3;
/// `NLM_F_CAPPED`: the acknowledgement repeats only the header of the request.
pub const NLM_F_CAPPED: u16 = 0x100;
/// `NLM_F_ACK_TLVS`: attributes follow in the acknowledgement.
pub const NLM_F_ACK_TLVS: u16 = 0x200;
/// `NLMSGERR_ATTR_MSG`: the attribute with the reason in words.
const NLMSGERR_ATTR_MSG: u16 = 1;
/// `NLMSGERR_ATTR_COOKIE`: the attribute with a module's report about a success.
const NLMSGERR_ATTR_COOKIE: u16 = 3;

/// Address of a netlink socket. It is not a process id, although the first socket of a process
/// often gets an equal number. 0 is the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortId(pub u32);

impl PortId {
    /// The kernel's address.
    pub const KERNEL: PortId = PortId(0);
}

impl fmt::Display for PortId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// `struct nlmsghdr` without the length, which follows from the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// `nlmsg_type`.
    pub kind: u16,
    /// `nlmsg_flags`.
    pub flags: u16,
    /// `nlmsg_seq`: in requests, the sender's number; in data, the receiver's count.
    pub seq: u32,
    /// `nlmsg_pid`: any sender can write any number here. Trust the socket address instead.
    pub portid: PortId,
}

/// One message of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Its header.
    pub header: Header,
    /// The bytes after the header, with their exact length.
    pub payload: &'a [u8],
}

/// The reason why bytes are not a netlink datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Fewer bytes than a header.
    #[error("expected a header of 16 bytes, found {0}")]
    ShortHeader(usize),
    /// `nlmsg_len` does not fit the received bytes.
    #[error("expected nlmsg_len between 16 and {available}, found {claimed}")]
    BadLength {
        /// `nlmsg_len`.
        claimed: u32,
        /// Available bytes, including the header.
        available: usize,
    },
    /// An `NLMSG_ERROR` without the errno and the header of its request.
    #[error("expected an acknowledgement of at least 20 bytes, found {0}")]
    ShortAck(usize),
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// Round up to netlink's alignment of four bytes.
fn align(len: usize) -> usize {
    len.next_multiple_of(4)
}

impl Header {
    /// The header and `payload` as one datagram. `nlmsg_len` is exact, and there is no padding.
    pub fn encode(&self, payload: &[u8]) -> Vec<u8> {
        let len = u32::try_from(HEADER_LEN + payload.len()).unwrap_or(u32::MAX);
        let mut out = Vec::with_capacity(HEADER_LEN + payload.len());
        out.extend_from_slice(&len.to_ne_bytes());
        out.extend_from_slice(&self.kind.to_ne_bytes());
        out.extend_from_slice(&self.flags.to_ne_bytes());
        out.extend_from_slice(&self.seq.to_ne_bytes());
        out.extend_from_slice(&self.portid.0.to_ne_bytes());
        out.extend_from_slice(payload);
        out
    }

    /// The header at the start of `bytes`, and its unchecked `nlmsg_len`.
    ///
    /// # Errors
    /// [`DecodeError::ShortHeader`] if there are fewer than 16 bytes.
    fn decode(bytes: &[u8]) -> Result<(Self, u32), DecodeError> {
        let fields = || {
            Some((
                Header {
                    kind: u16_at(bytes, 4)?,
                    flags: u16_at(bytes, 6)?,
                    seq: u32_at(bytes, 8)?,
                    portid: PortId(u32_at(bytes, 12)?),
                },
                u32_at(bytes, 0)?,
            ))
        };
        fields().ok_or(DecodeError::ShortHeader(bytes.len()))
    }
}

/// Iterator over the messages of one datagram; ends after the first error.
#[derive(Clone, Debug)]
pub struct Messages<'a> {
    rest: &'a [u8],
}

/// The messages of one datagram, in order.
pub fn messages(datagram: &[u8]) -> Messages<'_> {
    Messages { rest: datagram }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Message<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = std::mem::take(&mut self.rest);
        if bytes.is_empty() {
            return None;
        }
        let (header, claimed) = match Header::decode(bytes) {
            Ok(found) => found,
            Err(error) => return Some(Err(error)),
        };
        let bad = DecodeError::BadLength {
            claimed,
            available: bytes.len(),
        };
        let Ok(len) = usize::try_from(claimed) else {
            return Some(Err(bad));
        };
        if len < HEADER_LEN {
            return Some(Err(bad));
        }
        let Some(payload) = bytes.get(HEADER_LEN..len) else {
            return Some(Err(bad));
        };
        self.rest = bytes.get(align(len)..).unwrap_or_default();
        Some(Ok(Message { header, payload }))
    }
}

/// The contents of an `NLMSG_ERROR`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ack {
    /// 0 for success, otherwise a positive errno.
    pub errno: i32,
    /// The kernel's reason in words, if the socket requested it (`NETLINK_EXT_ACK`).
    pub text: Option<String>,
}

impl Message<'_> {
    /// This message as an acknowledgement, or `None` if it is another message.
    ///
    /// # Errors
    /// [`DecodeError::ShortAck`] if it is an acknowledgement without its request.
    pub fn ack(&self) -> Result<Option<Ack>, DecodeError> {
        if self.header.kind != NLMSG_ERROR {
            return Ok(None);
        }
        let short = DecodeError::ShortAck(self.payload.len());
        let error = u32_at(self.payload, 0).ok_or(short)?.cast_signed();
        let request_len = u32_at(self.payload, 4).ok_or(short)?;
        if self.payload.len() < 4 + HEADER_LEN {
            return Err(short);
        }
        let text = self
            .ack_attributes(request_len)
            .and_then(|rest| find(rest, NLMSGERR_ATTR_MSG).ok().flatten())
            .map(|text| {
                let text = text.strip_suffix(&[0]).unwrap_or(text);
                String::from_utf8_lossy(text).into_owned()
            });
        Ok(Some(Ack {
            errno: error.wrapping_neg(),
            text,
        }))
    }

    /// The module's report in an acknowledgement of success, if there is one: at most 20 bytes
    /// (`NETLINK_MAX_COOKIE_LEN`).
    pub fn ack_cookie(&self) -> Option<&[u8]> {
        if self.header.kind != NLMSG_ERROR {
            return None;
        }
        find(
            self.ack_attributes(u32_at(self.payload, 4)?)?,
            NLMSGERR_ATTR_COOKIE,
        )
        .ok()
        .flatten()
    }

    /// The attributes in an acknowledgement.
    fn ack_attributes(&self, request_len: u32) -> Option<&[u8]> {
        if self.header.flags & NLM_F_ACK_TLVS == 0 {
            return None;
        }
        // The request is repeated. After an error it is complete, unless the socket requested the
        // header only. Attributes follow it.
        let repeated = if self.header.flags & NLM_F_CAPPED != 0 {
            HEADER_LEN
        } else {
            usize::try_from(request_len).ok()?.max(HEADER_LEN)
        };
        self.payload
            .get(4 + repeated.checked_next_multiple_of(4)?..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEADER: Header = Header {
        kind: 0x10,
        flags: NLM_F_REQUEST | NLM_F_ACK,
        seq: 7,
        portid: PortId(42),
    };

    #[test]
    fn length_is_exact_and_not_rounded_up() {
        let bytes = HEADER.encode(b"hello");
        assert_eq!(bytes.len(), 21);
        assert_eq!(u32_at(&bytes, 0), Some(21));
    }

    #[test]
    fn several_messages_in_one_datagram_are_found_at_their_aligned_places() {
        let mut bytes = HEADER.encode(b"hello");
        bytes.extend([0; 3]);
        bytes.extend(HEADER.encode(b""));
        let found: Vec<_> = messages(&bytes).map(|m| m.map(|m| m.payload)).collect();
        assert_eq!(found, [Ok(&b"hello"[..]), Ok(&b""[..])]);
    }

    #[test]
    fn a_length_that_does_not_fit_is_an_error_and_ends_the_datagram() {
        for claimed in [0_u32, 15, 22, u32::MAX] {
            let mut bytes = HEADER.encode(b"hello");
            bytes[..4].copy_from_slice(&claimed.to_ne_bytes());
            let found: Vec<_> = messages(&bytes).collect();
            assert_eq!(
                found,
                [Err(DecodeError::BadLength {
                    claimed,
                    available: 21
                })]
            );
        }
        assert_eq!(
            messages(&[0; 15]).next(),
            Some(Err(DecodeError::ShortHeader(15)))
        );
    }

    #[test]
    fn a_refusal_is_read_with_its_reason() {
        let request = HEADER.encode(b"s");
        let mut payload = (-16_i32).to_ne_bytes().to_vec();
        payload.extend(&request[..HEADER_LEN]);
        payload.extend(8_u16.to_ne_bytes());
        payload.extend(NLMSGERR_ATTR_MSG.to_ne_bytes());
        payload.extend(b"no\0\0");
        let header = Header {
            kind: NLMSG_ERROR,
            flags: NLM_F_CAPPED | NLM_F_ACK_TLVS,
            ..HEADER
        };
        let ack = Message {
            header,
            payload: &payload,
        }
        .ack();
        // The attribute's length covers one NUL, and only that one is removed.
        assert_eq!(
            ack,
            Ok(Some(Ack {
                errno: 16,
                text: Some("no\0".into())
            }))
        );
        let short = Message {
            header,
            payload: &payload[..19],
        }
        .ack();
        assert_eq!(short, Err(DecodeError::ShortAck(19)));
    }

    #[test]
    fn a_success_is_read_with_its_cookie() {
        let mut payload = 0_i32.to_ne_bytes().to_vec();
        payload.extend(HEADER.encode(b""));
        payload.extend(8_u16.to_ne_bytes());
        payload.extend(NLMSGERR_ATTR_COOKIE.to_ne_bytes());
        payload.extend(b"cook");
        let header = Header {
            kind: NLMSG_ERROR,
            flags: NLM_F_CAPPED | NLM_F_ACK_TLVS,
            ..HEADER
        };
        let payload = payload.as_slice();
        let message = Message { header, payload };
        assert_eq!(message.ack_cookie(), Some(&b"cook"[..]));
        let header = HEADER;
        assert_eq!(Message { header, payload }.ack_cookie(), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for message in messages(&bytes).flatten() {
                prop_assert!(message.payload.len() <= bytes.len());
                let _ = message.ack();
                let _ = message.ack_cookie();
            }
        }

        #[test]
        fn what_is_encoded_is_decoded(
            kind: u16, flags: u16, seq: u32, portid: u32,
            payload in proptest::collection::vec(any::<u8>(), 0..1100),
        ) {
            let header = Header { kind, flags, seq, portid: PortId(portid) };
            let bytes = header.encode(&payload);
            let found: Vec<_> = messages(&bytes).collect();
            prop_assert_eq!(found, vec![Ok(Message { header, payload: &payload })]);
        }
    }
}
