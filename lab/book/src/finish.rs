// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a rendered page lacks for people who use a keyboard or a screen reader. mdBook has no
//! setting for these, so the HTML is changed. If mdBook changes its pages, this fails.

use std::{fs, path::Path};

use anyhow::{Context, ensure};

use crate::read;

/// Text of each page, and what takes its place.
const CHANGES: [(&str, &str); 6] = [
    // A label takes no keys. theme/reader.js makes the button work.
    (
        r#"<label id="mdbook-sidebar-toggle" class="icon-button" for="mdbook-sidebar-toggle-anchor""#,
        r#"<button type="button" id="mdbook-sidebar-toggle" class="icon-button""#,
    ),
    ("</label>", "</button>"),
    // Parts of the page by which a screen reader jumps.
    (
        r#"<div id="mdbook-menu-bar""#,
        r#"<div role="banner" id="mdbook-menu-bar""#,
    ),
    (
        r#"<div id="mdbook-search-wrapper""#,
        r#"<div role="search" id="mdbook-search-wrapper""#,
    ),
    (
        r#"placeholder="Search this book ...""#,
        r#"placeholder="Search this book ..." aria-label="Search this book""#,
    ),
    // The element has another id.
    (
        r#"aria-describedby="searchresults-header""#,
        r#"aria-describedby="mdbook-searchresults-header""#,
    ),
];

/// Change each page of the book.
pub(crate) fn pages(book: &Path) -> anyhow::Result<()> {
    let entries = fs::read_dir(book).with_context(|| format!("reading {}", book.display()))?;
    for entry in entries {
        let file = entry.context("reading the book")?.path();
        // A part of the other pages, for browsers without JavaScript.
        let is_page = file
            .extension()
            .is_some_and(|extension| extension == "html");
        if !is_page || file.ends_with("toc.html") {
            continue;
        }
        let mut text = read(&file)?;
        for (before, after) in CHANGES {
            let found = text.matches(before).count();
            ensure!(
                found == 1,
                "{}: expected {before} once, found it {found} times",
                file.display()
            );
            text = text.replace(before, after);
        }
        fs::write(&file, text).with_context(|| format!("writing {}", file.display()))?;
    }
    Ok(())
}
