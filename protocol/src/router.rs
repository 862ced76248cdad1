// SPDX-License-Identifier: MIT OR Apache-2.0
//! Part 3, `nl_router`: any number of publishers and subscribers.
//!
//! Payloads are attributes. Errnos of the module, in the order in which it checks:
//!
//! | request | errno | when |
//! |---|---|---|
//! | another type | `EOPNOTSUPP` | the message type is not one of the requests |
//! | any | `EINVAL` | an attribute of another request, an unknown role, or bytes that form no attribute |
//! | register | `ERANGE` | a publisher is given, and it is 0 |
//! | register, unregister | `EINVAL` | no role |
//! | register | `EINVAL` | a publisher is given without the role subscriber |
//! | register | `EALREADY` | the socket has one of the roles; nothing changes |
//! | unregister | `ENOENT` | the socket does not have one of the roles; nothing changes |
//! | publish | `EINVAL`, `EMSGSIZE` | no body; more than 1024 bytes |
//! | publish | `EPERM` | the socket is not a registered publisher |
//! | list | `EINVAL`, `EBUSY` | `NLM_F_DUMP` is not set; the last list has not been read |

use crate::{
    attributes::{AttributeError, attributes, put_bytes, put_u32},
    netlink::PortId,
};

/// `NL_ROUTER_REGISTER`: take roles.
pub const REGISTER: u16 = 0x10;
/// `NL_ROUTER_UNREGISTER`: give roles back.
pub const UNREGISTER: u16 = 0x11;
/// `NL_ROUTER_PUBLISH`: send a body to every subscription that covers the sender.
pub const PUBLISH: u16 = 0x12;
/// `NL_ROUTER_LIST`: a dump of all members.
pub const LIST: u16 = 0x13;
/// `NL_ROUTER_DATA`: data for subscribers; `seq` counts from 1 for each.
pub const DATA: u16 = 0x14;
/// `NL_ROUTER_MEMBER`: one line of the answer to [`LIST`].
pub const MEMBER: u16 = 0x15;

/// `NL_ROUTER_A_ROLES`: a mask; for a member, its one role.
pub const A_ROLES: u16 = 1;
/// `NL_ROUTER_A_FROM`: portid of the only publisher of a subscription.
pub const A_FROM: u16 = 2;
/// `NL_ROUTER_A_BODY`: 0 to [`BODY_MAX`](crate::netlink::BODY_MAX) bytes.
pub const A_BODY: u16 = 3;
/// `NL_ROUTER_A_PORTID`: portid of the sender, or of the member.
pub const A_PORTID: u16 = 4;
/// `NL_ROUTER_A_PID`: pid of the process that has registered.
pub const A_PID: u16 = 5;
/// `NL_ROUTER_A_DELIVERED`: a count, modulo 2^32.
pub const A_DELIVERED: u16 = 6;
/// `NL_ROUTER_A_DROPPED`: a count, modulo 2^32.
pub const A_DROPPED: u16 = 7;
/// `NL_ROUTER_A_MAX`: the highest number of an attribute.
pub const A_MAX: u16 = A_DROPPED;

/// A set of roles; for a member, exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Roles(pub u32);

impl Roles {
    /// `NL_ROUTER_PUBLISHER`.
    pub const PUBLISHER: Roles = Roles(0x1);
    /// `NL_ROUTER_SUBSCRIBER`.
    pub const SUBSCRIBER: Roles = Roles(0x2);
    /// Both of them.
    pub const BOTH: Roles = Roles(0x3);
}

/// A request to the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// Take roles.
    Register {
        /// The roles.
        roles: Roles,
        /// The only publisher of a subscription; `None` means all.
        from: Option<PortId>,
    },
    /// Give roles back.
    Unregister(Roles),
    /// Send a body.
    Publish(&'a [u8]),
    /// List the members; sent with `NLM_F_DUMP`.
    List,
}

impl Request<'_> {
    /// Its message type.
    pub fn kind(&self) -> u16 {
        match self {
            Request::Register { .. } => REGISTER,
            Request::Unregister(_) => UNREGISTER,
            Request::Publish(_) => PUBLISH,
            Request::List => LIST,
        }
    }

    /// Its attributes.
    pub fn payload(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match *self {
            Request::Register { roles, from } => {
                put_u32(&mut out, A_ROLES, roles.0);
                if let Some(portid) = from {
                    put_u32(&mut out, A_FROM, portid.0);
                }
            }
            Request::Unregister(roles) => put_u32(&mut out, A_ROLES, roles.0),
            Request::Publish(body) => put_bytes(&mut out, A_BODY, body),
            Request::List => {}
        }
        out
    }
}

