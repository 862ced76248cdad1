// SPDX-License-Identifier: MIT OR Apache-2.0
//! A call that does not return is told with the function of the module that it is in, and with the
//! line of its source.

use lab_scene::{
    LooksAt, Outcome, Scenario, Scene, perform,
    test_machines::workshop,
    transcript::{Failure, Status},
};

/// Insert the fixture, which does this in its init function.
fn insert(scene: &mut Scene<'_>, how: &str) -> Outcome {
    let params = format!("how={how}");
    scene.try_insert_fixture("bad_kernel", &params).map(drop)
}

/// The failure of a scenario on a machine that loses its patience before the kernel's watchdogs.
fn failure(id: &'static str, run: fn(&mut Scene<'_>) -> Outcome) -> Failure {
    let scenario = Scenario {
        id,
        title: "a module that does not return",
        looks_at: LooksAt::Module(&[]),
        run,
    };
    let workshop = workshop().unwrap_or_else(|error| panic!("{error}"));
    let mut machine = workshop.machine().unwrap_or_else(|error| panic!("{error}"));
    machine.slowness = 1.0;
    let ended = perform(&scenario, workshop, &mut machine, 1, &mut |_| ());
    let text = ended.transcript.normalised();
    let verdict = ended.transcript.verdicts().last().unwrap().clone();
    assert_eq!(verdict.status, Status::Timeout, "{text}");
    verdict.got.unwrap()
}

#[test]
fn a_call_that_waits_in_a_module_is_told_with_its_function() {
    let failure = failure("stuck/wait", |scene| insert(scene, "wait"));
    let place = "\nthe call waits, and cannot be killed, in bad_wait [bad_kernel], \
                 lab/fixtures/bad_kernel/time.c:";
    assert!(failure.got.contains(place), "{}", failure.got);
    // No address, no offset.
    assert!(!failure.got.contains("0x"), "{}", failure.got);
}

#[test]
fn a_loop_in_a_module_is_told_with_its_function() {
    let failure = failure("stuck/loop", |scene| insert(scene, "loop"));
    let place = "bad_loop [bad_kernel], lab/fixtures/bad_kernel/time.c:";
    assert!(failure.got.contains(place), "{}", failure.got);
}

#[test]
fn a_program_that_sleeps_is_told_with_its_function() {
    let scenario = Scenario {
        id: "stuck/program",
        title: "a program that does not end",
        looks_at: LooksAt::Programs,
        run: |scene| {
            let program = scene.shell(0, "echo not found >&2; exec sleep 100000")?;
            scene.expect_any_end(&program)
        },
    };
    let workshop = workshop().unwrap_or_else(|error| panic!("{error}"));
    let mut machine = workshop.machine().unwrap_or_else(|error| panic!("{error}"));
    machine.slowness = 1.0;
    let ended = perform(&scenario, workshop, &mut machine, 1, &mut |_| ());
    let verdict = ended.transcript.verdicts().last().unwrap().clone();
    let got = verdict.got.unwrap().got;
    let begin = "it still runs after 10 s\nshell sleeps in ";
    assert!(got.starts_with(begin), "{got}");
    let end = "nanosleep(), outside of the modules\nshell wrote to stderr: not found";
    assert!(got.ends_with(end), "{got}");
}
