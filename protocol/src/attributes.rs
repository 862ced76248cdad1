// SPDX-License-Identifier: MIT OR Apache-2.0
//! Netlink attributes as bytes: `struct nlattr`, its value, padding up to a multiple of four.
//!
//! Integers are in the machine's own byte order, as in `linux/netlink.h`. This file knows no
//! attribute's meaning, and does not parse nested ones.

/// Length of `struct nlattr`, in bytes.
pub const ATTRIBUTE_HEADER_LEN: usize = 4;

/// Append an attribute. `nla_len` is exact, and padding follows.
///
/// The most are 65531 bytes. For more, `nla_len` is 65535, which no kernel accepts.
pub fn put_bytes(out: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let len = u16::try_from(ATTRIBUTE_HEADER_LEN + value.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&len.to_ne_bytes());
    out.extend_from_slice(&kind.to_ne_bytes());
    out.extend_from_slice(value);
    out.resize(out.len().next_multiple_of(4), 0);
}

/// Append an attribute that is a `u32`.
pub fn put_u32(out: &mut Vec<u8>, kind: u16, value: u32) {
    put_bytes(out, kind, &value.to_ne_bytes());
}

/// Append an attribute that is a string, with its NUL (`NLA_NUL_STRING`).
pub fn put_string(out: &mut Vec<u8>, kind: u16, value: &str) {
    let mut bytes = value.as_bytes().to_vec();
    bytes.push(0);
    put_bytes(out, kind, &bytes);
}

/// The reason why bytes are not the expected attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttributeError {
    /// `nla_len` does not fit the available bytes.
    #[error("expected an attribute of at most {available} bytes, found one of {claimed}")]
    BadLength {
        /// `nla_len`, 0 if there is no header.
        claimed: u16,
        /// Available bytes, including the header.
        available: usize,
    },
    /// The value has another length than its type.
    #[error("expected attribute {kind} to have 4 bytes, found {len}")]
    NotU32 {
        /// `nla_type`.
        kind: u16,
        /// Length of the value, in bytes.
        len: usize,
    },
    /// A required attribute is missing.
    #[error("expected attribute {0}, found none")]
    Missing(u16),
    /// A required attribute is missing, or has a wrong value.
    #[error("expected an attribute with {0}, found none or another value")]
    NoValue(&'static str),
}

/// One attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// `nla_type`, flags included.
    pub kind: u16,
    /// The value, without padding.
    pub value: &'a [u8],
}

impl Attribute<'_> {
    /// The value as a `u32`.
    ///
    /// # Errors
    /// [`AttributeError::NotU32`] if it does not have four bytes.
    pub fn u32(&self) -> Result<u32, AttributeError> {
        let bytes = self.value.try_into().map_err(|_| AttributeError::NotU32 {
            kind: self.kind,
            len: self.value.len(),
        })?;
        Ok(u32::from_ne_bytes(bytes))
    }
}

/// Iterator over attributes; ends after the first error.
#[derive(Clone, Debug)]
pub struct Attributes<'a> {
    rest: &'a [u8],
}

/// The attributes in a payload, in order.
pub fn attributes(payload: &[u8]) -> Attributes<'_> {
    Attributes { rest: payload }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<Attribute<'a>, AttributeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = std::mem::take(&mut self.rest);
        if bytes.is_empty() {
            return None;
        }
        let u16_at = |at: usize| {
            let found = bytes.get(at..at + 2)?.try_into().ok()?;
            Some(u16::from_ne_bytes(found))
        };
        let claimed = u16_at(0).unwrap_or(0);
        let value = bytes.get(ATTRIBUTE_HEADER_LEN..usize::from(claimed));
        let (Some(kind), Some(value)) = (u16_at(2), value) else {
            return Some(Err(AttributeError::BadLength {
                claimed,
                available: bytes.len(),
            }));
        };
        let next = usize::from(claimed).next_multiple_of(4);
        self.rest = bytes.get(next..).unwrap_or_default();
        Some(Ok(Attribute { kind, value }))
    }
}

