// SPDX-License-Identifier: MIT OR Apache-2.0
//! The pages for people: short sentences, short first pages, and links to existing files.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Words of a sentence, at most.
const LONGEST: usize = 25;

/// The same in the book's own pages. Beginners read them.
const LONGEST_IN_BOOK: usize = 20;

/// Lines of a page, at most.
const LENGTHS: &[(&str, usize)] = &[("README.md", 150), ("ARCHITECTURE.md", 120)];

fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every page, with its text.
fn pages() -> Vec<(PathBuf, String)> {
    let single = [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "lab/container/README.md",
        "lab/SECURITY.md",
        "lab/slurm/README.md",
    ];
    let mut files: Vec<PathBuf> = single.iter().map(|name| checkout().join(name)).collect();
    files.extend(files_in("lab/docs"));
    files.extend(files_in("lab/walkthrough"));
    texts_of(files)
}

fn files_in(directory: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(checkout().join(directory)).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// The pages among some files, with their texts.
fn texts_of(mut files: Vec<PathBuf>) -> Vec<(PathBuf, String)> {
    files.retain(|file| file.extension().is_some_and(|extension| extension == "md"));
    files
        .into_iter()
        .map(|file| {
            let text = fs::read_to_string(&file).unwrap();
            (file, text)
        })
        .collect()
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

/// Sentences of more than so many words, one line for each.
fn longer_than(limit: usize, pages: Vec<(PathBuf, String)>) -> String {
    let mut long = Vec::new();
    for (file, text) in pages {
        for (line, sentence) in sentences(&text) {
            let words = words(&sentence);
            if words > limit {
                long.push(format!("{}:{line}: {words}: {sentence}", file.display()));
            }
        }
    }
    long.join("\n")
}

#[test]
fn no_sentence_has_more_than_25_words() {
    assert_eq!(longer_than(LONGEST, pages()), "");
}

#[test]
fn no_sentence_of_the_book_has_more_than_20_words() {
    let pages = texts_of(files_in("lab/book/pages"));
    assert!(pages.len() > 5, "{} pages", pages.len());
    assert_eq!(longer_than(LONGEST_IN_BOOK, pages), "");
}

#[test]
fn first_pages_are_short() {
    for (name, longest) in LENGTHS {
        let lines = fs::read_to_string(checkout().join(name))
            .unwrap()
            .lines()
            .count();
        assert!(
            lines <= *longest,
            "{name}: expected at most {longest} lines, found {lines}"
        );
    }
}

#[test]
fn links_to_files_lead_somewhere() {
    let mut broken = Vec::new();
    for (file, text) in pages() {
        for part in text.split("](").skip(1) {
            let link = part.split([')', '#']).next().unwrap_or_default();
            let target = file.with_file_name(link);
            if !link.starts_with("http") && !target.exists() {
                broken.push(format!("{}: {link}", file.display()));
            }
        }
    }
    assert_eq!(broken, [""; 0]);
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
