// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names of files: as people read them, as a shell takes them, and as a sandbox has them. Pure.

use std::{
    collections::{HashMap, HashSet},
    os::unix::ffi::OsStrExt,
    path::Path,
};

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

/// Longest name of a file or directory, in bytes. File systems have 255, and compilers append to it.
const NAME_MAX: usize = 200;

/// Files that the lab writes beside those of a submission.
const RESERVED: [&str; 2] = ["lab_probe.c", "lab_probe.o"];

/// The names that the files of a submission have in a sandbox. All of them can exist together: none
/// is the directory of another.
#[derive(Debug)]
pub(crate) struct Names {
    files: HashSet<String>,
    /// Plain directories, and the directory for each.
    directories: HashMap<String, String>,
}

impl Default for Names {
    fn default() -> Self {
        Names {
            files: RESERVED.map(str::to_owned).into(),
            directories: HashMap::new(),
        }
    }
}

impl Names {
    /// A name for a file with this plain path. Nothing else has it from now on.
    pub(crate) fn choose(&mut self, plain: &str) -> String {
        let (directory, name) = plain.rsplit_once('/').unwrap_or(("", plain));
        let directory = self.directory(directory);
        let path = self.unused(&directory, name, |names, path| {
            let mut directories = names.directories.values();
            !names.files.contains(path) && directories.all(|directory| directory != path)
        });
        self.files.insert(path.clone());
        path
    }

    fn directory(&mut self, plain: &str) -> String {
        if plain.is_empty() {
            return String::new();
        }
        if let Some(chosen) = self.directories.get(plain) {
            return chosen.clone();
        }
        let (parent, name) = plain.rsplit_once('/').unwrap_or(("", plain));
        let parent = self.directory(parent);
        let path = self.unused(&parent, name, |names, path| !names.files.contains(path));
        self.directories.insert(plain.to_owned(), path.clone());
        path
    }

    /// The first of NAME, NAME_2, NAME_3 that is free.
    fn unused(&self, directory: &str, name: &str, free: impl Fn(&Self, &str) -> bool) -> String {
        // Before the extension, which says what it is.
        let (stem, extension) = match name.rfind('.') {
            Some(at) if name.len() - at < NAME_MAX / 2 => name.split_at(at),
            _ => (name, ""),
        };
        let stem = &stem[..stem.len().min(NAME_MAX - extension.len())];
        let numbers = (2..).map(|number| format!("_{number}"));
        let mut paths =
            std::iter::once(String::new())
                .chain(numbers)
                .map(|number| match directory {
                    "" => format!("{stem}{number}{extension}"),
                    _ => format!("{directory}/{stem}{number}{extension}"),
                });
        paths.find(|path| free(self, path)).unwrap_or_default()
    }
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
        let mut names = Names::default();
        let paths = [(); 3].map(|()| names.choose("a_b.c"));
        assert_eq!(paths, ["a_b.c", "a_b_2.c", "a_b_3.c"]);
    }

    #[test]
    fn no_file_is_the_directory_of_another() {
        let mut names = Names::default();
        let mut choose = |plain: &str| names.choose(plain);
        // As in a tar with `a` and `a/b.h`, and with `x y` beside `x_y/`.
        assert_eq!(choose("a"), "a");
        assert_eq!(choose("a/b.h"), "a_2/b.h");
        assert_eq!(choose("a/c.h"), "a_2/c.h");
        assert_eq!(choose("x_y/z.c"), "x_y/z.c");
        assert_eq!(choose("x_y"), "x_y_2");
        assert_eq!(choose("lab_probe.c/x.h"), "lab_probe_2.c/x.h");
        assert_eq!(choose("lab_probe.c"), "lab_probe_3.c");
    }

    #[test]
    fn long_names_are_cut_and_keep_their_extension() {
        let long = "n".repeat(300);
        let mut names = Names::default();
        for path in [
            format!("{long}.c"),
            format!("{long}/a.c"),
            format!("a.{long}"),
        ] {
            let chosen = names.choose(&path);
            let longest = chosen.split('/').map(str::len).max();
            assert!(longest <= Some(NAME_MAX), "{chosen}");
            assert_eq!(chosen.ends_with(".c"), path.ends_with(".c"), "{chosen}");
        }
        let first = names.choose(&format!("{long}.c"));
        assert_ne!(first, names.choose(&format!("{long}.c")));
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
