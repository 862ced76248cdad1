// SPDX-License-Identifier: MIT OR Apache-2.0
//! Makes the book: writes its source from the walkthroughs, the clauses, the first hints and the
//! pages of this folder into `build/book-src/`, lets mdBook render it into `build/book/`, and checks
//! what was rendered. Must never come in: text of the book, which stands in `pages/`.

mod contract;
mod finish;
mod hints;
mod markup;
mod pages;
mod rendered;
mod report;
mod walkthrough;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use mdbook_driver::{MDBook, config::Config};

/// The stages, in the order of the book. Each has a walkthrough of this name.
const STAGES: [&str; 4] = ["part1", "part2", "part3", "message-slot"];

fn main() -> ExitCode {
    match run() {
        Ok(page) => {
            println!("{}", page.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("book: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Make the book, and return its first page.
fn run() -> anyhow::Result<PathBuf> {
    let lab = directory("IPCLAB_CHECKOUT")?.join("lab");
    let build = directory("BUILD")?;
    let (source, book) = (build.join("book-src"), build.join("book"));
    if source.exists() {
        fs::remove_dir_all(&source).with_context(|| format!("removing {}", source.display()))?;
    }
    fs::create_dir_all(&source).with_context(|| format!("making {}", source.display()))?;
    for (name, text) in pages(&lab)? {
        let file = source.join(name);
        fs::write(&file, text).with_context(|| format!("writing {}", file.display()))?;
    }
    render(&lab, source, &book)?;
    finish::pages(&book)?;
    rendered::check(&lab, &book)?;
    Ok(book.join("index.html"))
}

/// A directory that `lab/env.sh` names in the environment.
fn directory(name: &str) -> anyhow::Result<PathBuf> {
    let value = env::var_os(name);
    let value = value.with_context(|| format!("{name} is not set; start it with: make book"))?;
    Ok(PathBuf::from(value))
}

/// All files of the source, by name.
fn pages(lab: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let mut all = pages::of(lab)?;
    for stage in STAGES {
        let text = walkthrough::page(lab, stage)?;
        all.push((format!("{stage}.md"), text));
    }
    let clauses = contract::clauses(lab)?;
    all.push(("contract.md".to_owned(), contract::page(lab, &clauses)?));
    all.push(("hints.md".to_owned(), hints::page(lab, &clauses)?));
    for name in ["style.css", "reader.js"] {
        all.push((name.to_owned(), read(&lab.join("book/theme").join(name))?));
    }
    Ok(all)
}

fn render(lab: &Path, source: PathBuf, book: &Path) -> anyhow::Result<()> {
    let settings = read(&lab.join("book/book.toml"))?;
    let mut config: Config = settings.parse().context("reading lab/book/book.toml")?;
    config.build.build_dir = book.to_owned();
    let rendered = MDBook::load_with_config(source, config).and_then(|book| book.build());
    if let Err(error) = rendered {
        bail!("mdBook: {error:#}");
    }
    Ok(())
}

/// The text of a file.
fn read(file: &Path) -> anyhow::Result<String> {
    fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))
}
