// SPDX-License-Identifier: MIT OR Apache-2.0
//! The structure of the workspace's sources. No circle of files, no file that is too long, a page
//! for each crate of the lab, no two public types of one name.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use lab_base::paths::Paths;

use crate::sources::Graph;

/// Longest file, in lines.
const LINES_MAX: usize = 400;

/// Longest crate page, in lines that begin with `//!`.
const PAGE_MAX: usize = 15;

fn checkout() -> PathBuf {
    Paths::find().unwrap().checkout
}

/// The graph, without a student's own files, whose structure is free. A starter has no mutants.
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

/// Public types of the lab that share a name, and the files that define them. Tests and the crate
/// that links a student's part 1 are left out.
fn shared_names(graph: &Graph) -> Vec<String> {
    let of_the_lab = |file: &&PathBuf| {
        file.starts_with("lab")
            && !file.starts_with("lab/tests")
            && !file.starts_with("lab/threads")
    };
    let named = graph.types.iter().map(|(name, files)| {
        let files = files.iter().filter(of_the_lab);
        let files: Vec<_> = files.map(|file| file.display().to_string()).collect();
        (name, files)
    });
    named
        .filter(|(_, files)| files.len() > 1)
        .map(|(name, files)| format!("{name}: {}", files.join(", ")))
        .collect()
}

#[test]
fn no_two_public_types_of_the_lab_have_one_name() {
    let graph = graph();
    assert!(graph.types.len() > 100, "{} names", graph.types.len());
    let shared = shared_names(&graph);
    assert!(
        shared.is_empty(),
        "several public types of one name:\n{}",
        shared.join("\n")
    );
}

/// The graph of a workspace with these files.
fn graph_of(files: &[(&str, &str)]) -> Graph {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = directory.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    Graph::of(directory.path())
}

/// A workspace of one crate whose two files use each other, one of them in a macro only.
#[test]
fn a_circle_is_found() {
    let graph = graph_of(&[
        (
            "Cargo.toml",
            "[workspace]\nmembers = [\"a\"]\n[workspace.dependencies]\n",
        ),
        ("a/Cargo.toml", "[package]\nname = \"a\"\n"),
        ("a/src/lib.rs", "mod one;\nmod two;\npub use two::g;\n"),
        (
            "a/src/one.rs",
            "pub fn f() {\n    println!(\"{}\", crate::g());\n}\n",
        ),
        (
            "a/src/two.rs",
            "use super::one::f;\npub fn g() {\n    f();\n}\n",
        ),
    ]);
    let both: BTreeSet<_> = ["a/src/one.rs", "a/src/two.rs"]
        .map(|file| Path::new(file).to_owned())
        .into();
    assert_eq!(graph.circles(), [both]);
    assert_eq!(graph.files[Path::new("a/src/lib.rs")], 3);
}

/// Two crates of a lab. Private types, types in tests and re-exports share no name.
#[test]
fn a_name_of_two_public_types_is_found() {
    let graph = graph_of(&[
        (
            "Cargo.toml",
            "[workspace]\nmembers = [\"lab/a\", \"lab/b\", \"lab/tests\"]\n[workspace.dependencies]\n",
        ),
        ("lab/a/Cargo.toml", "[package]\nname = \"a\"\n"),
        (
            "lab/a/src/lib.rs",
            "pub struct Row;\npub mod below {\n    pub enum Kind {}\n}\npub trait Part {}\n",
        ),
        ("lab/b/Cargo.toml", "[package]\nname = \"b\"\n"),
        (
            "lab/b/src/lib.rs",
            "mod kind;\npub use kind::Kind;\npub(crate) struct Row;\ntype Part = u8;\n",
        ),
        ("lab/b/src/kind.rs", "pub type Kind = u8;\n"),
        ("lab/tests/Cargo.toml", "[package]\nname = \"tests\"\n"),
        ("lab/tests/src/lib.rs", "pub struct Row;\n"),
    ]);
    let found = ["Kind: lab/a/src/lib.rs, lab/b/src/kind.rs"];
    assert_eq!(shared_names(&graph), found);
}
