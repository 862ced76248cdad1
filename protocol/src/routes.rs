// SPDX-License-Identifier: MIT OR Apache-2.0
//! Part 2, step 3, `nl_routes`: a table of entries, and events for its watchers.
//!
//! Errnos of the module, in the order in which it checks:
//!
//! | request | errno | when |
//! |---|---|---|
//! | another type | `EOPNOTSUPP` | the message type is unknown |
//! | any | `EMSGSIZE` | the payload is longer than 1024 bytes |
//! | list | `EINVAL` | without `NLM_F_DUMP`, or with a payload |
//! | any | `EINVAL`, `ERANGE` | an attribute is missing, unknown, too long, too short or too large |
//! | add | `EEXIST`, `ENOSPC` | the entry exists; the table has [`ENTRIES`] entries |
//! | delete, expire, watch | `ENOENT` | the entry does not exist |
//! | watch | `EEXIST`, `ENOSPC` | the socket watches the entry already, or [`WATCHES`] others |
//! | unwatch | `ENOENT` | the socket has no such watch |

use crate::attributes::{self, AttributeError, put_bytes, put_string};

/// `NL_ROUTES_LIST`: all entries, with `NLM_F_DUMP`.
pub const LIST: u16 = 0x10;
/// `NL_ROUTES_ADD`: add an entry that does not expire.
pub const ADD: u16 = 0x11;
/// `NL_ROUTES_DELETE`: delete an entry.
pub const DELETE: u16 = 0x12;
/// `NL_ROUTES_EXPIRE`: set the expiry time of an entry.
pub const EXPIRE: u16 = 0x13;
/// `NL_ROUTES_WATCH`: receive the events of one entry or of all.
pub const WATCH: u16 = 0x14;
/// `NL_ROUTES_UNWATCH`: end a watch.
pub const UNWATCH: u16 = 0x15;
/// `NL_ROUTES_ENTRY`: one entry of a list.
pub const ENTRY: u16 = 0x18;
/// `NL_ROUTES_ADDED`: event; `seq` counts the events for this socket from 1.
pub const ADDED: u16 = 0x19;
/// `NL_ROUTES_DELETED`: event; `seq` as with [`ADDED`].
pub const DELETED: u16 = 0x1a;

/// `NL_ROUTES_A_NAME`: a string of 1 to [`NAME_MAX`] bytes with its NUL.
pub const A_NAME: u16 = 1;
/// `NL_ROUTES_A_EXPIRE_MS`: milliseconds until it expires; 0 in a request means never.
pub const A_EXPIRE_MS: u16 = 2;
/// `NL_ROUTES_A_REASON`: [`EXPIRED`] or [`REQUESTED`].
pub const A_REASON: u16 = 3;

/// `NL_ROUTES_EXPIRED`: deleted because its time has expired.
pub const EXPIRED: u32 = 1;
/// `NL_ROUTES_REQUESTED`: deleted by a request.
pub const REQUESTED: u32 = 2;

/// `NL_ROUTES_NAME_MAX`: longest name, in bytes, without the NUL.
pub const NAME_MAX: usize = 15;
/// `NL_ROUTES_EXPIRE_MAX`: longest time until an entry expires, in milliseconds.
pub const EXPIRE_MAX: u32 = 0x7fff_ffff;
/// `NL_ROUTES_ENTRIES`: the most entries of the table.
pub const ENTRIES: usize = 256;
/// `NL_ROUTES_WATCHES`: the most entries that a socket watches by name.
pub const WATCHES: usize = 16;

/// A request to the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// List all entries.
    List,
    /// Add an entry.
    Add(&'a str),
    /// Delete an entry.
    Delete(&'a str),
    /// Make an entry expire after this many milliseconds; 0 means never.
    Expire(&'a str, u32),
    /// Watch an entry, or all entries if there is no name.
    Watch(Option<&'a str>),
    /// End a watch.
    Unwatch(Option<&'a str>),
}

impl Request<'_> {
    /// The message type of the request.
    pub fn kind(&self) -> u16 {
        match self {
            Request::List => LIST,
            Request::Add(_) => ADD,
            Request::Delete(_) => DELETE,
            Request::Expire(..) => EXPIRE,
            Request::Watch(_) => WATCH,
            Request::Unwatch(_) => UNWATCH,
        }
    }

    /// The payload of the request.
    pub fn payload(&self) -> Vec<u8> {
        let mut payload = Vec::new();
        match *self {
            Request::List | Request::Watch(None) | Request::Unwatch(None) => {}
            Request::Add(name)
            | Request::Delete(name)
            | Request::Watch(Some(name))
            | Request::Unwatch(Some(name)) => put_string(&mut payload, A_NAME, name),
            Request::Expire(name, ms) => {
                put_string(&mut payload, A_NAME, name);
                put_bytes(&mut payload, A_EXPIRE_MS, &ms.to_ne_bytes());
            }
        }
        payload
    }
}

/// The reason why an entry was deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Its time has expired.
    Expired,
    /// A request.
    Requested,
}

/// A message of the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News<'a> {
    /// An entry of a list.
    Entry {
        /// Its name.
        name: &'a str,
        /// Milliseconds until it expires; `None` means never.
        expire_ms: Option<u32>,
    },
    /// This entry was added.
    Added(&'a str),
    /// This entry was deleted.
    Deleted(&'a str, Reason),
}

impl<'a> News<'a> {
    /// Parse the payload of a message of type `kind`; `None` for other types.
    ///
    /// # Errors
    /// [`AttributeError`] if the attributes are not those of that type.
    pub fn decode(kind: u16, payload: &'a [u8]) -> Result<Option<Self>, AttributeError> {
        if !matches!(kind, ENTRY | ADDED | DELETED) {
            return Ok(None);
        }
        let name = attributes::string(payload, A_NAME, "a name")?;
        Ok(Some(match kind {
            ENTRY => News::Entry {
                name,
                expire_ms: attributes::number(payload, A_EXPIRE_MS)?,
            },
            ADDED => News::Added(name),
            _ => News::Deleted(
                name,
                match attributes::number(payload, A_REASON)? {
                    Some(EXPIRED) => Reason::Expired,
                    Some(REQUESTED) => Reason::Requested,
                    _ => return Err(AttributeError::NoValue("a reason")),
                },
            ),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_the_attributes_of_its_type() {
        assert_eq!(Request::List.payload(), b"");
        assert_eq!(Request::Watch(None).payload(), b"");
        let payload = Request::Expire("R3", 500).payload();
        assert_eq!(attributes::string(&payload, A_NAME, ""), Ok("R3"));
        assert_eq!(attributes::number(&payload, A_EXPIRE_MS), Ok(Some(500)));
    }

    #[test]
    fn an_event_is_read_with_its_reason() {
        let mut payload = Request::Delete("R3").payload();
        assert_eq!(News::decode(ADDED, &payload), Ok(Some(News::Added("R3"))));
        assert!(News::decode(DELETED, &payload).is_err());
        put_bytes(&mut payload, A_REASON, &EXPIRED.to_ne_bytes());
        assert_eq!(
            News::decode(DELETED, &payload),
            Ok(Some(News::Deleted("R3", Reason::Expired)))
        );
        assert_eq!(News::decode(0x30, &payload), Ok(None));
    }
}