/// The value of the first attribute of a type.
///
/// # Errors
/// [`AttributeError::BadLength`] if the bytes before it are not attributes.
pub fn find(payload: &[u8], kind: u16) -> Result<Option<&[u8]>, AttributeError> {
    for attribute in attributes(payload) {
        let attribute = attribute?;
        if attribute.kind == kind {
            return Ok(Some(attribute.value));
        }
    }
    Ok(None)
}

/// A string without its NUL.
///
/// # Errors
/// [`AttributeError::NoValue`] named `what` if it is missing, has no NUL or is not UTF-8.
pub fn string<'a>(
    payload: &'a [u8],
    kind: u16,
    what: &'static str,
) -> Result<&'a str, AttributeError> {
    find(payload, kind)?
        .and_then(|value| std::str::from_utf8(value.strip_suffix(&[0])?).ok())
        .ok_or(AttributeError::NoValue(what))
}

/// A 32 bit number; `None` if it is missing.
///
/// # Errors
/// [`AttributeError::NotU32`] if it does not have four bytes.
pub fn number(payload: &[u8], kind: u16) -> Result<Option<u32>, AttributeError> {
    let found = find(payload, kind)?.map(|value| Attribute { kind, value }.u32());
    found.transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_string_has_its_nul_and_a_number_four_bytes() {
        let mut payload = Vec::new();
        put_string(&mut payload, 1, "R3");
        put_u32(&mut payload, 2, 500);
        put_bytes(&mut payload, 4, b"no NUL");
        assert_eq!(string(&payload, 1, "a name"), Ok("R3"));
        assert_eq!(number(&payload, 2), Ok(Some(500)));
        assert_eq!(number(&payload, 3), Ok(None));
        assert_eq!(
            string(&payload, 4, "a name"),
            Err(AttributeError::NoValue("a name"))
        );
        assert!(number(&payload, 4).is_err());
    }

    #[test]
    fn lengths_are_exact_and_places_are_aligned() {
        let mut out = Vec::new();
        put_bytes(&mut out, 1, b"hello");
        put_string(&mut out, 2, "abc");
        put_u32(&mut out, 3, 7);
        assert_eq!(out.len(), 12 + 8 + 8);
        assert_eq!(out[..2], 9_u16.to_ne_bytes());
        let found: Vec<_> = attributes(&out).map(|a| a.unwrap()).collect();
        assert_eq!(found[0].value, b"hello");
        assert_eq!(found[1].value, b"abc\0");
        assert_eq!(found[2].u32(), Ok(7));
        assert_eq!(found.len(), 3);
        assert_eq!(
            found[0].u32(),
            Err(AttributeError::NotU32 { kind: 1, len: 5 })
        );
    }

    #[test]
    fn a_length_that_does_not_fit_is_an_error_and_ends_them() {
        for claimed in [0_u16, 3, 10, u16::MAX] {
            let mut out = Vec::new();
            put_bytes(&mut out, 1, b"hello");
            out.truncate(9);
            out[..2].copy_from_slice(&claimed.to_ne_bytes());
            let bad = AttributeError::BadLength {
                claimed,
                available: 9,
            };
            assert_eq!(attributes(&out).collect::<Vec<_>>(), [Err(bad)]);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            for attribute in attributes(&bytes).flatten() {
                prop_assert!(attribute.value.len() < bytes.len());
            }
        }

        #[test]
        fn what_is_encoded_is_decoded(
            kind: u16, value in proptest::collection::vec(any::<u8>(), 0..1100),
        ) {
            let mut out = Vec::new();
            put_bytes(&mut out, kind, &value);
            let found: Vec<_> = attributes(&out).collect();
            prop_assert_eq!(found, vec![Ok(Attribute { kind, value: &value })]);
        }
    }
}
