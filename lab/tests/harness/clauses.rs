// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every clause has a check, and every check has a clause (`lab/clauses.toml`).

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use regex::Regex;

/// Clause ids, `stage/CLAUSE`, of the index, with their texts.
fn index() -> BTreeMap<String, String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("clauses.toml");
    let text = fs::read_to_string(file).unwrap();
    let stages: BTreeMap<String, BTreeMap<String, String>> = toml::from_str(&text).unwrap();
    stages
        .into_iter()
        .flat_map(|(stage, clauses)| {
            clauses
                .into_iter()
                .map(move |(id, text)| (format!("{stage}/{id}"), text))
        })
        .collect()
}

/// The clause of a check: `part2/N3` of `part2/N3-lengths`. The stage's own name may have a dash.
fn clause_of(id: &str) -> &str {
    let slash = id.find('/').unwrap_or(0);
    let end = id[slash..].find('-').map_or(id.len(), |dash| slash + dash);
    &id[..end]
}

/// Whether the cargo test `package::name` exists in the tests or sources of that package.
fn is_a_test(name: &str) -> bool {
    let Some((package, function)) = name.split_once("::") else {
        return false;
    };
    let package = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(package);
    ["src", "tests"]
        .iter()
        .filter_map(|directory| fs::read_dir(package.join(directory)).ok())
        .flatten()
        .filter_map(|entry| fs::read_to_string(entry.ok()?.path()).ok())
        .any(|text| text.contains("#[test]") && text.contains(&format!("fn {function}()")))
}

#[test]
fn every_clause_has_a_check_and_every_check_a_clause() {
    let index = index();
    let mut covered: BTreeSet<String> = lab_stages::all()
        .map(|scenario| clause_of(scenario.id).to_owned())
        .collect();
    for (clause, text) in &index {
        for name in text.split("test: ").skip(1) {
            let name = name.split([',', ' ']).next().unwrap_or_default();
            assert!(is_a_test(name), "{clause} names an unknown test: {name}");
            covered.insert(clause.clone());
        }
    }
    let clauses: BTreeSet<String> = index.into_keys().collect();
    // Not println, which is shown only when the test fails.
    let count = covered.intersection(&clauses).count();
    writeln!(
        std::io::stderr(),
        "{count} of {} clause ids are covered",
        clauses.len()
    )
    .unwrap();
    assert_eq!(
        clauses.difference(&covered).collect::<Vec<_>>(),
        [""; 0],
        "clauses without a check"
    );
    assert_eq!(
        covered.difference(&clauses).collect::<Vec<_>>(),
        [""; 0],
        "checks without a clause"
    );
}

#[test]
fn what_only_the_debug_kernel_shows_has_its_clause() {
    let index = index();
    for scenario in lab_stages::faults::SCENARIOS {
        let clause = clause_of(scenario.id);
        assert!(index.contains_key(clause), "unknown clause {clause}");
        assert!(lab_stages::find(scenario.id).is_none(), "{}", scenario.id);
    }
}

/// Rust files below a directory.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap();
    entries
        .flat_map(|entry| match entry.unwrap().path() {
            path if path.is_dir() => sources(&path),
            path if path.extension().is_some_and(|extension| extension == "rs") => vec![path],
            _ => Vec::new(),
        })
        .collect()
}

/// An unknown clause makes a check lenient without a message.
#[test]
fn each_clause_that_leniency_asks_for_exists() {
    let clauses: BTreeSet<String> = index()
        .into_keys()
        .filter_map(|id| Some(id.rsplit_once('/')?.1.to_owned()))
        .collect();
    let asks = Regex::new(r"\bcounts(?:_any)?\(([^)]*)\)").unwrap();
    let name = Regex::new(r#""([^"]*)""#).unwrap();
    let lab = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut asked = 0;
    for file in ["scene/src", "stages/src"]
        .map(|at| sources(&lab.join(at)))
        .concat()
    {
        let text = fs::read_to_string(&file).unwrap();
        for call in asks.captures_iter(&text) {
            for clause in name.captures_iter(&call[1]) {
                asked += 1;
                let known = clauses.contains(&clause[1]);
                assert!(known, "{}: unknown clause {}", file.display(), &clause[1]);
            }
        }
    }
    assert!(asked > 20, "{asked}");
}

#[test]
fn a_stage_may_have_a_dash_in_its_name() {
    assert_eq!(clause_of("part2/N3-body-lengths"), "part2/N3");
    assert_eq!(
        clause_of("message-slot/W5-partly-bad-buffer"),
        "message-slot/W5"
    );
}
