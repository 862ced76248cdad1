// SPDX-License-Identifier: MIT OR Apache-2.0
//! How the sources of the workspace hang together: no circle of files, no file that is too long, and
//! crates of the lab that say what they are for.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use lab_base::paths::Paths;

use crate::sources::Graph;

/// Longest file, in lines.
const LINES_MAX: usize = 400;

/// Longest page of a crate, in lines that begin with `//!`.
const PAGE_MAX: usize = 15;

fn checkout() -> PathBuf {
    Paths::find().unwrap().checkout
}

/// The graph, without what is a student's own: how that hangs together is for students to decide. A
/// starter has no mutants.
fn graph() -> Graph {
    let checkout = checkout();
    let mut graph = Graph::of(&checkout);
    if !checkout.join("lab/mutants").exists() {
        let of_the_lab = |file: &Path| file.starts_with("lab") || file.starts_with("protocol");
        graph.files.retain(|file, _| of_the_lab(file));
        graph.uses.retain(|file, _| of_the_lab(file));
    }
    graph
}

#[test]
fn no_file_uses_another_that_uses_it() {
    let graph = graph();
    assert!(graph.files.len() > 200, "{} files", graph.files.len());
    let circles: Vec<_> = graph
        .circles()
        .into_iter()
        .map(|circle| graph.inside(&circle))
        .collect();
    assert!(
        circles.is_empty(),
        "circles of files:\n{}",
        circles.join("\n")
    );
}

#[test]
fn no_file_is_too_long() {
    let graph = graph();
    let long = graph.files.iter().filter(|&(_, &lines)| lines > LINES_MAX);
    let long: Vec<_> = long.map(|(file, _)| file).collect();
    assert!(
        long.is_empty(),
        "files of more than {LINES_MAX} lines: {long:?}"
    );
}

#[test]
fn each_crate_of_the_lab_has_a_page_that_is_short() {
    let graph = graph();
    let is_page = |file: &&PathBuf| file.starts_with("lab") && file.ends_with("src/lib.rs");
    for page in graph.files.keys().filter(is_page) {
        let text = fs::read_to_string(checkout().join(page)).unwrap();
        let lines = text.lines().filter(|line| line.starts_with("//!")).count();
        assert!(
            (1..=PAGE_MAX).contains(&lines),
            "{}: {lines} lines",
            page.display()
        );
    }
}

/// A workspace of one crate whose two files use each other, one of them in a macro only.
#[test]
fn a_circle_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let file = directory.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    };
    write(
        "Cargo.toml",
        "[workspace]\nmembers = [\"a\"]\n[workspace.dependencies]\n",
    );
    write("a/Cargo.toml", "[package]\nname = \"a\"\n");
    write("a/src/lib.rs", "mod one;\nmod two;\npub use two::g;\n");
    write(
        "a/src/one.rs",
        "pub fn f() {\n    println!(\"{}\", crate::g());\n}\n",
    );
    write(
        "a/src/two.rs",
        "use super::one::f;\npub fn g() {\n    f();\n}\n",
    );
    let graph = Graph::of(directory.path());
    let both: BTreeSet<_> = ["a/src/one.rs", "a/src/two.rs"]
        .map(|file| Path::new(file).to_owned())
        .into();
    assert_eq!(graph.circles(), [both]);
    assert_eq!(graph.files[Path::new("a/src/lib.rs")], 3);
}
