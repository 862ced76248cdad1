// SPDX-License-Identifier: MIT OR Apache-2.0
//! One report of the debug kernel that several checks met: it costs one check, and the others count
//! as the lab kernel has judged them.

use lab_console::Class;
use lab_grade::{
    compilers::Compilers,
    outcome::CheckOutcome,
    report::{MachineInfo, Report},
    rubric::Rubric,
};
use lab_scene::transcript::Status;

/// Checks that write, in the order of the rubric.
const CHECKS: [&str; 4] = ["I1-chosen", "W1-replaces", "W5-intact", "R1-exact"];

fn empty() -> Report {
    let mut rubric = Rubric::builtin().unwrap();
    rubric.keep(|_, check| {
        let name = check.id.strip_prefix("message-slot/");
        name.is_some_and(|name| CHECKS.contains(&name))
    });
    let machine = MachineInfo {
        accelerator: "emulation",
        cpu: "".into(),
        start: "warm",
        compilers: Compilers::default(),
    };
    Report::new("submission", 1, "debug 6.12", machine, &rubric)
}

fn crash(place: &str) -> CheckOutcome {
    let mut outcome = CheckOutcome::new(Status::Crash, "the kernel lives", place);
    outcome.class = Some(Class::OutOfBounds);
    outcome
}

fn with(status: Status) -> CheckOutcome {
    CheckOutcome::new(status, "", "")
}

/// The statuses after all checks have met a report at one of these places, and the lab kernel has
/// judged each.
fn charged(met: [(&str, Status); 4]) -> (Vec<Status>, Report) {
    let mut report = empty();
    let ids: Vec<String> = report.checks().map(|check| check.id.clone()).collect();
    assert_eq!(ids.len(), CHECKS.len());
    for (id, (place, again)) in ids.iter().zip(met) {
        report.judged_again(id, &crash(place), with(again));
        report.record(id, crash(place));
    }
    report.charge_once("lab 6.12");
    let statuses = report.checks().map(|check| check.outcome.status).collect();
    (statuses, report)
}

#[test]
fn the_first_check_is_charged_if_the_lab_kernel_sees_nothing() {
    use Status::{Crash, Pass};
    let (statuses, report) = charged([("write", Pass); 4]);
    assert_eq!(statuses, [Crash, Pass, Pass, Pass]);
    let remark = report.remarks[0].text.to_string();
    assert!(
        remark.starts_with("3 more checks met this report: write."),
        "{remark}"
    );
    assert!(remark.ends_with("as lab 6.12 has judged them"), "{remark}");
}

#[test]
fn a_check_that_fails_on_the_lab_kernel_is_charged_before_others() {
    use Status::{Crash, Fail, Pass};
    let (statuses, _) = charged([
        ("write", Pass),
        ("write", Pass),
        ("write", Fail),
        ("write", Fail),
    ]);
    assert_eq!(statuses, [Pass, Pass, Crash, Fail]);
}

#[test]
fn reports_at_two_places_are_charged_once_each() {
    use Status::{Crash, Pass};
    let met = [
        ("write", Pass),
        ("read", Pass),
        ("write", Pass),
        ("read", Pass),
    ];
    let (statuses, report) = charged(met);
    assert_eq!(statuses, [Crash, Crash, Pass, Pass]);
    assert_eq!(report.remarks.len(), 2);
}

#[test]
fn a_report_that_one_check_met_is_told_as_before() {
    use Status::{Crash, Pass};
    let met = [("a", Pass), ("b", Pass), ("c", Pass), ("d", Pass)];
    let (statuses, report) = charged(met);
    assert_eq!(statuses, [Crash; 4]);
    assert!(report.remarks.is_empty());
}

/// The children of a check that passes on the lab kernel are carried out.
#[test]
fn a_check_is_not_blocked_by_a_parent_that_the_lab_kernel_lets_pass() {
    let mut rubric = Rubric::builtin().unwrap();
    let child = rubric
        .checks()
        .find(|check| check.parent.is_some())
        .unwrap()
        .clone();
    let parent = child.parent.unwrap();
    rubric.keep(|_, check| check.id == child.id || check.id == parent);
    let machine = empty().machine;
    let mut report = Report::new("submission", 1, "debug 6.12", machine, &rubric);
    report.record(&parent, crash("write"));
    assert!(report.blocked(&child.id).is_some());
    report.judged_again(&parent, &crash("write"), with(Status::Fail));
    assert!(report.blocked(&child.id).is_some());
    report.judged_again(&parent, &crash("write"), with(Status::Pass));
    assert!(report.blocked(&child.id).is_none());
}
