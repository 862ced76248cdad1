// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the book's own files must have. `make book` checks the rest, and every link: it renders the
//! book with mdBook, which these tests must not compile.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use lab_console::{Class, first_report};
use regex::Regex;

fn lab() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(directory: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(lab().join(directory)).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn every_class_of_reports_has_a_section_with_a_log_of_this_class() {
    let section = Regex::new(r"(?m)^## ([a-z-]+)\n\n\{\{report ([\w./-]+)\}\}$").unwrap();
    let mut shown = BTreeSet::new();
    for file in files("book/pages") {
        let text = fs::read_to_string(&file).unwrap();
        for found in section.captures_iter(&text) {
            let (class, log) = (&found[1], &found[2]);
            let log = lab().join(format!("tests/consoles/{log}.log"));
            let console = fs::read(&log).unwrap();
            let report = first_report(&String::from_utf8_lossy(&console)).unwrap();
            assert_eq!(report.class.to_string(), class, "{}", log.display());
            shown.insert(class.to_owned());
        }
    }
    let classes: BTreeSet<String> = Class::all().map(|class| class.to_string()).collect();
    assert_eq!(shown, classes);
}

/// In the colours of the theme, and with words for people who do not see it.
#[test]
fn every_picture_has_a_name_and_no_colour_of_its_own() {
    let pictures = files("book/pictures");
    assert!(pictures.len() > 5, "{}", pictures.len());
    let colour = Regex::new(r#"(fill|stroke|style)=""#).unwrap();
    for file in pictures {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let text = fs::read_to_string(&file).unwrap();
        let labels = format!("aria-labelledby=\"{name}-title {name}-desc\"");
        for part in [
            "role=\"img\"",
            &labels,
            &format!("<title id=\"{name}-title\">"),
            &format!("<desc id=\"{name}-desc\">"),
        ] {
            assert!(text.contains(part), "{name}: expected {part}, found none");
        }
        assert!(!colour.is_match(&text), "{name} has a colour of its own");
    }
}
