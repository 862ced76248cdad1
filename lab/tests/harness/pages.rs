// SPDX-License-Identifier: MIT OR Apache-2.0
//! The pages for people in a tree, and their links. The tests of starters use this file, too.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The README of starters, which is at the top of a starter. Its links lead from there.
pub(crate) const OF_STARTERS: &str = "lab/starter/README.md";

/// The pages that only the book has. Their links lead to other pages of the book, and `make book`
/// follows them.
pub(crate) const OF_BOOK: &str = "lab/book/pages";

/// The directories with pages.
const DIRECTORIES: [&str; 8] = [
    "",
    "lab",
    OF_BOOK,
    "lab/container",
    "lab/docs",
    "lab/slurm",
    "lab/starter",
    "lab/walkthrough",
];

/// A page.
pub(crate) struct Page {
    /// Relative to the tree.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// Every page of a tree. A starter has fewer.
pub(crate) fn pages(tree: &Path) -> Vec<Page> {
    let mut found = Vec::new();
    for directory in DIRECTORIES {
        let Ok(entries) = fs::read_dir(tree.join(directory)) else {
            continue;
        };
        for entry in entries {
            let path = Path::new(directory).join(entry.unwrap().file_name());
            if path.extension().is_some_and(|extension| extension == "md") {
                let text = fs::read_to_string(tree.join(&path)).unwrap();
                found.push(Page { path, text });
            }
        }
    }
    found
}

/// The links of these pages that lead to no file of the tree.
pub(crate) fn broken_links(tree: &Path, pages: &[Page]) -> Vec<String> {
    let mut broken = Vec::new();
    for Page { path, text } in pages.iter().filter(|page| !page.path.starts_with(OF_BOOK)) {
        let from = if path == Path::new(OF_STARTERS) {
            tree.join("README.md")
        } else {
            tree.join(path)
        };
        for part in text.split("](").skip(1) {
            let link = part.split([')', '#']).next().unwrap_or_default();
            if !link.starts_with("http") && !from.with_file_name(link).exists() {
                broken.push(format!("{}: {link}", path.display()));
            }
        }
    }
    broken
}
