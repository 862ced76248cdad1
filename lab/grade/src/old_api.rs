// SPDX-License-Identifier: MIT OR Apache-2.0
//! APIs that modules of older kernels use and that newer kernels removed: the rows of
//! `lab/kernels/old-api.toml`. The lab supplies them if it can, and says so.

use std::{borrow::Cow, collections::BTreeMap, fmt::Write as _, sync::LazyLock};

use lab_base::{Error, Result, pattern};
use regex::{Captures, Regex};
use serde::Deserialize;

use crate::{code::code_of, unpack::SubmittedFile};

static TABLE: LazyLock<std::result::Result<Table, String>> = LazyLock::new(|| {
    toml::from_str(include_str!("../../kernels/old-api.toml")).map_err(|error| error.to_string())
});

/// The table of removed APIs.
///
/// # Errors
/// The file is not such a table.
pub fn table() -> Result<&'static Table> {
    TABLE
        .as_ref()
        .map_err(|why| Error::Unexpected(format!("lab/kernels/old-api.toml: {why}")))
}

/// All rows.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Functions, types and fields that have changed, and headers that are gone.
    pub api: Vec<OldApi>,
    /// Headers that others once included.
    included: Vec<Included>,
}

/// One row. The fields are described in the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OldApi {
    /// For people.
    pub old: String,
    #[serde(deserialize_with = "regex")]
    uses: Regex,
    #[serde(default, deserialize_with = "maybe_regex")]
    unless: Option<Regex>,
    #[serde(deserialize_with = "version")]
    changed: Version,
    now: String,
    code: Option<String>,
    #[serde(default)]
    headers: Vec<String>,
    #[serde(default)]
    replaces: bool,
    #[serde(default)]
    rewrite: Vec<Rewrite>,
    /// C that uses it.
    pub example: String,
}

#[derive(Debug, Deserialize)]
struct Rewrite(#[serde(deserialize_with = "regex")] Regex, String);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Included {
    header: String,
    functions: Vec<String>,
}

/// A kernel's version: `6.12.117` is `[6, 12, 117]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version([u32; 3]);

impl Version {
    /// The numbers that `text`, as of `uname -r`, begins with.
    pub fn of(text: &str) -> Self {
        let numbers = text.split(|c: char| !c.is_ascii_digit());
        let mut numbers = numbers.map(|number| number.parse().unwrap_or_default());
        Version([(); 3].map(|()| numbers.next().unwrap_or_default()))
    }
}

impl OldApi {
    /// Whether a kernel no longer has it.
    pub fn is_gone(&self, kernel: Version) -> bool {
        kernel >= self.changed
    }

    /// Whether the lab makes up for it.
    pub fn is_supplied(&self) -> bool {
        self.code.is_some() || !self.rewrite.is_empty()
    }

    fn is_used(&self, code: &str) -> bool {
        let unless = self.unless.as_ref();
        self.uses.is_match(code) && !unless.is_some_and(|unless| unless.is_match(code))
    }

    /// For the report: the old API, and its successor.
    fn words(&self, file: &str) -> String {
        let Version([major, minor, patch]) = self.changed;
        let patch = match patch {
            0 if major > 2 => String::new(),
            _ => format!(".{patch}"),
        };
        format!(
            "{file} uses {}. Linux {major}.{minor}{patch} has replaced it by {}.",
            self.old, self.now
        )
        .replace("replaced it by nothing: ", "removed it: ")
    }
}

/// What files use of what a kernel no longer has, in sentences; `supplied` or not. Each row is named
/// once, with the first file that uses it.
///
/// # Errors
/// As [`table`].
pub fn used(kernel: Version, files: &[&SubmittedFile], supplied: bool) -> Result<Vec<String>> {
    let code: Vec<_> = files
        .iter()
        .map(|file| (&file.shown, code_of(&file.contents)))
        .collect();
    let rows = table()?.api.iter();
    let rows = rows.filter(|row| row.is_gone(kernel) && row.is_supplied() == supplied);
    let sentences = rows.filter_map(|row| {
        let (file, _) = code.iter().find(|(_, code)| row.is_used(code))?;
        let said = row.words(file);
        Some(if supplied {
            format!("{said} The lab supplies the old one.")
        } else {
            said
        })
    });
    Ok(sentences.collect())
}

