// SPDX-License-Identifier: MIT OR Apache-2.0
//! `make test` leaves out programs and libraries without tests, because each costs a link. This
//! test fails if one of them gets a test.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use lab_base::environment::command;
use regex::Regex;
use serde::Deserialize;

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
    src_path: PathBuf,
    test: bool,
}

/// Libraries and programs of the workspace.
fn targets(checkout: &Path) -> Vec<Target> {
    let output = command(env!("CARGO"))
        .current_dir(checkout)
        .args(["metadata", "--no-deps", "--format-version=1"])
        .output()
        .unwrap();
    let found: Metadata = serde_json::from_slice(&output.stdout).unwrap();
    let all = found.packages.into_iter().flat_map(|one| one.targets);
    all.filter(|target| matches!(&target.kind[0][..], "lib" | "bin"))
        .collect()
}

/// A Rust file and the files of its modules.
fn sources(file: &Path) -> Vec<PathBuf> {
    static MODULE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?m)^(?:pub )?mod (\w+);").unwrap());
    let Ok(text) = fs::read_to_string(file) else {
        return Vec::new();
    };
    let root = ["lib.rs", "main.rs", "mod.rs"]
        .iter()
        .any(|name| file.ends_with(name));
    let below = if root {
        file.with_file_name("")
    } else {
        file.with_extension("")
    };
    let mut found = vec![file.to_owned()];
    for module in MODULE.captures_iter(&text) {
        let name = &module[1];
        found.extend(sources(&below.join(format!("{name}.rs"))));
        found.extend(sources(&below.join(name).join("mod.rs")));
    }
    found
}

#[test]
fn no_test_is_left_out_by_make_test() {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let makefile = fs::read_to_string(checkout.join("Makefile")).unwrap();
    assert!(makefile.contains(" --lib "));
    let mut wrong = Vec::new();
    let (mut carried_out, mut left_out) = (0, 0);
    for target in targets(&checkout) {
        let of_make = match &target.kind[0][..] {
            "lib" => target.test,
            _ => makefile.contains(&format!(" --bin {} ", target.name)),
        };
        let files = sources(&target.src_path);
        assert!(!files.is_empty(), "{}", target.src_path.display());
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            let has_tests = text.lines().any(|line| line.trim() == "#[test]");
            match (of_make, has_tests) {
                (true, true) => carried_out += 1,
                (false, false) => left_out += 1,
                (false, true) => wrong.push(format!(
                    "{}: make test carries out no tests in there; move them to a library",
                    file.display()
                )),
                (true, false) => {}
            }
            let lines = text.lines().map(str::trim);
            let fences = lines.filter(|line| line.starts_with("/// ```"));
            // Every second one is an end.
            if fences.step_by(2).any(|begin| begin == "/// ```") {
                wrong.push(format!(
                    "{}: make test carries out no examples; say that it is text, or test it",
                    file.display()
                ));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
    assert!(
        carried_out > 20 && left_out > 10,
        "{carried_out}, {left_out}"
    );
}
