// SPDX-License-Identifier: MIT OR Apache-2.0
//! Folders of a submission: which homework a file belongs to, and which folders hold copies. Paths
//! are those of [`SubmittedFile::path`](crate::unpack::SubmittedFile::path). Pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use lab_base::pattern;
use regex::Regex;

/// What folders of assignments are called, with a number behind it.
static HOMEWORK: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(hwk?|homework|ex|exe|exercise|assignment|assign|ass|task|project|proj|targil|tirgul|week|maman|mmn|pa|ps|mp|)$",
    )
});
static NUMBERED: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(\D*)(\d+)"));
/// Words of a name that say that this is a copy, or a test, of something else.
static COPY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(^|[^a-z])(tests?|tester|testing|old|older|backups?|bak|build|orig|original|cop(y|ies)|archived?|prev|previous|deprecated|unused|trash|attic|tmp|temp|drafts?|examples?)([^a-z]|$)",
    )
});

/// The folder of a file; empty for the submission's own.
pub(crate) fn directory_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// The last name of a path.
pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether a file is in a folder or below it.
pub(crate) fn is_below(path: &str, directory: &str) -> bool {
    directory.is_empty()
        || path
            .strip_prefix(directory)
            .is_some_and(|rest| rest.starts_with('/'))
}

/// All folders in which a file is, the deepest first; the last is the submission's own.
pub(crate) fn folders(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(directory_of(path)), |&directory| {
        (!directory.is_empty()).then(|| directory_of(directory))
    })
}

/// How many names of a path say that this is a copy or a test.
pub(crate) fn copies(path: &str) -> usize {
    path.split('/').filter(|name| COPY.is_match(name)).count()
}

/// Whether the name of a file says that it tests something.
pub(crate) fn is_test(path: &str) -> bool {
    static TEST: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"(?i)(^|[^a-z])test(s|er|ing)?([^a-z]|$)|(?-i:[a-z]Test|[a-z]test(er)?\.c$)")
    });
    TEST.is_match(file_name(path))
}

/// How many folders lie between two files.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let names = |path: &str| {
        let directory = directory_of(path).to_owned();
        let names = directory.split('/').filter(|name| !name.is_empty());
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    let (a, b) = (names(a), names(b));
    let common = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    a.len() + b.len() - 2 * common
}

/// The folders of a submission that are assignments.
#[derive(Debug, Default)]
pub(crate) struct Layout(BTreeSet<String>);

impl Layout {
    /// Of the folders that these files are in.
    pub(crate) fn of<'a>(paths: impl Iterator<Item = &'a str>) -> Self {
        let all: BTreeSet<&str> = paths.flat_map(folders).collect();
        // Folders that stand beside each other, and have the same letters before their numbers.
        let mut alike: BTreeMap<(&str, String), BTreeMap<u64, Vec<&str>>> = BTreeMap::new();
        for directory in all {
            if let Some((letters, number)) = numbered(directory) {
                let same = alike.entry((directory_of(directory), letters)).or_default();
                same.entry(number).or_default().push(directory);
            }
        }
        let is_homework = |letters: &str, numbers: usize| {
            // Parts are those of one homework, as the starter has them, too.
            letters != "part" && (numbers > 1 || HOMEWORK.is_match(letters))
        };
        let assignments = alike
            .into_iter()
            .filter(|((_, letters), same)| is_homework(letters, same.len()));
        let assignments = assignments.flat_map(|(_, same)| same.into_values().flatten());
        Layout(assignments.map(str::to_owned).collect())
    }

    /// The folder of the homework that a file is part of, `hw3` or `HW3_-_x`; empty if the folders
    /// do not say.
    pub(crate) fn homework<'a>(&self, path: &'a str) -> &'a str {
        let found = folders(path).filter(|directory| self.0.contains(*directory));
        found.last().unwrap_or_default()
    }
}

/// The letters before the first number of a folder's name, and that number.
fn numbered(directory: &str) -> Option<(String, u64)> {
    let found = NUMBERED.captures(file_name(directory))?;
    let letters = found[1].chars().filter(char::is_ascii_alphabetic);
    let letters = letters.map(|c| c.to_ascii_lowercase()).collect();
    Some((letters, found[2].parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_are_told_apart_by_their_numbers() {
        let layout = Layout::of(
            [
                "hw1/a.c",
                "HW3_-_x/src/b.c",
                "src/c.c",
                "topic1/d.c",
                "topic2/e.c",
                "os2024/f.c",
                "part2-netlink/src/lib.rs",
                "part3-lists/src/lib.rs",
                "02_shell/g.c",
                "_____1/h.c",
                "_____2/i.c",
            ]
            .into_iter(),
        );
        for (path, homework) in [
            ("hw1/a.c", "hw1"),
            ("HW3_-_x/src/b.c", "HW3_-_x"),
            ("src/c.c", ""),
            ("topic1/d.c", "topic1"),
            ("os2024/f.c", ""),
            ("part2-netlink/src/lib.rs", ""),
            ("02_shell/g.c", "02_shell"),
            ("_____1/h.c", "_____1"),
            ("x.c", ""),
        ] {
            assert_eq!(layout.homework(path), homework, "{path}");
        }
    }

    #[test]
    fn copies_and_tests_say_so() {
        for path in [
            "old/a.c",
            "x/Tester/a.c",
            "message_slot.old.c",
            "a_copy.c",
            "Copy_of_a.c",
            "build/a.c",
        ] {
            assert_eq!(copies(path), 1, "{path}");
        }
        for path in ["folder/a.c", "builder/a.c", "contest/a.c", "scold.c"] {
            assert_eq!(copies(path), 0, "{path}");
        }
        for path in [
            "a/tester.c",
            "reader_test.c",
            "test_reader.c",
            "slotTest.c",
            "mytester.c",
        ] {
            assert!(is_test(path), "{path}");
        }
        for path in ["test/reader.c", "latest.h", "message_reader.c"] {
            assert!(!is_test(path), "{path}");
        }
    }

    #[test]
    fn distances_count_folders() {
        assert_eq!(distance("a.c", "b.c"), 0);
        assert_eq!(distance("a/b/x.c", "a/c/y.c"), 2);
        assert_eq!(distance("a/x.c", "y.c"), 1);
        assert!(is_below("a/b.c", "a") && !is_below("ab.c", "a") && is_below("x", ""));
        assert_eq!(folders("a/b/x.c").collect::<Vec<_>>(), ["a/b", "a", ""]);
    }
}