/// Headers for a directory that the compiler searches first, by their paths; `compat.h` comes before
/// each file.
///
/// # Errors
/// As [`table`].
pub fn headers() -> Result<BTreeMap<String, String>> {
    // clang calls itself gcc 4. Other errors of gcc 14 are the kernel's, too, or in KCFLAGS. The
    // file includes no header of the kernel: what a module defines first has to come first.
    let start = "#pragma once\n#include <linux/version.h>\n\
                 #define ipclab_second(first, second, ...) second\n\
                 #if __GNUC__ >= 14\n\
                 #pragma GCC diagnostic warning \"-Wdeclaration-missing-parameter-type\"\n\
                 #endif\n";
    let mut headers = BTreeMap::from([("compat.h".to_owned(), start.to_owned())]);
    for row in &table()?.api {
        let Some(code) = &row.code else { continue };
        let Version([major, minor, patch]) = row.changed;
        let condition =
            format!("#if LINUX_VERSION_CODE >= KERNEL_VERSION({major}, {minor}, {patch})");
        if row.headers.is_empty() {
            let text = headers.entry("compat.h".to_owned()).or_default();
            *text += &format!("{condition}\n{code}#endif\n");
        }
        for header in &row.headers {
            let text = headers.entry(header.clone()).or_insert_with(|| {
                // The kernel's own may be entered from itself: it has a guard, this must have none.
                if row.replaces {
                    String::new()
                } else {
                    format!("#include_next <{header}>\n")
                }
            });
            let guard: String = format!("{}{}", row.old, header)
                .chars()
                .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
                .collect();
            let other = if row.replaces {
                format!("#else\n#include_next <{header}>\n")
            } else {
                String::new()
            };
            let _ = write!(
                text,
                "{condition}\n#ifndef ipclab_{guard}\n#define ipclab_{guard}\n{code}#endif\n{other}#endif\n"
            );
        }
    }
    Ok(headers)
}

/// A C file, rewritten where a kernel needs another form. Its line numbers stay the same.
///
/// # Errors
/// As [`table`].
pub fn rewritten(kernel: Version, contents: &[u8]) -> Result<Cow<'_, [u8]>> {
    let rows = table()?.api.iter().filter(|row| row.is_gone(kernel));
    let mut rows = rows.filter(|row| !row.rewrite.is_empty()).peekable();
    let Ok(text) = str::from_utf8(contents) else {
        return Ok(Cow::Borrowed(contents));
    };
    if rows.peek().is_none() {
        return Ok(Cow::Borrowed(contents));
    }
    let code = code_of(contents);
    let mut new = Cow::Borrowed(text);
    for row in rows.filter(|row| row.is_used(&code)) {
        for Rewrite(from, to) in &row.rewrite {
            let replaced = from.replace_all(&new, |found: &Captures<'_>| {
                let mut text = String::new();
                found.expand(to, &mut text);
                let lines = |text: &str| text.matches('\n').count();
                let lost = lines(&found[0]).saturating_sub(lines(&text));
                text + &"\n".repeat(lost)
            });
            if let Cow::Owned(replaced) = replaced {
                new = Cow::Owned(replaced);
            }
        }
    }
    Ok(match new {
        Cow::Borrowed(_) => Cow::Borrowed(contents),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    })
}

static UNDECLARED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?:implicit declaration of function|call to undeclared function) [‘'](\w+)[’']")
});

/// The headers of functions that a compiler has not found declared.
///
/// # Errors
/// As [`table`].
pub fn missing_headers(said: &str) -> Result<Vec<&'static str>> {
    let rows = &table()?.included;
    let mut headers: Vec<_> = UNDECLARED
        .captures_iter(said)
        .filter_map(|found| {
            let has = |row: &&Included| row.functions.iter().any(|name| *name == found[1]);
            Some(rows.iter().find(has)?.header.as_str())
        })
        .collect();
    headers.sort_unstable();
    headers.dedup();
    Ok(headers)
}

fn regex<'de, D: serde::Deserializer<'de>>(from: D) -> std::result::Result<Regex, D::Error> {
    let text = Cow::<str>::deserialize(from)?;
    Regex::new(&text).map_err(serde::de::Error::custom)
}

fn maybe_regex<'de, D: serde::Deserializer<'de>>(
    from: D,
) -> std::result::Result<Option<Regex>, D::Error> {
    regex(from).map(Some)
}

fn version<'de, D: serde::Deserializer<'de>>(from: D) -> std::result::Result<Version, D::Error> {
    Ok(Version::of(&Cow::<str>::deserialize(from)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        assert!(Version::of("6.12.117") > Version::of("6.4"));
        assert!(Version::of("6.1.0-57-amd64") < Version::of("6.1.1"));
        assert!(Version::of("2.6.37") < Version::of("3.7"));
    }

    #[test]
    fn what_is_rewritten_keeps_its_lines_and_comments_say_nothing() {
        let new = Version::of("6.12");
        let rewritten =
            |text: &str| String::from_utf8(rewritten(new, text.as_bytes()).unwrap().into_owned());
        assert_eq!(
            rewritten("a\nvma->vm_flags |=\n\tVM_IO;\nb\n").unwrap(),
            "a\nvm_flags_set(vma, VM_IO);\n\nb\n"
        );
        let comment = "/* vma->vm_flags |= VM_IO; */\n";
        assert_eq!(rewritten(comment).unwrap(), comment);
    }

    #[test]
    fn headers_of_functions_that_are_not_declared() {
        let said = "x.c:3:2: error: implicit declaration of function ‘kfree’ [-Werror]\n\
                    x.c:4:2: error: call to undeclared function 'signal_pending'; ISO C99\n\
                    x.c:5:2: error: implicit declaration of function ‘mine’\n";
        assert_eq!(
            missing_headers(said).unwrap(),
            ["linux/sched/signal.h", "linux/slab.h"]
        );
    }
}
