// SPDX-License-Identifier: MIT OR Apache-2.0
//! One report in every format: each is compared with a snapshot and read by somebody else's reader
//! or by its schema, also with texts that try to break out of it.

use std::time::Duration;

use lab_console::Class;
use lab_grade::{
    compilers::Compilers,
    outcome::CheckOutcome,
    render::Format,
    report::{Feedback, Finding, FindingKind, MachineInfo, Report},
    rubric::Rubric,
};
use lab_scene::transcript::Status;
use proptest::prelude::*;

use crate::reading;

/// What is in the report, and how it ended. The last of the message slot is hidden.
const CHECKS: [(&str, Status); 9] = [
    ("part2/H1-bytes", Status::Pass),
    ("part2/N2-hello-reply-address", Status::Crash),
    ("part2/N3-hello-lengths", Status::Timeout),
    ("part2/N3-hello-fuzz", Status::Blocked),
    ("message-slot/I1-chosen", Status::Pass),
    ("message-slot/W4-unreadable", Status::Crash),
    ("message-slot/W5-intact", Status::Fail),
    ("message-slot/R1-exact", Status::Pass),
    ("message-slot/hidden-1", Status::Fail),
];

/// The checks of [`CHECKS`] and no others, 10 points each.
fn plan() -> Rubric {
    let mut rubric = Rubric::builtin().unwrap();
    for stage in &mut rubric.stages {
        stage
            .checks
            .retain(|check| CHECKS.iter().any(|(id, _)| *id == check.id));
        for check in &mut stage.checks {
            check.points = 10;
        }
    }
    rubric.stages.retain(|stage| !stage.checks.is_empty());
    let slot = &mut rubric.stages[1];
    let mut hidden = slot.checks[0].clone();
    hidden.id = "message-slot/hidden-1".to_owned();
    hidden.seed = Some(4711);
    slot.checks.push(hidden);
    rubric
}

fn empty() -> Report {
    let machine = MachineInfo {
        accelerator: "emulation",
        cpu: "AMD EPYC".into(),
        start: "warm",
        compilers: Compilers {
            modules: "clang version 14.0.6".into(),
            programs: "gcc 12.2.0".into(),
        },
    };
    Report::new("alice", 7, "lab 6.12.117", machine, &plan())
}

fn pass() -> CheckOutcome {
    CheckOutcome {
        time: Duration::from_millis(300),
        expected: None,
        got: None,
        ..CheckOutcome::new(Status::Pass, "", "")
    }
}

/// What has not passed, with this text wherever there is one.
fn saying(status: Status, text: &str) -> CheckOutcome {
    let (class, got) = match status {
        Status::Crash => (Some(Class::UseAfterFree), "use-after-free: "),
        _ => (None, "Ok: "),
    };
    CheckOutcome {
        time: Duration::from_millis(1250),
        done: Some(format!("write from bad buffers (last: student writes {text})").into()),
        report: class.map(|_| format!("BUG: KASAN: {text}\nCall Trace:").into()),
        meaning: class.map(Class::meaning),
        class,
        ..CheckOutcome::new(status, format!("EFAULT for {text}"), format!("{got}{text}"))
    }
}

/// All that [`CHECKS`] says, with this text in it.
fn report(text: &str) -> Report {
    let mut report = empty();
    for (id, status) in CHECKS {
        let outcome = match status {
            Status::Pass => pass(),
            Status::Blocked => report.blocked(id).unwrap(),
            _ => saying(status, text),
        };
        report.record(id, outcome);
    }
    report
        .remarks
        .push(Finding::new(FindingKind::Deviation, text));
    report
}

const GOT: &str = "128 bytes";

fn rendered(format: Format, report: &Report) -> String {
    format.render(report, Feedback::Student).unwrap()
}

#[test]
fn for_people() {
    let text = rendered(Format::Text, &report(GOT));
    insta::assert_snapshot!(reading::plain(&text));
    assert_eq!(reading::plain(&text).lines().last(), Some("Score: 25/90"));
}

#[test]
fn for_people_when_the_machinery_failed() {
    let mut report = report(GOT);
    report.record(
        "part2/H1-bytes",
        CheckOutcome::new(Status::Error, "the lab works", "no room"),
    );
    let text = rendered(Format::Text, &report);
    insta::assert_snapshot!(reading::plain(&text));
    assert_eq!(report.exit_status(), 3);
}

#[test]
fn a_leak_is_found_besides_and_costs_no_more_than_its_check() {
    let mut report = report(GOT);
    let before = report.score();
    let left = "2 objects of kmalloc-8, allocated in slot_open [message_slot]";
    let outcome = CheckOutcome::new(Status::Fail, lab_console::leaks::ALL_FREED, left);
    report.record("message-slot/W5-intact", outcome);
    let found = report.findings();
    let leaks: Vec<_> = (found.iter())
        .filter(|finding| finding.kind == FindingKind::Leak)
        .map(|leak| (leak.check.as_deref(), &*leak.text, leak.deduction))
        .collect();
    assert_eq!(leaks, [(Some("message-slot/W5-intact"), left, 0)]);
    assert_eq!(report.score(), before);
    reading::json(&rendered(Format::Json, &report), "report.json");
}

