// SPDX-License-Identifier: MIT OR Apache-2.0
//! A name for each submission of a batch: in the table, on the page, and of the folder of its report.
//! Pure.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    sync::LazyLock,
};

use lab_base::pattern;
use regex::Regex;

use crate::file_names::shown;

/// Longest id without its number, in bytes. File names may have 255.
const LENGTH_MAX: usize = 120;

/// What Moodle puts behind the name and the number of a student.
static MOODLE: LazyLock<Regex> = LazyLock::new(|| pattern(r"_assignsubmission_[a-z]+_?"));

/// Endings of archives, which are no part of a name.
const ARCHIVES: [&str; 9] = [
    ".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".tar.zst",
];

/// The last names of a path, as many as `count`, joined.
fn last_names(path: &Path, count: usize) -> String {
    let names = path.components().filter_map(|part| match part {
        std::path::Component::Normal(name) => Some(shown(name.as_encoded_bytes())),
        _ => None,
    });
    let mut names: Vec<String> = names.collect();
    names.drain(..names.len().saturating_sub(count));
    if let Some(last) = names.last_mut() {
        let lower = last.to_ascii_lowercase();
        if let Some(end) = ARCHIVES.iter().find(|end| lower.ends_with(*end)) {
            last.truncate(last.len() - end.len());
        }
    }
    names.join("_")
}

/// A name without anything that a shell, a spreadsheet or a file system would take for something
/// else. It begins with a letter, a digit or `_`.
fn harmless(name: &str) -> String {
    let name = MOODLE.replace(name, "");
    let mut id = String::new();
    for c in name.trim().chars() {
        let kept = c.is_alphanumeric() || "_-.()+@ ".contains(c);
        let c = if kept { c } else { '_' };
        if id.is_empty() && !c.is_alphanumeric() {
            id.push('_');
            continue;
        }
        if id.len() + c.len_utf8() > LENGTH_MAX {
            break;
        }
        id.push(c);
    }
    let id = id.trim_end();
    if id.is_empty() { "_".into() } else { id.into() }
}

/// Ids of new submissions beside those that are taken, in the order of the paths. Names that several
/// paths share get the names of folders in front, and then numbers.
pub(crate) fn ids(paths: &[impl AsRef<Path>], taken: &[impl AsRef<str>]) -> Vec<String> {
    // Some file systems do not tell capital letters from small ones.
    let short = |path: &_| of(AsRef::as_ref(path), 1).to_lowercase();
    let short: Vec<String> = paths.iter().map(short).collect();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for name in &short {
        *counts.entry(name).or_default() += 1;
    }
    let mut taken: HashSet<String> = taken.iter().map(|id| id.as_ref().to_lowercase()).collect();
    let ids = paths.iter().zip(&short).map(|(path, name)| {
        let shared = counts[&name[..]] > 1;
        let id = of(path.as_ref(), if shared { 2 } else { 1 });
        let mut unique = id.clone();
        let mut number = 2;
        while !taken.insert(unique.to_lowercase()) {
            unique = format!("{id}_{number}");
            number += 1;
        }
        unique
    });
    ids.collect()
}

fn of(path: &Path, count: usize) -> String {
    harmless(&last_names(path, count))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(paths: &[&str]) -> Vec<String> {
        ids(paths, &[""; 0])
    }

    #[test]
    fn ids_are_names_that_people_know() {
        assert_eq!(
            all(&[
                "class.zip/Cohen Dana_12_assignsubmission_file_",
                "ex3/jane.tar.gz",
                "export/submission_7",
                "כהן דנה.zip",
                "",
            ]),
            ["Cohen Dana_12", "jane", "submission_7", "כהן דנה", "_"]
        );
    }

    #[test]
    fn the_same_name_in_two_folders_is_two_ids() {
        assert_eq!(
            all(&[
                "a/message_slot.c",
                "b/message_slot.c",
                "x/a/Ex.zip",
                "y/a/ex.tar"
            ]),
            ["a_message_slot.c", "b_message_slot.c", "a_Ex", "a_ex_2"]
        );
        assert_eq!(ids(&["c/jane"], &["Jane"]), ["jane_2"]);
    }

    #[test]
    fn an_id_is_no_formula_no_path_and_no_control_sequence() {
        assert_eq!(
            all(&[
                "=HYPERLINK(\"x\")",
                "-rf",
                ".hidden",
                "@a",
                "a\u{202e}b\u{1b}[2J",
                "<script>"
            ]),
            [
                "_HYPERLINK(_x_)",
                "_rf",
                "_hidden",
                "_a",
                "a_xe2_x80_xaeb_x1b_2J",
                "_script_"
            ]
        );
        assert_eq!(all(&[&"ü".repeat(200)])[0].len(), 120);
    }
}
