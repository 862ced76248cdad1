// SPDX-License-Identifier: MIT OR Apache-2.0
//! Attributes: length, type, value, each padded to four bytes (`struct nlattr`).
//!
//! Byte order is the machine's own. Which attributes a message has is in the module of its stage.

use crate::netlink::{DecodeError, u16_at, u32_at};

/// Length of `struct nlattr`, in bytes.
pub const ATTRIBUTE_HEADER_LEN: usize = 4;

/// Append an attribute. What stands before it is padded, its own value is not.
pub fn push(payload: &mut Vec<u8>, kind: u16, value: &[u8]) {
    payload.resize(payload.len().next_multiple_of(4), 0);
    let len = u16::try_from(ATTRIBUTE_HEADER_LEN + value.len()).unwrap_or(u16::MAX);
    payload.extend_from_slice(&len.to_ne_bytes());
    payload.extend_from_slice(&kind.to_ne_bytes());
    payload.extend_from_slice(value);
}

/// Append a string with the NUL that the kernel wants at its end.
pub fn push_string(payload: &mut Vec<u8>, kind: u16, value: &str) {
    let mut bytes = value.as_bytes().to_vec();
    bytes.push(0);
    push(payload, kind, &bytes);
}

/// Iterator over the attributes of a payload, as type and value; ends after the first error.
#[derive(Clone, Debug)]
pub struct Attributes<'a> {
    rest: &'a [u8],
}

/// The attributes of a payload, in order.
pub fn attributes(payload: &[u8]) -> Attributes<'_> {
    Attributes { rest: payload }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<(u16, &'a [u8]), DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = std::mem::take(&mut self.rest);
        if bytes.is_empty() {
            return None;
        }
        let claimed = u16_at(bytes, 0).unwrap_or_default();
        let len = usize::from(claimed);
        let (Some(kind), Some(value)) = (u16_at(bytes, 2), bytes.get(ATTRIBUTE_HEADER_LEN..len))
        else {
            return Some(Err(DecodeError::BadAttribute {
                claimed,
                available: bytes.len(),
            }));
        };
        self.rest = bytes.get(len.next_multiple_of(4)..).unwrap_or_default();
        Some(Ok((kind, value)))
    }
}

/// The value of the first attribute of a type.
///
/// # Errors
/// [`DecodeError::BadAttribute`] if the payload ends before it without being attributes.
pub fn find(payload: &[u8], kind: u16) -> Result<Option<&[u8]>, DecodeError> {
    for attribute in attributes(payload) {
        let (found, value) = attribute?;
        if found == kind {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

/// A string without the NUL at its end.
///
/// # Errors
/// [`DecodeError::NoAttribute`] named `what` if it is missing, has no NUL or is not UTF-8.
pub fn string<'a>(
    payload: &'a [u8],
    kind: u16,
    what: &'static str,
) -> Result<&'a str, DecodeError> {
    find(payload, kind)?
        .and_then(|value| std::str::from_utf8(value.strip_suffix(&[0])?).ok())
        .ok_or(DecodeError::NoAttribute(what))
}

/// A 32 bit number; `None` if it is missing.
///
/// # Errors
/// [`DecodeError::NoAttribute`] named `what` if it does not have four bytes.
pub fn number(payload: &[u8], kind: u16, what: &'static str) -> Result<Option<u32>, DecodeError> {
    match find(payload, kind)? {
        None => Ok(None),
        Some(value) if value.len() == 4 => Ok(u32_at(value, 0)),
        Some(_) => Err(DecodeError::NoAttribute(what)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_are_padded_between_and_exact_in_length() {
        let mut payload = Vec::new();
        push_string(&mut payload, 1, "R3");
        push(&mut payload, 2, &500_u32.to_ne_bytes());
        assert_eq!(payload.len(), 8 + 8);
        assert_eq!(u16_at(&payload, 0), Some(7));
        assert_eq!(string(&payload, 1, "a name"), Ok("R3"));
        assert_eq!(number(&payload, 2, "a time"), Ok(Some(500)));
        assert_eq!(number(&payload, 3, "a reason"), Ok(None));
    }

    #[test]
    fn what_is_not_an_attribute_is_an_error() {
        for bytes in [&[4_u8][..], &[3, 0, 1, 0], &[9, 0, 1, 0, b'x', 0]] {
            assert!(matches!(
                attributes(bytes).next(),
                Some(Err(DecodeError::BadAttribute { .. }))
            ));
        }
        let mut payload = Vec::new();
        push(&mut payload, 1, b"no NUL");
        assert_eq!(
            string(&payload, 1, "a name"),
            Err(DecodeError::NoAttribute("a name"))
        );
        assert!(number(&payload, 1, "a time").is_err());
    }

    proptest! {
        #[test]
        fn what_is_pushed_is_found(
            values in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..5),
        ) {
            let mut payload = Vec::new();
            for (kind, value) in (1..).zip(&values) {
                push(&mut payload, kind, value);
            }
            let found: Result<Vec<_>, _> = attributes(&payload).collect();
            let expected: Vec<_> = (1..).zip(values.iter().map(Vec::as_slice)).collect();
            prop_assert_eq!(found, Ok(expected));
        }

        #[test]
        fn no_bytes_make_the_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            for (_, value) in attributes(&bytes).flatten() {
                prop_assert!(value.len() <= bytes.len());
            }
        }
    }
}
