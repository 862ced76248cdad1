// SPDX-License-Identifier: MIT OR Apache-2.0
//! The reasons why a scenario stops before its end, and their texts.

use lab_machine::Trouble;
use nix::errno::Errno;

use crate::in_words::InWords;

/// The reason why a scenario stops before its end.
#[derive(Debug)]
pub enum Halt {
    /// An observation differs from the expectation.
    Fail {
        /// The expectation.
        expected: String,
        /// The observation.
        got: String,
    },
    /// The machine cannot be used any more.
    Trouble(Trouble),
    /// The harness could not do its work.
    Harness(lab_base::Error),
}

impl From<Trouble> for Halt {
    fn from(trouble: Trouble) -> Self {
        Halt::Trouble(trouble)
    }
}

impl From<lab_base::Error> for Halt {
    fn from(error: lab_base::Error) -> Self {
        Halt::Harness(error)
    }
}

/// Result of every action of a scenario.
pub type Outcome<T = ()> = Result<T, Halt>;

/// [`Halt::Fail`], if the two differ.
///
/// # Errors
/// States the expectation and the observation.
pub fn expect_eq<T: InWords>(what: &str, got: T, expected: T) -> Outcome {
    if got == expected {
        return Ok(());
    }
    let expected = format!("{what}: {}", expected.in_words());
    Err(fail(expected, got.in_words()))
}

/// [`Halt::Fail`], if a request was answered with an errno.
///
/// # Errors
/// States the errno by its name.
pub fn expect_success(errno: i32) -> Outcome {
    if errno == 0 {
        return Ok(());
    }
    let got = Errno::from_raw(errno).in_words();
    Err(fail(
        "the request is carried out",
        format!("it is refused: {got} (errno {errno})"),
    ))
}

/// A failure.
pub fn fail(expected: impl Into<String>, got: impl Into<String>) -> Halt {
    Halt::Fail {
        expected: expected.into(),
        got: got.into(),
    }
}

/// Bytes as people can read them: UTF-8 is kept, other bytes are escaped, long lines are cut.
pub fn readable(bytes: &[u8]) -> String {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
        _ => bytes.escape_ascii().to_string(),
    };
    if text.chars().count() <= 120 {
        return text;
    }
    let start: String = text.chars().take(60).collect();
    format!("{start}... ({} bytes)", bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_shown_so_that_nothing_is_hidden() {
        assert_eq!(readable("größer".as_bytes()), "größer");
        assert_eq!(readable(b"a\x00b\xff"), "a\\x00b\\xff");
        assert!(readable(&[b'x'; 1000]).ends_with("... (1000 bytes)"));
    }
}