/// The payload of [`DATA`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Data<'a> {
    /// Portid of its publisher.
    pub sender: PortId,
    /// The body, with its exact length.
    pub body: &'a [u8],
}

impl<'a> Data<'a> {
    /// Read the payload of [`DATA`].
    ///
    /// # Errors
    /// [`AttributeError`]; an unknown attribute is ignored.
    pub fn decode(payload: &'a [u8]) -> Result<Self, AttributeError> {
        let (mut sender, mut body) = (None, None);
        for attribute in attributes(payload) {
            let attribute = attribute?;
            match attribute.kind {
                A_PORTID => sender = Some(PortId(attribute.u32()?)),
                A_BODY => body = Some(attribute.value),
                _ => {}
            }
        }
        Ok(Data {
            sender: sender.ok_or(AttributeError::Missing(A_PORTID))?,
            body: body.ok_or(AttributeError::Missing(A_BODY))?,
        })
    }
}

/// The payload of [`MEMBER`]: one role of one socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its role.
    pub role: Roles,
    /// Its socket.
    pub portid: PortId,
    /// The process that has registered.
    pub pid: u32,
    /// The only publisher of a subscription; `None` means all.
    pub from: Option<PortId>,
    /// For a subscriber, messages in its queue; for a publisher, delivered copies.
    pub delivered: u32,
    /// Messages or copies for which a queue was full.
    pub dropped: u32,
}

impl Member {
    /// Read the payload of [`MEMBER`].
    ///
    /// # Errors
    /// [`AttributeError`]; an unknown attribute is ignored.
    pub fn decode(payload: &[u8]) -> Result<Self, AttributeError> {
        let mut found = [None; A_MAX as usize + 1];
        for attribute in attributes(payload) {
            let attribute = attribute?;
            if let Some(place) = found.get_mut(usize::from(attribute.kind)) {
                *place = Some(attribute.u32()?);
            }
        }
        let get = |kind: u16| found[usize::from(kind)].ok_or(AttributeError::Missing(kind));
        Ok(Member {
            role: Roles(get(A_ROLES)?),
            portid: PortId(get(A_PORTID)?),
            pid: get(A_PID)?,
            from: get(A_FROM).ok().map(PortId),
            delivered: get(A_DELIVERED)?,
            dropped: get(A_DROPPED)?,
        })
    }
}

/// `struct nl_router_report`: the result of one publication.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Number of subscribers with the message in their queue.
    pub delivered: u32,
    /// Number of subscribers whose queue was full.
    pub dropped: u32,
}

impl Report {
    /// Read the cookie of an acknowledgement; `None` if it has another length.
    pub fn decode(cookie: &[u8]) -> Option<Self> {
        let (delivered, dropped) = cookie.split_at_checked(4)?;
        Some(Report {
            delivered: u32::from_ne_bytes(delivered.try_into().ok()?),
            dropped: u32::from_ne_bytes(dropped.try_into().ok()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_sender_and_body_with_its_exact_length() {
        let mut payload = Vec::new();
        put_u32(&mut payload, A_PORTID, 61);
        assert_eq!(Data::decode(&payload), Err(AttributeError::Missing(A_BODY)));
        payload.extend(Request::Publish(b"hello").payload());
        let data = Data {
            sender: PortId(61),
            body: b"hello",
        };
        assert_eq!(Data::decode(&payload), Ok(data));
    }

    #[test]
    fn a_member_without_from_listens_to_all() {
        let mut payload = Vec::new();
        for (kind, value) in [
            (A_ROLES, 2),
            (A_PORTID, 61),
            (A_PID, 60),
            (A_DELIVERED, 3),
            (A_DROPPED, 1),
        ] {
            put_u32(&mut payload, kind, value);
        }
        let member = Member {
            role: Roles::SUBSCRIBER,
            portid: PortId(61),
            pid: 60,
            from: None,
            delivered: 3,
            dropped: 1,
        };
        assert_eq!(Member::decode(&payload), Ok(member));
        put_u32(&mut payload, A_FROM, 7);
        let from = Some(PortId(7));
        assert_eq!(Member::decode(&payload), Ok(Member { from, ..member }));
    }

    #[test]
    fn a_report_is_two_numbers() {
        let cookie = [3_u32.to_ne_bytes(), 1_u32.to_ne_bytes()].concat();
        let report = Report {
            delivered: 3,
            dropped: 1,
        };
        assert_eq!(Report::decode(&cookie), Some(report));
        assert_eq!(Report::decode(&cookie[..7]), None);
        assert_eq!(Report::decode(b""), None);
    }
}
