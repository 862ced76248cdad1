// SPDX-License-Identifier: MIT OR Apache-2.0
//! Requests to the router, and their possible mistakes.

use std::fmt;

use proptest::{collection::vec, option, prelude::*, sample::select};
use protocol::{
    attributes::put_bytes,
    netlink::{
        BODY_MAX, HEADER_LEN, Header, NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NLMSG_MIN_TYPE, PortId,
    },
    router::{A_MAX, DATA, LIST, Request, Roles},
};

use crate::body::{Body, any_body};

/// One message of a datagram.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    ask: Ask,
    seq: u32,
    /// `nlmsg_pid`.
    portid: u32,
    /// Whether it requests an acknowledgement.
    ack: bool,
    /// Whether it has `NLM_F_REQUEST`.
    request: bool,
    /// An additional attribute, before or after the others.
    extra: Option<Extra>,
}

#[derive(Clone, Debug)]
struct Extra {
    first: bool,
    kind: u16,
    value: Vec<u8>,
}

#[derive(Clone, Debug)]
enum Ask {
    Register {
        roles: u32,
        from: Option<u32>,
    },
    Unregister {
        roles: u32,
    },
    Publish(Body),
    /// A list without the flags of a dump.
    ListOne,
    /// A message of any type.
    Type(u16),
}

/// A change to the finished datagram.
#[derive(Clone, Debug)]
pub(crate) enum Damage {
    /// It is truncated; at least one byte is left.
    Shorten(u16),
    /// Zeros are appended.
    Lengthen(u8),
    /// Another `nlmsg_len` in its first message.
    Length(u32),
    /// Another `nla_len` in its first attribute.
    AttributeLength(u16),
}

impl Frame {
    fn encode(&self) -> Vec<u8> {
        let body;
        let (kind, payload) = match self.ask {
            Ask::Register { roles, from } => {
                let (roles, from) = (Roles(roles), from.map(PortId));
                parts(&Request::Register { roles, from })
            }
            Ask::Unregister { roles } => parts(&Request::Unregister(Roles(roles))),
            Ask::Publish(bytes) => {
                body = bytes.bytes();
                parts(&Request::Publish(&body))
            }
            Ask::ListOne => (LIST, Vec::new()),
            Ask::Type(kind) => (kind, Vec::new()),
        };
        let mut extra = Vec::new();
        if let Some(Extra { kind, value, .. }) = &self.extra {
            put_bytes(&mut extra, *kind, value);
        }
        let payload = match &self.extra {
            Some(Extra { first: true, .. }) => [extra, payload].concat(),
            _ => [payload, extra].concat(),
        };
        let flag = |set, flag| if set { flag } else { 0 };
        let header = Header {
            kind,
            flags: flag(self.request, NLM_F_REQUEST) | flag(self.ack, NLM_F_ACK),
            seq: self.seq,
            portid: PortId(self.portid),
        };
        header.encode(&payload)
    }
}

fn parts(request: &Request<'_>) -> (u16, Vec<u8>) {
    (request.kind(), request.payload())
}

/// The request for a list.
pub(crate) fn list() -> Vec<u8> {
    let header = Header {
        kind: LIST,
        flags: NLM_F_REQUEST | NLM_F_DUMP,
        seq: 1,
        portid: PortId(0),
    };
    header.encode(&[])
}

/// The datagram as it is sent.
pub(crate) fn encode(frames: &[Frame], damage: Option<&Damage>) -> Vec<u8> {
    let mut datagram = Vec::new();
    for frame in frames {
        datagram.resize(datagram.len().next_multiple_of(4), 0);
        datagram.extend(frame.encode());
    }
    let len = datagram.len();
    match damage {
        None => {}
        Some(Damage::Shorten(by)) => datagram.truncate(len - usize::from(*by) % len),
        Some(Damage::Lengthen(by)) => datagram.resize(len + usize::from(*by), 0),
        Some(Damage::Length(claimed)) => datagram[..4].copy_from_slice(&claimed.to_ne_bytes()),
        Some(Damage::AttributeLength(claimed)) => {
            if let Some(place) = datagram.get_mut(HEADER_LEN..HEADER_LEN + 2) {
                place.copy_from_slice(&claimed.to_ne_bytes());
            }
        }
    }
    datagram
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.ask {
            Ask::Register { roles, from } => {
                write!(f, "register as {}", Role(*roles))?;
                from.iter()
                    .try_for_each(|from| write!(f, " of portid {from}"))?;
            }
            Ask::Unregister { roles } => write!(f, "unregister as {}", Role(*roles))?,
            Ask::Publish(body) => write!(f, "publish {body}")?,
            Ask::ListOne => write!(f, "list, without NLM_F_DUMP")?,
            Ask::Type(kind) => write!(f, "send type {kind:#x}")?,
        }
        if let Some(Extra { first, kind, value }) = &self.extra {
            let place = if *first { "before" } else { "behind" };
            let len = value.len();
            write!(f, ", attribute {kind} of {len} bytes {place} the others")?;
        }
        for (differs, what) in [
            (!self.request, ", no NLM_F_REQUEST"),
            (!self.ack, ", no NLM_F_ACK"),
        ] {
            write!(f, "{}", if differs { what } else { "" })?;
        }
        match self.portid {
            0 => Ok(()),
            portid => write!(f, ", nlmsg_pid {portid}"),
        }
    }
}

