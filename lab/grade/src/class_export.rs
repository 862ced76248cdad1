// SPDX-License-Identifier: MIT OR Apache-2.0
//! The export of a whole class, as learning platforms write it: one archive or directory with the
//! submissions of several students. Names and lengths only; nothing is unpacked here.

use std::{collections::BTreeMap, sync::LazyLock};

use lab_base::pattern;
use regex::Regex;

use crate::layout::file_name;

/// An entry of a directory or an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    /// Its path as people know it.
    pub(crate) shown: String,
    /// Its length in bytes; `None` for a directory.
    pub(crate) length: Option<u64>,
}

/// One student's submission in an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    /// Below the export: its folder, its archive, or how the names of its files begin.
    pub(crate) path: String,
    /// A remark on it; empty if there is none.
    pub(crate) note: String,
}

/// Endings of archives.
const ARCHIVES: [&str; 12] = [
    ".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".tar.zst", ".gz",
    ".rar", ".7z",
];

/// Folders around the export count as a part of a name. Moodle: `NAME_ID_assignsubmission_file_/...`, or without folders `..._file_x.zip`.
static MOODLE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(((?:[^/]+/)*[^/]*_(\d+)_assignsubmission_[a-z]+)_?)(/?)(.*)$"));
/// Gradescope: `assignment_ID_export/submission_ID/...`.
static GRADESCOPE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^((?:[^/]+/)*submission_(\d+))/(.*)$"));
/// Canvas: `lastfirst_USER_FILE_x.zip`, with `LATE` behind the name where it was late.
static CANVAS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^((?:[^/]+/)*[^/_]+(?:_(?i:LATE))?_(\d+))_\d+_([^/]+)$"));
/// Blackboard: `Assignment_USER_attempt_TIME_x.zip`.
static BLACKBOARD: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^((?:[^/]+/)*[^/]*_([^/_]+)_attempt_[0-9-]+)_?([^/]*)$"));

/// The student that a file of an export belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    /// The platform's number or name of the student.
    pub(crate) id: String,
    /// The folder, or how the names of the files begin.
    pub(crate) path: String,
    /// The path of the file without the platform's prefix.
    pub(crate) rest: String,
}

/// The owner of a file, by the name that a platform gave it.
pub(crate) fn owner(shown: &str) -> Option<Owner> {
    let new = |id: &str, path: &str, rest: &str| Owner {
        id: id.to_owned(),
        path: path.trim_end_matches('/').to_owned(),
        rest: rest.to_owned(),
    };
    if let Some(found) = MOODLE.captures(shown) {
        let path = if found[4].is_empty() {
            &found[2]
        } else {
            &found[1]
        };
        return Some(new(&found[3], path, &found[5]));
    }
    [&GRADESCOPE, &CANVAS, &BLACKBOARD]
        .iter()
        .find_map(|platform| {
            let found = platform.captures(shown)?;
            Some(new(&found[2], &found[1], &found[3]))
        })
}

/// Whether a file is an archive by its name.
pub(crate) fn is_archive(shown: &str) -> bool {
    let name = shown.to_lowercase();
    ARCHIVES.iter().any(|end| name.ends_with(end))
}

/// Whether a file is something that a stage is made of.
pub(crate) fn is_source(shown: &str) -> bool {
    let name = shown.to_lowercase();
    [".c", ".rs", ".c.txt"]
        .iter()
        .any(|end| name.ends_with(end))
}

