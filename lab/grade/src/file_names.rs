// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names of files: as people read them, as a shell takes them, and as a sandbox has them. Pure.

use std::{collections::HashSet, os::unix::ffi::OsStrExt, path::Path};

/// Bytes of a submission as text that drives no terminal and stays on its line.
pub(crate) fn shown(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
        _ => bytes.escape_ascii().to_string(),
    }
}

/// A path as such text.
pub(crate) fn shown_path(path: &Path) -> String {
    shown(path.as_os_str().as_bytes())
}

/// A path as a shell takes it.
pub(crate) fn quoted(path: &str) -> String {
    shlex::try_quote(path).map_or_else(|_| path.to_owned(), std::borrow::Cow::into_owned)
}

/// Whether a name ends like one of these, in small or capital letters.
pub(crate) fn has_ending(name: &str, endings: &[&str]) -> bool {
    let name = name.to_ascii_lowercase();
    endings.iter().any(|end| name.ends_with(end))
}

/// A path of letters, digits and `._+-/` only, none of whose names begins with `-`.
pub(crate) fn plain(path: &[u8]) -> String {
    let mut plain = String::new();
    for &byte in path {
        let first = plain.is_empty() || plain.ends_with('/');
        let kept = byte.is_ascii_alphanumeric() || b"._+/".contains(&byte);
        plain.push(if kept || (byte == b'-' && !first) {
            byte.into()
        } else {
            '_'
        });
    }
    plain
}

/// A name that is not taken yet, and is taken from now on.
pub(crate) fn unused(plain: String, taken: &mut HashSet<String>) -> String {
    let mut name = plain.clone();
    let mut number = 2;
    while !taken.insert(name.clone()) {
        // Before the extension, which says what it is.
        name = match plain.rsplit_once('.') {
            Some((stem, extension)) if !extension.contains('/') => {
                format!("{stem}_{number}.{extension}")
            }
            _ => format!("{plain}_{number}"),
        };
        number += 1;
    }
    name
}

/// A name of a source or a header as compilers know it. Says whether a source was called otherwise.
pub(crate) fn as_c(name: String) -> (String, bool) {
    for (end, is_source) in [
        (".c.txt", true),
        (".h.txt", false),
        (".c", true),
        (".h", false),
    ] {
        if has_ending(&name, &[end]) {
            let c = format!("{}{}", &name[..name.len() - end.len()], &end[..2]);
            let renamed = is_source && c != name;
            return (c, renamed);
        }
    }
    (name, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_path_means_nothing_to_a_shell_or_to_make() {
        assert_eq!(plain(b"a dir/-x$(y)\n\xff'\"#.c"), "a_dir/_x__y______.c");
        assert_eq!(
            plain(b"part1-threads/src/lib.rs"),
            "part1-threads/src/lib.rs"
        );
    }

    #[test]
    fn files_whose_plain_paths_are_the_same_stay_two() {
        let mut taken = HashSet::new();
        let paths = [(); 3].map(|()| unused("a_b.c".into(), &mut taken));
        assert_eq!(paths, ["a_b.c", "a_b_2.c", "a_b_3.c"]);
    }

    #[test]
    fn sources_and_headers_have_the_endings_that_compilers_know() {
        for (name, c, renamed) in [
            ("a.c", "a.c", false),
            ("MESSAGE_SLOT.C", "MESSAGE_SLOT.c", true),
            ("A.H", "A.h", false),
            ("a.c.txt", "a.c", true),
            ("a.txt", "a.txt", false),
        ] {
            assert_eq!(as_c(name.into()), (c.into(), renamed));
        }
    }
}
