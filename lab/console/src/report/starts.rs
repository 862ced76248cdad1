// SPDX-License-Identifier: MIT OR Apache-2.0
//! Logs in which a kernel starts more than once.

use super::{
    tests::{OOPS, class_of},
    *,
};

const START: &str =
    "[    0.000000] Linux version 6.1.0 (gcc) #1 SMP\n[    5.000000] nl_bad: ready\n";

#[test]
fn a_second_start_that_nothing_explains_is_a_reboot() {
    for again in ["SeaBIOS (version 1.16.2)\n", START] {
        let report = first_report(&format!("{START}{again}[    6.000000] more\n")).unwrap();
        assert_eq!(report.class, Class::Reboot, "{again}");
        assert!(
            report.excerpt.contains("nl_bad: ready"),
            "{}",
            report.excerpt
        );
    }
    // What explains it comes first.
    assert_eq!(
        class_of(&format!("{START}{OOPS}{START}")),
        Some(Class::NullDereference)
    );
    // A report says more than a start, whichever of them comes first.
    let found = first_report(&format!("{START}{START}{OOPS}"));
    assert_eq!(found, first_report(OOPS));
}

/// A log on disk has many starts. What a kernel says when it ends is not in it, mostly.
#[test]
fn only_a_console_has_a_start_that_is_not_expected() {
    let stamp = regex::Regex::new(r"(?m)^\[ *\d+\.\d{6}\] ").unwrap();
    let twice = format!("{START}{START}");
    for front in [
        "Nov 29 21:29:32 lab kernel: ",
        "Nov 29 21:29:32 lab kernel: [    0.123456] ",
        "[    0.123456] lab kernel: ",
        "[Sun Nov 29 21:29:32 2026] ",
        "6,0,0,-;",
    ] {
        let log = stamp.replace_all(&twice, front);
        assert_eq!(first_report(&log), None, "{log}");
        let log = stamp
            .replace_all(&format!("{twice}{OOPS}"), front)
            .into_owned();
        assert_eq!(first_report(&log), first_report(OOPS), "{log}");
    }
}

#[test]
fn one_start_or_one_that_was_asked_for_is_no_reboot() {
    assert_eq!(
        first_report(&format!("SeaBIOS (version 1.16.2)\n{START}")),
        None
    );
    let asked = "[    9.000000] reboot: Restarting system\n";
    for said in [
        "reboot: Restarting system",
        "reboot: Power down",
        "sysrq: Resetting",
    ] {
        let asked = format!("[    9.000000] {said}\n");
        let console = format!("{START}{asked}SeaBIOS (version 1.16.2)\n{START}");
        assert_eq!(first_report(&console), None, "{said}");
    }
    // Asked for once, and not a second time.
    assert_eq!(
        class_of(&format!("{START}{asked}{START}{START}")),
        Some(Class::Reboot)
    );
    // A user who asks for the version.
    assert_eq!(
        first_report(&format!("{START}Linux version 6.1.0 (gcc) #1 SMP\n")),
        None
    );
}