struct Role(u32);

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Roles(self.0) {
            Roles::PUBLISHER => write!(f, "publisher"),
            Roles::SUBSCRIBER => write!(f, "subscriber"),
            Roles::BOTH => write!(f, "both"),
            Roles(other) => write!(f, "roles {other:#x}"),
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Damage::Shorten(by) => write!(f, "{by} bytes (modulo its length) cut off"),
            Damage::Lengthen(by) => write!(f, "{by} zeros behind it"),
            Damage::Length(claimed) => write!(f, "nlmsg_len {claimed}"),
            Damage::AttributeLength(claimed) => write!(f, "nla_len {claimed}"),
        }
    }
}

fn any_ask(portids: &[u32], publisher: bool) -> impl Strategy<Value = Ask> + use<> {
    let roles = || prop_oneof![12 => 1_u32..=3, 1 => select(vec![0, 4, 7, 0x8000_0001])];
    let from = prop_oneof![8 => select(portids.to_vec()), 1 => Just(0), 1 => any::<u32>()];
    let edges = [
        0,
        1,
        2,
        3,
        4,
        5,
        255,
        256,
        257,
        BODY_MAX - 1,
        BODY_MAX,
        BODY_MAX + 1,
    ];
    let len = prop_oneof![3 => 0..40_usize, 2 => select(edges.to_vec()), 1 => 0..1200_usize];
    let kind = prop_oneof![0..NLMSG_MIN_TYPE, DATA..0x20, any::<u16>()];
    let from = option::weighted(0.3, from);
    // Otherwise hardly any request would be a publication.
    let (register, publish) = if publisher { (3, 20) } else { (12, 3) };
    prop_oneof![
        register => (roles(), from).prop_map(|(roles, from)| Ask::Register { roles, from }),
        2 => roles().prop_map(|roles| Ask::Unregister { roles }),
        publish => any_body(len).prop_map(Ask::Publish),
        1 => Just(Ask::ListOne),
        1 => kind.prop_map(Ask::Type),
    ]
}

/// A request of a socket that may or may not be a publisher. Most requests are valid.
pub(crate) fn any_frame(portids: &[u32], publisher: bool) -> impl Strategy<Value = Frame> + use<> {
    let portid = prop_oneof![4 => Just(0), 1 => select(portids.to_vec()), 1 => any::<u32>()];
    let extra = (any::<bool>(), 0..=A_MAX + 2, vec(any::<u8>(), 0..=8))
        .prop_map(|(first, kind, value)| Extra { first, kind, value });
    (
        any_ask(portids, publisher),
        0_u32..10,
        portid,
        option::weighted(0.15, Just(())),
        option::weighted(0.02, Just(())),
        option::weighted(0.06, extra),
    )
        .prop_map(|(ask, seq, portid, no_ack, no_request, extra)| Frame {
            ask,
            seq,
            portid,
            ack: no_ack.is_none(),
            request: no_request.is_none(),
            extra,
        })
}

pub(crate) fn any_damage() -> impl Strategy<Value = Damage> {
    let claimed = prop_oneof![
        0_u32..64,
        select(vec![0, 15, 16, 1039, 1040, 0xffff_fff0, u32::MAX]),
    ];
    let attribute = prop_oneof![0_u16..16, any::<u16>()];
    prop_oneof![
        any::<u16>().prop_map(Damage::Shorten),
        any::<u8>().prop_map(Damage::Lengthen),
        claimed.prop_map(Damage::Length),
        attribute.prop_map(Damage::AttributeLength),
    ]
}
