// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sessions for tests.

use std::time::Instant;

use lab_course::plan::Said;
use lab_scene::transcript::{Entry, Failure, LineKind, Status, Verdict};

use crate::{
    event::Event,
    messages::{Beginning, Report},
    session::Session,
};

/// A watch of part 2 whose first run, of this step, was just ordered.
pub(crate) fn begun(step: &str) -> Session {
    let stage = lab_stages::stage("part2").unwrap();
    let at = stage.steps.iter().position(|it| it.name == step).unwrap();
    let mut session = Session::new(stage, at, None);
    session.begin("start".into(), Instant::now());
    session
}

/// The same after a run of two steps that has passed.
pub(crate) fn passed(step: &str) -> Session {
    let mut session = begun(step);
    begin(&mut session);
    for one in [1, 2].map(|number| step_with(number, "insert the module", Status::Pass)) {
        report_all(&mut session, one);
    }
    let said = ["N1  message types", "", "Now: make grade"].map(Said::text);
    let after = [Said::heading("It did not look at")]
        .into_iter()
        .chain(said);
    report(&mut session, Report::After(after.collect()));
    report(&mut session, Report::Ended);
    session
}

/// The same after a run whose second step, with this title, has failed.
pub(crate) fn failed(step: &str, title: &str) -> Session {
    let mut session = begun(step);
    begin(&mut session);
    report_all(
        &mut session,
        step_with(1, "insert the module", Status::Pass),
    );
    report_all(&mut session, step_with(2, title, Status::Fail));
    report(&mut session, Report::Ended);
    session
}

fn begin(session: &mut Session) {
    report(session, Report::Built);
    report(
        session,
        Report::Begun(Beginning {
            kernel: "lab 6.12.117".into(),
            id: "part2/B4-demonstration".into(),
            title: "one publisher reaches two subscribers".into(),
            why: None,
        }),
    );
}

/// The entries of a step.
fn step_with(number: usize, title: &str, status: Status) -> [Report; 3] {
    let step = Entry::Step {
        number,
        title: title.into(),
        expected: "both subscribers print exactly that line".into(),
    };
    let line = Entry::Line {
        who: "publisher".into(),
        kind: LineKind::Types,
        text: "hello from user space".into(),
    };
    let got = (status != Status::Pass).then(|| Failure {
        expected: "subscriber 1 prints \"hello from user space\"".into(),
        got: "nothing in time".into(),
        class: None,
        excerpt: None,
        console: None,
    });
    let verdict = Entry::Verdict(Verdict { status, got });
    [step, line, verdict].map(Report::Entry)
}

fn report_all<const N: usize>(session: &mut Session, reports: [Report; N]) {
    for one in reports {
        report(session, one);
    }
}

/// Have the worker report something.
pub(crate) fn report(session: &mut Session, report: Report) {
    let actions = session.react(&Event::Report(report), Instant::now());
    assert_eq!(actions, []);
}
