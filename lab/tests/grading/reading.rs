// SPDX-License-Identifier: MIT OR Apache-2.0
//! Readers of reports, none of which knows how they are written.

use std::{fs, path::Path};

use regex::Regex;

/// Text as a terminal without colours shows it. Of escape sequences there must be no others.
pub(crate) fn plain(text: &str) -> String {
    let colours = Regex::new("\x1b\\[[0-9;]*m").unwrap();
    let plain = colours.replace_all(text, "").into_owned();
    assert!(!plain.contains('\x1b'), "{plain:?}");
    plain
}

/// JSON that is as `lab/schemas/SCHEMA` describes it.
pub(crate) fn json(text: &str, schema: &str) -> serde_json::Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("schemas")
        .join(schema);
    let schema: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let value = serde_json::from_str(text).unwrap();
    let errors: Vec<String> = jsonschema::validator_for(&schema)
        .unwrap()
        .iter_errors(&value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert_eq!(errors, [""; 0], "{text}");
    value
}

/// Suites, and of each its cases and what became of them. The numbers of each suite must add up.
pub(crate) fn junit(text: &str) -> Vec<(String, Vec<(String, &'static str)>)> {
    let document = roxmltree::Document::parse(text).unwrap();
    let root = document.root_element();
    assert_eq!(root.tag_name().name(), "testsuites");
    let count = |node: roxmltree::Node<'_, '_>, what| -> usize {
        node.attribute(what)
            .map_or(0, |number| number.parse().unwrap())
    };
    let mut suites = Vec::new();
    for suite in root.children().filter(roxmltree::Node::is_element) {
        assert_eq!(suite.tag_name().name(), "testsuite");
        let mut cases = Vec::new();
        for case in suite
            .children()
            .filter(|node| node.has_tag_name("testcase"))
        {
            for wanted in ["name", "classname", "time"] {
                assert!(case.has_attribute(wanted), "{wanted}");
            }
            let results: Vec<&str> = (case.children().filter(roxmltree::Node::is_element))
                .map(|node| node.tag_name().name())
                .filter(|name| *name != "properties")
                .collect();
            let result = match results[..] {
                [] => "",
                ["failure"] => "failure",
                ["error"] => "error",
                ["skipped"] => "skipped",
                _ => panic!("{results:?}"),
            };
            cases.push((case.attribute("name").unwrap().to_owned(), result));
        }
        let of = |what: &str| cases.iter().filter(|(_, result)| *result == what).count();
        assert_eq!(count(suite, "tests"), cases.len());
        assert_eq!(count(suite, "failures"), of("failure"));
        assert_eq!(count(suite, "errors"), of("error"));
        suites.push((suite.attribute("name").unwrap().to_owned(), cases));
    }
    suites
}

/// What JUnit calls a status.
pub(crate) fn junit_word(status: &str) -> &'static str {
    match status {
        "pass" => "",
        "blocked" => "skipped",
        "error" => "error",
        _ => "failure",
    }
}

/// A test and whether it is ok, with its subtests.
type Tests = Vec<(String, Vec<(String, bool)>)>;

/// Tests and subtests, after Documentation/dev-tools/ktap.rst: a version, a plan, results that are
/// numbered from 1 to what the plan says; the result of a test stands below its subtests. The
/// kernel's own parser (tools/testing/kunit/kunit_parser.py) takes a diagnostic `# Subtest: NAME`
/// for a header wherever it stands, so there is one for each test and no other.
pub(crate) fn ktap(text: &str) -> Result<Tests, String> {
    let mut lines = text.lines().filter(|line| !is_diagnostic(line));
    expect(lines.next(), "KTAP version 1")?;
    let mut tests = Vec::new();
    for number in 1..=plan(lines.next(), "")? {
        expect(lines.next(), "    KTAP version 1")?;
        let mut subtests = Vec::new();
        for number in 1..=plan(lines.next(), "    ")? {
            subtests.push(result(lines.next(), "    ", number)?);
        }
        let (name, ok) = result(lines.next(), "", number)?;
        if ok != subtests.iter().all(|(_, ok)| *ok) {
            return Err(format!("{name} is {ok}, and {subtests:?}"));
        }
        tests.push((name, subtests));
    }
    let headers = text
        .lines()
        .filter(|line| line.trim_start().starts_with("# Subtest: "));
    if headers.count() != tests.len() {
        return Err(format!("expected one header for each of {tests:?}"));
    }
    match lines.next() {
        None => Ok(tests),
        Some(line) => Err(format!("more after the end: {line}")),
    }
}

fn is_diagnostic(line: &str) -> bool {
    line.trim_start().starts_with("# ")
}

fn expect(line: Option<&str>, expected: &str) -> Result<(), String> {
    match line {
        Some(line) if line == expected => Ok(()),
        other => Err(format!("expected {expected}, found {other:?}")),
    }
}

fn plan(line: Option<&str>, indent: &str) -> Result<usize, String> {
    let count = line.and_then(|line| line.strip_prefix(indent)?.strip_prefix("1..")?.parse().ok());
    count.ok_or_else(|| format!("expected {indent}1..N, found {line:?}"))
}

fn result(line: Option<&str>, indent: &str, number: usize) -> Result<(String, bool), String> {
    let wrong = || format!("expected result {number}, found {line:?}");
    let rest = line
        .and_then(|line| line.strip_prefix(indent))
        .ok_or_else(wrong)?;
    let (ok, rest) = match rest.strip_prefix("not ok ") {
        Some(rest) => (false, rest),
        None => (true, rest.strip_prefix("ok ").ok_or_else(wrong)?),
    };
    let name = rest.strip_prefix(&format!("{number} ")).ok_or_else(wrong)?;
    let name = name.split(" # ").next().unwrap_or_default();
    if name.is_empty() || name.contains('#') {
        return Err(wrong());
    }
    Ok((name.to_owned(), ok))
}