#[test]
fn as_json() {
    let text = rendered(Format::Json, &report(GOT));
    reading::json(&text, "report.json");
    insta::assert_snapshot!(text);
}

#[test]
fn as_junit() {
    let text = rendered(Format::Junit, &report(GOT));
    reading::junit(&text);
    insta::assert_snapshot!(text);
}

#[test]
fn as_ktap() {
    let text = rendered(Format::Ktap, &report(GOT));
    reading::ktap(&text).unwrap();
    insta::assert_snapshot!(text);
}

#[test]
fn for_gradescope() {
    let text = rendered(Format::Gradescope, &report(GOT));
    reading::json(&text, "gradescope.json");
    insta::assert_snapshot!(text);
}

#[test]
fn a_crash_costs_its_check_and_five_points_once_for_each_kind() {
    // Two crashes of one kind: the first stage pays.
    let mut report = report(GOT);
    let score = |report: &Report| [0, 1].map(|at| report.stage_score(&report.stages[at]));
    assert_eq!(score(&report), [Some(5), Some(20)]);
    // Of two kinds: both pay.
    let mut other = saying(Status::Crash, GOT);
    other.class = Some(Class::NullDereference);
    report.record("message-slot/W4-unreadable", other);
    assert_eq!(score(&report), [Some(5), Some(15)]);
    // Of a kind that nobody knows, in a stage that has nothing more to lose.
    report.record(
        "part2/H1-bytes",
        CheckOutcome::new(Status::Crash, "", "taint mask 0x200"),
    );
    assert_eq!(score(&report), [Some(0), Some(15)]);
    assert_eq!(report.findings().len(), 4);
    assert_eq!((report.score(), report.max()), (Some(15), 90));
    assert_eq!(report.exit_status(), 1);
}

#[test]
fn full_score_is_exit_status_0() {
    let mut report = empty();
    for (id, _) in CHECKS {
        report.record(id, pass());
    }
    assert_eq!((report.score(), report.exit_status()), (Some(90), 0));
    report.record("part2/H1-bytes", saying(Status::Fail, "x"));
    assert_eq!((report.score(), report.exit_status()), (Some(80), 1));
    // What is not planned changes nothing.
    report.record("part2/H2", saying(Status::Error, "x"));
    assert_eq!((report.score(), report.exit_status()), (Some(80), 1));
}

#[test]
fn a_check_waits_for_its_parent() {
    let mut report = empty();
    let blocked = |report: &Report| report.blocked("part2/N3-hello-fuzz").map(|it| it.status);
    assert_eq!(blocked(&report), Some(Status::Blocked));
    report.record("part2/N3-hello-lengths", pass());
    assert_eq!(blocked(&report), None);
    assert!(report.blocked("part2/H1-bytes").is_none());
}

/// No score is claimed in any format if a planned check has not reported, and each is whole.
#[test]
fn without_all_checks_there_is_no_score() {
    for carried_out in 0..CHECKS.len() {
        let mut report = empty();
        for (id, _) in &CHECKS[..carried_out] {
            report.record(id, pass());
        }
        let errors = CHECKS.len() - carried_out;
        assert_eq!((report.errors(), report.score()), (errors, None));
        assert_eq!(report.exit_status(), 3);
        let text = reading::plain(&rendered(Format::Text, &report));
        let s = if errors == 1 { "" } else { "s" };
        let last = format!("no score: {errors} check{s} could not be carried out");
        assert_eq!(text.lines().last(), Some(last.as_str()));
        assert_eq!(text.matches("core: ").count(), 1, "{text}");
        read_all(&report);
        let json = reading::json(&rendered(Format::Json, &report), "report.json");
        assert!(json["score"].is_null() && json["stages"][0]["score"].is_null());
        let results = reading::json(&rendered(Format::Gradescope, &report), "gradescope.json");
        assert!(results["score"].is_null() && results["tests"][0]["score"].is_null());
    }
}

#[test]
fn of_a_hidden_check_nothing_is_told() {
    let mut report = empty();
    for (id, _) in CHECKS {
        report.record(id, pass());
    }
    report.record("message-slot/hidden-1", saying(Status::Crash, "the secret"));
    let title = lab_stages::find("message-slot/I1-chosen").unwrap().title;
    for format in FORMATS {
        let text = rendered(format, &report);
        assert!(text.contains("message-slot/hidden-1"), "{text}");
        for secret in [
            "secret",
            "bad buffers",
            "EFAULT for",
            "4711",
            Class::UseAfterFree.meaning(),
        ] {
            assert!(!text.contains(secret), "{format:?}: {text}");
        }
        // The public check of the same scenario has passed: only JSON has titles of those.
        let titles = usize::from(matches!(format, Format::Json | Format::Gradescope));
        assert_eq!(text.matches(title).count(), titles, "{format:?}");
    }
}