/// The submissions in an export; empty if it is one submission.
pub(crate) fn members(entries: &[Listed], longest: u64) -> Vec<Member> {
    // Moodle puts typed text beside the files; Gradescope puts a list beside the folders.
    let is_beside = |shown: &str| {
        shown.contains("_assignsubmission_onlinetext")
            || file_name(shown) == "submission_metadata.yml"
    };
    let files = || {
        entries
            .iter()
            .filter(|entry| entry.length.is_some() && !is_beside(&entry.shown))
    };
    let mut found: BTreeMap<String, (String, Vec<&Listed>)> = BTreeMap::new();
    let owned = files().all(|entry| owner(&entry.shown).is_some());
    if owned {
        for entry in entries.iter().filter(|entry| !is_beside(&entry.shown)) {
            // A directory may belong to a student without files.
            let shown = match entry.length {
                None => format!("{}/", entry.shown),
                Some(_) => entry.shown.clone(),
            };
            let Some(owner) = owner(&shown) else { continue };
            let (_, files) = found
                .entry(owner.path)
                .or_insert_with(|| (owner.id, Vec::new()));
            files.extend(entry.length.map(|_| entry));
        }
    } else if !files().any(|entry| is_source(&entry.shown)) {
        for entry in files().filter(|entry| is_archive(&entry.shown)) {
            found.insert(entry.shown.clone(), (entry.shown.clone(), vec![entry]));
        }
    }
    if found.len() < 2 {
        return Vec::new();
    }
    let count = |id: &str| found.values().filter(|(other, _)| other == id).count();
    let note = |id: &str, files: &[&Listed]| {
        // An empty .zip has 22 bytes: the end of its directory.
        let is_empty = |entry: &&Listed| {
            entry.length == Some(0) || (is_archive(&entry.shown) && entry.length <= Some(22))
        };
        let long = files
            .iter()
            .filter_map(|entry| entry.length)
            .max()
            .unwrap_or(0);
        let archives = files
            .iter()
            .filter(|entry| is_archive(&entry.shown))
            .count();
        let mut notes = Vec::new();
        if files.iter().all(is_empty) {
            notes.push("it is empty".to_owned());
        }
        if long > longest && archives > 0 {
            let (found, max) = (long >> 20, longest >> 20);
            notes.push(format!(
                "its archive has {found} MiB, and the lab opens at most {max} MiB"
            ));
        }
        if count(id) > 1 {
            notes.push(format!("there is another one of the same student, {id}"));
        }
        if archives > 1 {
            notes.push(format!("it has {archives} archives; grade one of them"));
        }
        notes.join("; ")
    };
    let members = found.iter().map(|(path, (id, files))| Member {
        path: path.clone(),
        note: note(id, files),
    });
    members.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(entries: &[(&str, u64)]) -> Vec<Listed> {
        let listed = |&(shown, length): &(&str, u64)| Listed {
            shown: shown.trim_end_matches('/').to_owned(),
            length: (!shown.ends_with('/')).then_some(length),
        };
        entries.iter().map(listed).collect()
    }

    fn found(entries: &[(&str, u64)]) -> Vec<(String, String)> {
        let members = members(&listed(entries), 64 << 20);
        members
            .into_iter()
            .map(|member| (member.path, member.note))
            .collect()
    }

    fn paths(entries: &[(&str, u64)]) -> Vec<String> {
        found(entries).into_iter().map(|(path, _)| path).collect()
    }

    #[test]
    fn each_platform_names_its_students() {
        assert_eq!(
            paths(&[
                ("Cohen Dana_12_assignsubmission_file_/ex3.zip", 100),
                (
                    "Cohen Dana_12_assignsubmission_onlinetext_/onlinetext.html",
                    100
                ),
                ("Levi Tal_13_assignsubmission_file_/message_slot.c", 100),
            ]),
            [
                "Cohen Dana_12_assignsubmission_file_",
                "Levi Tal_13_assignsubmission_file_"
            ]
        );
        assert_eq!(
            paths(&[
                ("doejane_12_345_ex3.zip", 9),
                ("roebob_LATE_13_346_message_slot.c", 9),
                ("roebob_LATE_13_347_x.h", 9)
            ]),
            ["doejane_12", "roebob_LATE_13"]
        );
        assert_eq!(
            paths(&[
                ("assignment_7_export/submission_metadata.yml", 100),
                ("assignment_7_export/submission_1/a/message_slot.c", 100),
                ("assignment_7_export/submission_2/message_slot.c", 100),
            ]),
            [
                "assignment_7_export/submission_1",
                "assignment_7_export/submission_2"
            ]
        );
        assert_eq!(
            paths(&[("a/x.zip", 9), ("b/y.tar.gz", 9), ("README.txt", 9)]),
            ["a/x.zip", "b/y.tar.gz"]
        );
    }

    #[test]
    fn one_submission_is_no_class() {
        for entries in [
            &[
                ("Cohen Dana_12_assignsubmission_file_/ex3.zip", 9),
                ("Cohen Dana_12_assignsubmission_onlinetext_/x.html", 9),
            ][..],
            &[("doejane_12_345_a.c", 9), ("doejane_12_346_b.c", 9)],
            &[
                ("hw1/x.zip", 9),
                ("hw2/y.zip", 9),
                ("hw3/message_slot.c", 9),
            ],
            &[("ex3.zip", 9)],
            &[
                ("test_1_2_x.c", 9),
                ("test_2_2_x.c", 9),
                ("message_slot.c", 9),
            ],
            &[],
        ] {
            assert_eq!(paths(entries), [""; 0]);
        }
    }

    #[test]
    fn what_cannot_be_graded_in_a_class_is_noted() {
        let found = found(&[
            ("A_1_assignsubmission_file_/", 0),
            ("B_2_assignsubmission_file_/ex3.zip", 22),
            ("C_3_assignsubmission_file_/ex3.zip", 2 << 30),
            ("D_4_assignsubmission_file_/ex3.zip", 500),
            ("E_4_assignsubmission_file_/ex3.zip", 500),
            ("F_5_assignsubmission_file_/ex3.zip", 500),
        ]);
        let notes: Vec<_> = found.iter().map(|(_, note)| &note[..]).collect();
        assert_eq!(
            notes,
            [
                "it is empty",
                "it is empty",
                "its archive has 2048 MiB, and the lab opens at most 64 MiB",
                "there is another one of the same student, 4",
                "there is another one of the same student, 4",
                ""
            ]
        );
    }

    #[test]
    fn what_a_platform_has_put_in_front_goes() {
        let rest = |shown| owner(shown).unwrap().rest;
        assert_eq!(rest("doejane_12_345_message_slot.h"), "message_slot.h");
        assert_eq!(rest("A B_1_assignsubmission_file_/x/y.c"), "x/y.c");
        assert_eq!(rest("A B_1_assignsubmission_file_y.c"), "y.c");
        assert_eq!(rest("export/submission_5/y.c"), "y.c");
        // Packed again with a folder around it.
        assert_eq!(rest("class/A B_1_assignsubmission_file_/y.c"), "y.c");
        assert_eq!(rest("class/doejane_12_345_y.c"), "y.c");
        assert_eq!(rest("Ex 3_jdoe_attempt_2026-11-29-10-11-12_y.c"), "y.c");
        assert_eq!(owner("x/message_slot.c"), None);
    }
}
