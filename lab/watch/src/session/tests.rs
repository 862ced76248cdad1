// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which event leads to what.

use std::time::{Duration, Instant};

use super::*;
use crate::samples::{begun, failed, passed, report};

fn save(session: &mut Session, paths: &[&str]) -> Vec<Action> {
    let event = Event::Saved {
        paths: paths.iter().map(PathBuf::from).collect(),
        at: Instant::now(),
    };
    session.react(&event, Instant::now())
}

fn press(session: &mut Session, letter: char) -> Vec<Action> {
    session.react(&Event::Key(Key::of(letter).unwrap()), Instant::now())
}

fn run(step: &str, programs: bool) -> Action {
    Action::Run(Order {
        step: step.into(),
        programs,
    })
}

#[test]
fn a_save_begins_a_run_and_programs_are_built_only_if_they_changed() {
    let mut session = passed("pubsub");
    let module = save(&mut session, &["kernel/nl_pubsub/nl_pubsub.c"]);
    assert_eq!(module, [run("pubsub", false)]);
    let because = &session.run().unwrap().because;
    assert_eq!(because, "kernel/nl_pubsub/nl_pubsub.c changed");
    report(&mut session, Report::Ended);
    let header = save(&mut session, &["kernel/include/nl_open.h"]);
    assert_eq!(header, [run("pubsub", false)]);
    report(&mut session, Report::Ended);
    let both = ["protocol/src/lib.rs", "part2-netlink/src/bin/pubsub.rs"];
    assert_eq!(save(&mut session, &both), [run("pubsub", true)]);
    // They do not compile, so the next run builds them too.
    let output = "error".to_owned();
    let what = "programs".to_owned();
    report(&mut session, Report::Compile { what, output });
    let module = save(&mut session, &["kernel/nl_pubsub/nl_pubsub.c"]);
    assert_eq!(module, [run("pubsub", true)]);
}

#[test]
fn a_new_save_ends_the_old_run() {
    let mut session = passed("pubsub");
    let file = ["kernel/nl_pubsub/nl_pubsub.c"];
    assert_eq!(save(&mut session, &file), [run("pubsub", false)]);
    // The next process has built no programs.
    let again = save(&mut session, &file);
    assert_eq!(again, [Action::Stop, run("pubsub", true)]);
    report(&mut session, Report::Built);
    let again = save(&mut session, &file);
    assert_eq!(again, [Action::Stop, run("pubsub", true)]);
}

#[test]
fn what_the_step_does_not_need_begins_no_run() {
    let mut session = passed("pubsub");
    let others = [
        "README.md",
        "part3-lists/src/lib.rs",
        "kernel/nl_router/x.c",
    ];
    session.note = Some("read this".into());
    assert_eq!(save(&mut session, &others), []);
    assert_eq!(session.note.as_deref(), Some("read this"));
    assert_eq!(save(&mut session, &["kernel/nl_routes/routes.h"]), []);
    let note = session.note.as_deref();
    assert_eq!(
        note,
        Some("kernel/nl_routes/routes.h belongs to step routes")
    );
    assert!(!session.run().unwrap().is_old);
}

#[test]
fn a_change_of_the_lab_is_told_until_the_end() {
    let mut session = passed("pubsub");
    assert_eq!(save(&mut session, &["lab/src/demo.rs"]), []);
    press(&mut session, 'l');
    save(&mut session, &["kernel/nl_pubsub/nl_pubsub.c"]);
    let told = session.lab_changed.as_deref();
    assert_eq!(told, Some(Path::new("lab/src/demo.rs")));
}

#[test]
fn after_lost_events_everything_is_built() {
    let mut session = passed("routes");
    let at = Instant::now();
    let actions = session.react(&Event::Lost { at }, at);
    assert_eq!(actions, [run("routes", true)]);
}

#[test]
fn the_steps_follow_each_other_in_a_circle() {
    let mut session = passed("routes");
    assert_eq!(press(&mut session, 'n'), [run("pubsub", false)]);
    assert_eq!(session.note, None);
    let first = press(&mut session, 'n');
    assert_eq!(first, [Action::Stop, run("hello", true)]);
    assert!(session.note.as_deref().unwrap().contains("the first"));
    // The results of the others are kept.
    assert!(session.runs[2].is_some());

    let stage = lab_stages::stage("part1").unwrap();
    let mut session = Session::new(stage, 0, None);
    assert_eq!(press(&mut session, 'n'), []);
    let note = session.note.as_deref();
    assert_eq!(note, Some("threads is the only step"));
}

#[test]
fn a_save_outdates_the_results_of_other_steps() {
    let mut session = passed("routes");
    press(&mut session, 'n');
    save(&mut session, &["kernel/nl_pubsub/nl_pubsub.c"]);
    assert!(!session.runs[2].as_ref().unwrap().is_old);
    save(&mut session, &["protocol/src/lib.rs"]);
    assert!(session.runs[2].as_ref().unwrap().is_old);
    assert!(!session.run().unwrap().is_old);
}

#[test]
fn the_hint_is_that_of_the_check_that_fits() {
    let mut session = failed("pubsub", "a third subscriber, a second publisher");
    let check = "part2/B2-places";
    assert_eq!(press(&mut session, 'h'), [Action::Hint(check)]);
    let at = Instant::now();
    session.react(&Event::Hint(Output::Stderr("Compiling".into())), at);
    session.react(&Event::Hint(Output::Stdout("1 of 3: look".into())), at);
    session.react(&Event::HintEnded, at);
    let expected = Asked {
        check,
        hint: vec!["1 of 3: look".into()],
        words: vec!["Compiling".into()],
        is_whole: true,
    };
    assert_eq!(session.page, Page::Hint(expected));
    // The next one.
    assert_eq!(press(&mut session, 'h'), [Action::Hint(check)]);
    // A save shows the new run.
    save(&mut session, &["kernel/nl_pubsub/nl_pubsub.c"]);
    assert_eq!(session.page, Page::Verdict);
}

#[test]
fn without_a_failure_there_is_no_hint() {
    let mut session = passed("pubsub");
    assert_eq!(press(&mut session, 'h'), []);
    assert!(
        session
            .note
            .as_deref()
            .unwrap()
            .starts_with("nothing fails")
    );
    let mut session = begun("pubsub");
    let (what, output) = ("nl_pubsub.ko".to_owned(), "error".to_owned());
    report(&mut session, Report::Compile { what, output });
    assert_eq!(press(&mut session, 'h'), []);
    assert!(session.note.as_deref().unwrap().contains("compile"));
    assert_eq!(session.page, Page::Verdict);
}

#[test]
fn a_key_shows_a_page_and_the_same_key_goes_back() {
    let mut session = passed("pubsub");
    press(&mut session, 'l');
    assert_eq!(session.page, Page::List);
    press(&mut session, 'd');
    assert_eq!(session.page, Page::Diagram);
    press(&mut session, 'd');
    assert_eq!(session.page, Page::Verdict);
    assert_eq!(press(&mut session, 'q'), [Action::Quit]);
}

#[test]
fn a_worker_that_ends_is_told_and_the_next_save_goes_on() {
    let mut session = begun("pubsub");
    let later = Instant::now() + Duration::from_secs(1);
    assert_eq!(session.react(&Event::WorkerEnded, later), []);
    let end = session.run().unwrap().end.as_ref();
    assert!(matches!(end, Some(End::Failed(_))), "{end:?}");
    let next = save(&mut session, &["kernel/nl_pubsub/nl_pubsub.c"]);
    assert_eq!(next, [run("pubsub", true)]);
}
