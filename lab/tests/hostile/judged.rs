// SPDX-License-Identifier: MIT OR Apache-2.0
//! What must hold for every row, and what a row expects.

use std::{fs, path::Path, sync::OnceLock};

use serde_json::Value;

use crate::{
    graded::Graded,
    row::{Expect, Row},
};

/// The most memory of the grader, in KiB.
const PEAK_MAX: u64 = 1 << 20;

/// Longest report of a few checks, in bytes.
const REPORT_MAX: usize = 256 << 10;

const REPORTS: [&str; 5] = [
    "report.txt",
    "report.json",
    "junit.xml",
    "report.ktap",
    "gradescope.json",
];

/// What does not hold.
pub(crate) fn complaints(row: &Row, graded: &Graded) -> Vec<String> {
    let mut found = Vec::new();
    let mut require = |holds: bool, what: String| {
        if !holds {
            found.push(what);
        }
    };
    let watched = &graded.watched;
    require(!watched.is_late, "it outlives all limits".into());
    require(
        watched.left.is_empty(),
        format!("processes are left: {:?}", watched.left),
    );
    // A refusal may be over before anybody has looked.
    let least = u64::from(row.expect != Expect::Refused);
    require(
        (least..PEAK_MAX).contains(&watched.peak_kib),
        format!("the grader had {} KiB of memory", watched.peak_kib),
    );
    let changes = graded.canaries.changes();
    require(changes.is_empty(), format!("changed: {changes:?}"));
    let stdout = graded.stdout();
    let said = [
        ("stdout", stdout.as_bytes()),
        ("stderr", graded.stderr.as_bytes()),
    ];
    let files = graded.written.iter();
    let files = files.map(|(name, contents)| (name.as_str(), contents.as_slice()));
    for (name, contents) in said.into_iter().chain(files) {
        let token = graded.canaries.token.as_bytes();
        let has_token = contents.windows(token.len()).any(|part| part == token);
        require(!has_token, format!("a canary is in {name}"));
        // Consoles are kept as they are, and named as such.
        if REPORTS.contains(&name) || name.starts_with("std") {
            require(drives_nothing(contents), format!("controls are in {name}"));
            let len = contents.len();
            require(len < REPORT_MAX, format!("{name} has {len} bytes"));
        }
    }
    let status = watched.status.code();
    if row.expect == Expect::Refused {
        require(status == Some(2), format!("exit status {status:?}, not 2"));
        require(graded.json.is_null(), "it has a report".into());
    } else {
        require(
            matches!(status, Some(0 | 1)),
            format!("exit status {status:?}: {}", graded.stderr),
        );
        report(row, graded, &mut require);
    }
    let all = format!("{stdout}\n{}", graded.stderr);
    // An attack that does not build proves nothing.
    let is_refused = |text: &str| text.contains("does not build");
    if !row.says.iter().any(|text| is_refused(text)) {
        require(!is_refused(&all), format!("it does not build\n{all}"));
    }
    // The lab's own kernels have no kprobes, so such an attack gains nothing and needs no remark.
    let gains_nothing =
        row.expect == Expect::Noticed && graded.checks().iter().all(|(_, _, points)| *points == 0);
    for text in &row.says {
        let is_said = gains_nothing || text.split('|').any(|text| all.contains(text));
        require(is_said, format!("{text:?} is not said in\n{all}"));
    }
    found
}

/// What the report must be like.
fn report(row: &Row, graded: &Graded, require: &mut impl FnMut(bool, String)) {
    for name in REPORTS {
        let is_there = graded.written.get(name).is_some_and(|it| !it.is_empty());
        require(is_there, format!("{name} is missing"));
    }
    let errors: Vec<_> = schema()
        .iter_errors(&graded.json)
        .map(|it| it.to_string())
        .collect();
    require(errors.is_empty(), format!("report.json: {errors:?}"));
    require(graded.json["score"].is_u64(), "no score is claimed".into());
    let checks = graded.checks();
    require(!checks.is_empty(), "no check was carried out".into());
    for (id, status, points) in checks {
        let seen = format!("{id} ends with {status} and has {points} points");
        require(status != "error", seen.clone());
        match row.expect {
            Expect::NoPoint => require(status != "pass" && points == 0, seen),
            Expect::AllPoints => require(status == "pass" && points > 0, seen),
            Expect::Noticed | Expect::Refused => {}
        }
    }
    if row.expect == Expect::NoPoint {
        let score = &graded.json["score"];
        require(*score == 0, format!("the score is {score}"));
    }
}

fn schema() -> &'static jsonschema::Validator {
    static SCHEMA: OnceLock<jsonschema::Validator> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/report.json");
        let schema: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        jsonschema::validator_for(&schema).unwrap()
    })
}

/// Whether a text moves no cursor, changes no colour and turns no direction.
fn drives_nothing(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else {
        return false;
    };
    !text.chars().any(|c| {
        (c.is_control() && !matches!(c, '\n' | '\t'))
            || matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    })
}

#[test]
fn controls_are_recognised() {
    assert!(drives_nothing("größer\tok\n".as_bytes()));
    for text in ["\x1b[2J", "\u{202e}", "\u{9b}31m", "\r", "\x07"] {
        assert!(!drives_nothing(text.as_bytes()), "{text:?}");
    }
    assert!(!drives_nothing(b"\xff"));
}
