// SPDX-License-Identifier: MIT OR Apache-2.0
//! How the text of a source is encoded. Compilers read UTF-8, and every encoding that is ASCII for
//! code; UTF-16 they do not. Pure.

/// Bytes that are looked at to recognise UTF-16 without a mark.
const LOOK: usize = 64;

/// A source as compilers read it: without a byte order mark, and UTF-8 if it was UTF-16. Says whether
/// it was UTF-16.
pub(crate) fn readable(contents: Vec<u8>) -> (Vec<u8>, bool) {
    if let Some(text) = contents.strip_prefix(b"\xef\xbb\xbf") {
        return (text.to_vec(), false);
    }
    match utf16(&contents) {
        Some(text) => (text.into_bytes(), true),
        None => (contents, false),
    }
}

/// Whether it is text in an encoding that has no zeros, or in UTF-16.
pub(crate) fn is_text(contents: &[u8]) -> bool {
    !contents.contains(&0) || utf16(contents).is_some()
}

fn utf16(contents: &[u8]) -> Option<String> {
    let (pairs, []) = contents.as_chunks::<2>() else {
        return None;
    };
    let zeros = |at: usize| {
        let mut looked_at = pairs.iter().take(LOOK);
        !pairs.is_empty() && looked_at.all(|pair| pair[at] == 0 && pair[1 - at] != 0)
    };
    let (pairs, little) = match contents {
        [0xff, 0xfe, ..] => (&pairs[1..], true),
        [0xfe, 0xff, ..] => (&pairs[1..], false),
        _ if zeros(1) => (pairs, true),
        _ if zeros(0) => (pairs, false),
        _ => return None,
    };
    let unit = |pair: &[u8; 2]| match little {
        true => u16::from_le_bytes(*pair),
        false => u16::from_be_bytes(*pair),
    };
    let units: Vec<u16> = pairs.iter().map(unit).collect();
    let text = String::from_utf16(&units).ok()?;
    (!text.contains('\0')).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_utf_16_is_read() {
        let units: Vec<u16> = "int x; // שלום".encode_utf16().collect();
        let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        for bytes in [
            [&[0xff, 0xfe][..], &little].concat(),
            [&[0xfe, 0xff][..], &big].concat(),
        ] {
            let (text, was_utf16) = readable(bytes);
            assert_eq!(
                (std::str::from_utf8(&text).unwrap(), was_utf16),
                ("int x; // שלום", true)
            );
        }
        let plain: Vec<u8> = "int".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(readable(plain), (b"int".to_vec(), true));
    }

    #[test]
    fn what_compilers_read_stays() {
        for text in [
            &b"\xe9 \xf9\xec\xe5\xed\r\n"[..],
            b"",
            b"a",
            b"\x7fELF\0\0",
            b"a\0b\0\0\0",
        ] {
            assert_eq!(readable(text.to_vec()), (text.to_vec(), false));
        }
        assert_eq!(
            readable(b"\xef\xbb\xbfint".to_vec()),
            (b"int".to_vec(), false)
        );
        assert!(is_text(b"i\0n\0t\0") && !is_text(b"\x7fELF\0\0"));
    }
}