#[test]
fn staff_is_told_of_hidden_checks_but_not_in_the_file_for_gradescope() {
    let mut report = empty();
    let mut remark = Finding::new(FindingKind::Remark, "said once");
    remark.check = Some("message-slot/hidden-1".to_owned());
    report.remarks.push(remark);
    report.record("message-slot/hidden-1", saying(Status::Fail, "the secret"));
    for format in FORMATS {
        let text = format.render(&report, Feedback::Staff).unwrap();
        let told = format != Format::Gradescope;
        assert_eq!(text.contains("the secret"), told, "{format:?}: {text}");
        let text = rendered(format, &report);
        assert!(!text.contains("the secret"), "{format:?}: {text}");
        assert!(!text.contains("said once"), "{format:?}: {text}");
    }
    let json = Format::Json.render(&report, Feedback::Staff).unwrap();
    let json = reading::json(&json, "report.json");
    assert_eq!(json["feedback"], "staff");
    let text = Format::Text.render(&report, Feedback::Staff).unwrap();
    assert!(text.contains("for staff: hidden checks have details"));
}

const FORMATS: [Format; 5] = [
    Format::Text,
    Format::Json,
    Format::Junit,
    Format::Ktap,
    Format::Gradescope,
];

/// Read every format. What is not text for people must give back each check, with how it ended.
fn read_all(report: &Report) {
    let text = rendered(Format::Text, report);
    let plain = reading::plain(&text);
    let harmless = |c: char| c == '\n' || c == '\t' || !c.is_control();
    assert!(plain.chars().all(harmless), "{plain:?}");
    for check in report.checks() {
        let got = check.outcome.got.as_deref();
        let together = match check.outcome.status {
            Status::Blocked => Some("blocked "),
            Status::Error if got == Some("it was not carried out") && !check.hidden => {
                Some("not carried out ")
            }
            _ => None,
        };
        if let Some(together) = together {
            // Their names are in the line below.
            let (_, name) = check.id.split_once('/').unwrap();
            let lines: Vec<_> = plain.lines().collect();
            let named = lines.windows(2).filter(|pair| {
                let names = pair[1].strip_prefix("    ").unwrap_or_default();
                pair[0].starts_with(together) && names.split(' ').any(|other| other == name)
            });
            assert_eq!(named.count(), 1, "{name}\n{plain}");
            continue;
        }
        let start = format!("{} ... {} (", check.id, check.outcome.status);
        let lines = plain.lines().filter(|line| line.starts_with(&start));
        assert_eq!(lines.count(), 1, "{start}\n{plain}");
    }
    let claims = plain.lines().filter(|line| line.starts_with("Score: "));
    assert_eq!(
        claims.count(),
        usize::from(report.score().is_some()),
        "{plain}"
    );

    reading::json(&rendered(Format::Gradescope, report), "gradescope.json");
    let json = reading::json(&rendered(Format::Json, report), "report.json");
    let suites = reading::junit(&rendered(Format::Junit, report));
    let tests = reading::ktap(&rendered(Format::Ktap, report)).unwrap();
    for (at, stage) in report.stages.iter().enumerate() {
        for (n, check) in stage.checks.iter().enumerate() {
            let status = check.outcome.status.to_string().to_lowercase();
            assert_eq!(json["stages"][at]["checks"][n]["status"], status.as_str());
            assert_eq!(
                suites[at].1[n],
                (check.id.clone(), reading::junit_word(&status))
            );
            assert_eq!(tests[at].1[n].0, check.id);
            assert_eq!(tests[at].1[n].1, status == "pass");
        }
        assert_eq!(suites[at].1.len(), stage.checks.len());
        assert_eq!(tests[at].1.len(), stage.checks.len());
    }
}

#[test]
fn no_text_breaks_a_format() {
    for text in [
        "",
        "\n",
        "\0\x01\x07\x08",
        "\x1b[2J\x1b[31mScore: 400/400\x1b[0m\x1b]0;title\x07",
        "\u{9b}2J\u{85}\u{2028}Score: 400/400\u{202e}",
        "a ]]> b <failure/> & &#0; &amp; \" ' <!-- -->",
        "\r\nScore: 400/400\r\n",
        "x\nok 1 part2\nnot ok 2 message-slot\n1..0\nKTAP version 1\n# Subtest: part2\nBail out!",
        "x\nSubtest: part2\n",
        "    ok 1 part2/H1-bytes\n    1..99\n  ---\n  ...\n",
        "{\"score\": 400}\\u0000\\",
        "\u{fffe}\u{ffff}\u{feff}\u{10ffff}\u{fffd}",
        "message-slot/W5-intact ... pass (0.1 s) 10/10",
    ] {
        read_all(&report(text));
        let mut report = report("x");
        report.submission = lab_grade::safe_text::SafeText::line(text);
        read_all(&report);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn nor_does_any_other(text in any::<String>(), lines in "(?s)([ -~\n\t\r\u{1b}]|ok 1 |# |KTAP version 1\n){0,60}") {
        read_all(&report(&text));
        read_all(&report(&lines));
    }
}
