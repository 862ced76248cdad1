// SPDX-License-Identifier: MIT OR Apache-2.0
//! The pages for people: short sentences, short first pages, and links to existing files.

use std::path::{Path, PathBuf};

use crate::pages::{OF_BOOK, OF_STARTERS, Page, broken_links, pages};

/// Words of a sentence, at most.
const LONGEST: usize = 25;

/// The same in a page for students.
const LONGEST_FOR_STUDENTS: usize = 20;

/// Lines of a page, at most.
const LENGTHS: &[(&str, usize)] = &[
    ("README.md", 150),
    ("ARCHITECTURE.md", 120),
    (OF_STARTERS, 80),
];

fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The paragraphs and list items of a page, each with its first line. Code blocks, tables and
/// headings are left out.
fn paragraphs(page: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut paragraph: Option<(usize, String)> = None;
    let mut in_code = false;
    for (number, line) in (1..).zip(page.lines()) {
        let line = line.trim();
        let fence = line.starts_with("```");
        in_code ^= fence;
        if fence || in_code || line.is_empty() || line.starts_with(['|', '#']) {
            found.extend(paragraph.take());
            continue;
        }
        let item = list_item(line);
        if item.is_some() {
            found.extend(paragraph.take());
        }
        let (_, text) = paragraph.get_or_insert_with(|| (number, String::new()));
        text.push_str(item.unwrap_or(line));
        text.push(' ');
    }
    found.extend(paragraph);
    found
}

/// The text after the marker of a list item, `- ` or `1. `.
fn list_item(line: &str) -> Option<&str> {
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    match number.strip_prefix(". ") {
        Some(text) if number.len() < line.len() => Some(text),
        _ => line.strip_prefix("- "),
    }
}

/// A paragraph as people read it: a code span is one word, and a link is its text.
fn spoken(paragraph: &str) -> String {
    let mut text = String::new();
    for (number, part) in paragraph.split('`').enumerate() {
        text.push_str(if number % 2 == 0 { part } else { "code" });
    }
    let mut parts = text.split("](");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str(part.split_once(')').map_or(part, |(_, behind)| behind));
    }
    plain.replace(['[', '*'], "")
}

/// The sentences of a page, each with the first line of its paragraph.
fn sentences(page: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (line, paragraph) in paragraphs(page) {
        let mut sentence: Vec<&str> = Vec::new();
        let text = spoken(&paragraph);
        for word in text.split_whitespace() {
            sentence.push(word);
            if word
                .trim_end_matches([')', '"', '\''])
                .ends_with(['.', '!', '?'])
            {
                found.push((line, sentence.join(" ")));
                sentence.clear();
            }
        }
        if !sentence.is_empty() {
            found.push((line, sentence.join(" ")));
        }
    }
    found
}

fn words(sentence: &str) -> usize {
    let is_word = |word: &&str| word.contains(char::is_alphanumeric);
    sentence.split_whitespace().filter(is_word).count()
}

#[test]
fn no_sentence_is_too_long() {
    let mut long = Vec::new();
    for Page { path, text } in pages(&checkout()) {
        let for_students = ["lab/walkthrough", OF_BOOK, OF_STARTERS]
            .iter()
            .any(|place| path.starts_with(place));
        let longest = if for_students {
            LONGEST_FOR_STUDENTS
        } else {
            LONGEST
        };
        for (line, sentence) in sentences(&text) {
            let words = words(&sentence);
            if words > longest {
                long.push(format!("{}:{line}: {words}: {sentence}", path.display()));
            }
        }
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
}

/// A starter has its README only.
#[test]
fn first_pages_are_short() {
    let pages = pages(&checkout());
    let lines = |name: &str| {
        let page = pages.iter().find(|page| page.path == Path::new(name))?;
        Some(page.text.lines().count())
    };
    assert!(lines("README.md").is_some());
    for &(name, longest) in LENGTHS {
        let found = lines(name).unwrap_or_default();
        assert!(
            found <= longest,
            "{name}: expected at most {longest} lines, found {found}"
        );
    }
}

#[test]
fn links_to_files_lead_somewhere() {
    let pages = pages(&checkout());
    assert!(pages.len() > 10, "{} pages", pages.len());
    assert_eq!(broken_links(&checkout(), &pages), [""; 0]);
}

#[test]
fn sentences_are_found_in_paragraphs_and_lists_only() {
    let page = "# A heading of a page.\n\
                One `let x = 1. ; y` [two](a.md). Three\n\
                four!\n\
                \n\
                | a cell. | another. |\n\
                - **Five** (six.)\n\
                2. seven\n\
                ```\n\
                code. code.\n\
                ```\n\
                eight";
    let found: Vec<(usize, String)> = sentences(page);
    let expected = [
        (2, "One code two."),
        (2, "Three four!"),
        (6, "Five (six.)"),
        (7, "seven"),
        (11, "eight"),
    ];
    assert_eq!(
        found,
        expected.map(|(line, text)| (line, text.to_owned())),
        "{page}"
    );
    assert_eq!(words("a `-` b - c"), 3);
}
