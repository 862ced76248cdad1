// SPDX-License-Identifier: MIT OR Apache-2.0
//! Requests to the router as bytes: their contents, and their mistakes that do not depend on the
//! sender.

use std::collections::BTreeSet;

use super::Errno;
use crate::{
    attributes::{Attribute, attributes},
    netlink::{BODY_MAX, Message, NLM_F_DUMP, NLM_F_REQUEST, NLMSG_MIN_TYPE, PortId, messages},
    router::{A_BODY, A_FROM, A_ROLES, LIST, PUBLISH, REGISTER, Roles, UNREGISTER},
};

/// The messages of a datagram, if all their headers are those of requests or of netlink itself.
pub(super) fn requests(datagram: &[u8]) -> Option<Vec<Message<'_>>> {
    let all: Option<Vec<_>> = messages(datagram).map(Result::ok).collect();
    all.filter(|all| {
        all.iter().all(|message| {
            message.header.kind < NLMSG_MIN_TYPE || message.header.flags & NLM_F_REQUEST != 0
        })
    })
}

/// The attributes of a request. Of several of one type, the last counts.
#[derive(Default)]
pub(super) struct Asked<'a> {
    roles: Option<u32>,
    /// A subscription's publisher.
    pub(super) from: Option<PortId>,
    /// The body to be published.
    pub(super) body: Option<&'a [u8]>,
}

impl<'a> Asked<'a> {
    /// The contents of a request, and the errnos of all mistakes in its form.
    ///
    /// # Errors
    /// `EOPNOTSUPP` for an unknown type.
    pub(super) fn of(request: &Message<'a>) -> Result<(Self, BTreeSet<Errno>), Vec<Errno>> {
        let known: &[u16] = match request.header.kind {
            REGISTER => &[A_ROLES, A_FROM],
            UNREGISTER => &[A_ROLES],
            PUBLISH => &[A_BODY],
            LIST => &[],
            _ => return Err(vec![Errno::EOPNOTSUPP]),
        };
        let mut asked = Asked::default();
        let mut wrong = BTreeSet::new();
        for attribute in attributes(request.payload) {
            let read = match attribute {
                Ok(attribute) if known.contains(&attribute.kind) => asked.read(&attribute),
                _ => Err(Errno::EINVAL),
            };
            wrong.extend(read.err());
        }
        wrong.extend(asked.missing(&request.header));
        if asked.body.is_some_and(|body| body.len() > BODY_MAX) {
            wrong.insert(Errno::EMSGSIZE);
        }
        Ok((asked, wrong))
    }

    fn read(&mut self, attribute: &Attribute<'a>) -> Result<(), Errno> {
        if attribute.kind == A_BODY {
            self.body = Some(attribute.value);
            return Ok(());
        }
        let value = attribute.u32().map_err(|_| Errno::EINVAL)?;
        if attribute.kind == A_FROM {
            self.from = Some(PortId(value));
            return if value != 0 {
                Ok(())
            } else {
                Err(Errno::ERANGE)
            };
        }
        self.roles = Some(value);
        if value & !Roles::BOTH.0 == 0 {
            Ok(())
        } else {
            Err(Errno::EINVAL)
        }
    }

    /// The errno of a missing attribute, or of one that must not be beside another.
    fn missing(&self, header: &crate::netlink::Header) -> Option<Errno> {
        let complete = match header.kind {
            REGISTER | UNREGISTER => {
                let subscribes = self.each_role().any(|role| role == Roles::SUBSCRIBER);
                self.each_role().next().is_some() && (self.from.is_none() || subscribes)
            }
            PUBLISH => self.body.is_some(),
            _ => header.flags & NLM_F_DUMP == NLM_F_DUMP,
        };
        (!complete).then_some(Errno::EINVAL)
    }

    /// The roles, one by one.
    pub(super) fn each_role(&self) -> impl Iterator<Item = Roles> + use<> {
        let roles = self.roles.unwrap_or(0);
        [Roles::PUBLISHER, Roles::SUBSCRIBER]
            .into_iter()
            .filter(move |role| roles & role.0 != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        attributes::{put_bytes, put_u32},
        netlink::Header,
    };

    /// The mistakes in a request of this type with these attributes.
    fn wrong(kind: u16, put: impl Fn(&mut Vec<u8>)) -> Vec<Errno> {
        let mut payload = Vec::new();
        put(&mut payload);
        let header = Header {
            kind,
            flags: NLM_F_REQUEST,
            seq: 1,
            portid: PortId(0),
        };
        let payload = &payload;
        match Asked::of(&Message { header, payload }) {
            Ok((_, wrong)) => wrong.into_iter().collect(),
            Err(errnos) => errnos,
        }
    }

    #[test]
    fn each_type_takes_its_own_attributes_and_no_other() {
        assert_eq!(wrong(REGISTER, |out| put_u32(out, A_ROLES, 3)), []);
        assert_eq!(wrong(PUBLISH, |out| put_bytes(out, A_BODY, b"")), []);
        for kind in [REGISTER, UNREGISTER, PUBLISH, LIST] {
            assert_eq!(wrong(kind, |_| ()), [Errno::EINVAL]);
        }
        assert_eq!(wrong(LIST + 1, |_| ()), [Errno::EOPNOTSUPP]);
        assert_eq!(
            wrong(REGISTER, |out| put_u32(out, A_ROLES, 4)),
            [Errno::EINVAL]
        );
        assert_eq!(
            wrong(UNREGISTER, |out| {
                put_u32(out, A_ROLES, 2);
                put_u32(out, A_FROM, 5);
            }),
            [Errno::EINVAL]
        );
        assert_eq!(
            wrong(PUBLISH, |out| put_bytes(out, A_BODY, &[0; BODY_MAX + 1])),
            [Errno::EMSGSIZE]
        );
    }

    #[test]
    fn all_that_is_wrong_is_told() {
        let put = |out: &mut Vec<u8>| {
            put_u32(out, A_FROM, 0);
            put_bytes(out, A_ROLES, &[1, 0]);
        };
        assert_eq!(wrong(REGISTER, put), [Errno::EINVAL, Errno::ERANGE]);
    }

    #[test]
    fn of_two_attributes_of_one_type_the_last_counts() {
        let put = |out: &mut Vec<u8>| {
            put_u32(out, A_ROLES, 2);
            put_u32(out, A_FROM, 5);
            put_u32(out, A_ROLES, 1);
        };
        assert_eq!(wrong(REGISTER, put), [Errno::EINVAL]);
    }
}
