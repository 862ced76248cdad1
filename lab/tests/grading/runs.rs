// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether two texts have code in common: a run of so many words and signs.
//!
//! White space, line breaks and comments do not count. Names may count or not.

use std::collections::{HashMap, HashSet};

/// Whether code is the same that has other names in the same places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// Each name has to be the same.
    Count,
    /// Only where the same name comes again has to be the same. Keywords are no names.
    MayDiffer,
}

/// Words that are no names, of Rust and of C.
const KEYWORDS: [&str; 63] = [
    "Err", "NULL", "None", "Ok", "Option", "Result", "Self", "Some", "as", "bool", "break", "case",
    "char", "const", "continue", "default", "do", "double", "else", "enum", "extern", "false",
    "fn", "for", "goto", "i32", "if", "impl", "in", "int", "let", "long", "loop", "match", "mod",
    "move", "mut", "pub", "ref", "return", "self", "short", "signed", "sizeof", "static", "str",
    "struct", "switch", "trait", "true", "type", "u16", "u32", "u64", "u8", "unsafe", "unsigned",
    "use", "usize", "void", "volatile", "where", "while",
];

/// All runs of one length in the texts that were added.
pub(crate) struct Runs {
    len: usize,
    names: Names,
    /// A digest of each.
    known: HashSet<u64>,
}

impl Runs {
    /// None yet, of `len` words and signs.
    pub(crate) fn of(len: usize, names: Names) -> Self {
        let known = HashSet::new();
        Runs { len, names, known }
    }

    /// Add those of a text.
    pub(crate) fn add(&mut self, code: &str) {
        let digests = self.digests(&tokens(code));
        self.known.extend(digests);
    }

    /// The first run of a text that was added before, as one line.
    pub(crate) fn first_in(&self, code: &str) -> Option<String> {
        let tokens = tokens(code);
        let digests = self.digests(&tokens);
        let at = digests
            .iter()
            .position(|digest| self.known.contains(digest))?;
        Some(tokens[at..at + self.len].join(" "))
    }

    fn digests(&self, tokens: &[&str]) -> Vec<u64> {
        let mut last = HashMap::new();
        // How far it is from each name to the same name before it.
        let before: Vec<Option<usize>> = (0..)
            .zip(tokens)
            .map(|(at, token)| match self.names {
                Names::MayDiffer if is_name(token) => Some(
                    last.insert(token, at)
                        .map_or(usize::MAX, |before| at - before),
                ),
                _ => None,
            })
            .collect();
        let fixed: Vec<u64> = tokens
            .iter()
            .map(|token| token.bytes().fold(1, |sum, byte| mixed(sum, byte.into())))
            .collect();
        (0..(tokens.len() + 1).saturating_sub(self.len))
            .map(|start| {
                (0..self.len).fold(0, |sum, at| match before[start + at] {
                    None => mixed(sum, fixed[start + at]),
                    // What is before the run does not count.
                    Some(distance) if distance > at => mixed(sum, 0),
                    Some(distance) => mixed(sum, distance as u64),
                })
            })
            .collect()
    }
}

/// FNV-1a, eight bytes at a time.
fn mixed(sum: u64, next: u64) -> u64 {
    (sum.rotate_left(5) ^ next).wrapping_mul(0x517c_c1b7_2722_0a95)
}

fn is_name(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphabetic() || first == '_')
        && !KEYWORDS.contains(&token)
}

/// Words and signs, without comments.
fn tokens(code: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let in_word = |c: char| c.is_alphanumeric() || c == '_';
        let comment = [("//", "\n"), ("/*", "*/")]
            .into_iter()
            .find(|(begin, _)| rest.starts_with(begin));
        let len = if let Some((_, end)) = comment {
            rest.find(end).map_or(rest.len(), |at| at + end.len())
        } else {
            let word = rest.find(|c| !in_word(c)).unwrap_or(rest.len());
            let len = word.max(first.len_utf8());
            found.push(&rest[..len]);
            len
        };
        rest = rest[len..].trim_start();
    }
    found
}

#[test]
fn a_run_is_found_whatever_its_lines_and_comments_are() {
    let mut runs = Runs::of(9, Names::Count);
    runs.add("f(a); /* so */ if (b)\n\treturn -1; // no\n}");
    assert_eq!(
        runs.first_in("x();\nif (b) return\n  -1;").as_deref(),
        Some(") ; if ( b ) return - 1")
    );
    assert_eq!(runs.first_in("if (c) return -1; }"), None);
    assert_eq!(runs.first_in("if (b) return"), None);
}

#[test]
fn other_names_are_the_same_code_if_that_is_asked_for() {
    let code = "let sum = first + second; sum * first";
    let renamed = "let all = a + b; all * a";
    let crossed = "let all = a + b; all * b";
    let mut runs = Runs::of(10, Names::MayDiffer);
    runs.add(code);
    assert!(runs.first_in(renamed).is_some());
    assert_eq!(runs.first_in(crossed), None);
    assert_eq!(runs.first_in(&renamed.replace("let", "use")), None);
    let mut runs = Runs::of(10, Names::Count);
    runs.add(code);
    assert_eq!(runs.first_in(renamed), None);
}
