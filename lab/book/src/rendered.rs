// SPDX-License-Identifier: MIT OR Apache-2.0
//! Checks the rendered book: each link and anchor leads somewhere, each clause is on the page of the
//! contract, and no page needs anything from the network.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::{Context, ensure};
use regex::Regex;

use crate::{contract, read};

/// What a rendered page offers and wants.
struct Page {
    anchors: BTreeSet<String>,
    links: BTreeSet<String>,
}

impl Page {
    fn of(text: &str) -> anyhow::Result<Self> {
        let all = |pattern: &str| -> anyhow::Result<BTreeSet<String>> {
            let pattern = Regex::new(pattern)?;
            let found = pattern.captures_iter(text);
            Ok(found.map(|found| found[1].replace("&amp;", "&")).collect())
        };
        Ok(Page {
            anchors: all(r#"\sid="([^"]*)""#)?,
            links: all(r#"\s(?:href|src)="([^"]*)""#)?,
        })
    }
}

pub(crate) fn check(lab: &Path, book: &Path) -> anyhow::Result<()> {
    let entries = fs::read_dir(book).with_context(|| format!("reading {}", book.display()))?;
    let mut pages = BTreeMap::new();
    for entry in entries {
        let file = entry.context("reading the book")?.path();
        if file
            .extension()
            .is_some_and(|extension| extension == "html")
        {
            let name = file.file_name().unwrap_or_default();
            let page = Page::of(&read(&file)?)?;
            pages.insert(name.to_string_lossy().into_owned(), page);
        }
    }
    let broken = broken(book, &pages);
    ensure!(
        broken.is_empty(),
        "{} broken links:\n{}",
        broken.len(),
        broken.join("\n")
    );
    let contract = pages.get("contract.html");
    let contract = contract.context("expected contract.html, found none")?;
    for (stage, clauses) in contract::clauses(lab)? {
        for (name, _) in clauses {
            let anchor = contract::anchor(stage, &name);
            ensure!(
                contract.anchors.contains(&anchor),
                "contract.html: expected {stage}/{name}, found none"
            );
        }
    }
    Ok(())
}

/// Links that lead nowhere, each with its page. A link to the network is one of them where a browser
/// would follow it by itself.
fn broken(book: &Path, pages: &BTreeMap<String, Page>) -> Vec<String> {
    let mut broken = Vec::new();
    for (name, page) in pages {
        for link in &page.links {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let file = if file.is_empty() { name } else { file };
            let good = match pages.get(file) {
                Some(target) => anchor.is_empty() || target.anchors.contains(anchor),
                None => book.join(file).is_file() && anchor.is_empty(),
            };
            if !good {
                broken.push(format!("{name}: {link}"));
            }
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_without_a_page_an_anchor_or_a_file_is_broken() {
        let good = r##"<a id="x" href="#x">, <a href="b.html">, <a href="b.html#y">"##;
        let bad = r##"<a href="#y">, <a href="b.html#x">, <img src="none.png">, <a href="https://a">"##;
        let page = |text| Page::of(text).unwrap();
        let pages = |text| {
            BTreeMap::from([
                ("a.html".to_owned(), page(text)),
                ("b.html".to_owned(), page(r#"<p id="y">"#)),
            ])
        };
        let nowhere = Path::new("/nonexistent");
        assert_eq!(broken(nowhere, &pages(good)), [""; 0]);
        let expected = [
            "a.html: #y",
            "a.html: b.html#x",
            "a.html: https://a",
            "a.html: none.png",
        ];
        assert_eq!(broken(nowhere, &pages(bad)), expected);
    }
}
