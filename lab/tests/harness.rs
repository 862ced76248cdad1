// SPDX-License-Identifier: MIT OR Apache-2.0
//! The harness survives what student's modules do, and reports it as it is. The modules are
//! fixtures in C, built for real and inserted into a real kernel.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use lab::{
    Error,
    peer::request,
    scene::{Outcome, Scenario, Scene},
    testing::{carry_out, workshop},
    transcript::{Finding, Status},
};

/// Carry out a scenario that is not to pass, and return its status and finding.
fn what_comes_of(id: &'static str, run: fn(&mut Scene<'_>) -> Outcome) -> (Status, Finding) {
    let scenario = Scenario {
        id,
        title: "a fixture",
        run,
    };
    let ended = carry_out(&scenario).unwrap_or_else(|error| panic!("{error}"));
    let record = ended.transcript.normalised();
    println!("{record}");
    let finding = ended
        .transcript
        .verdicts()
        .find_map(|verdict| verdict.got.clone());
    (
        ended.transcript.status(),
        finding.unwrap_or_else(|| panic!("no finding:\n{record}")),
    )
}

fn insert_fixture(scene: &mut Scene<'_>, name: &str) -> Outcome {
    scene
        .try_insert_fixture(name, "")?
        .map_err(|refusal| lab::scene::Halt::Fail {
            expected: format!("{name} is inserted"),
            got: refusal.to_string(),
        })
}

/// The next scenario must find a machine that works.
fn assert_a_machine_works() {
    let scenario = Scenario {
        id: "harness/after",
        title: "a module goes in and out",
        run: |scene| {
            scene.step("in and out", "works", |scene| {
                scene.insert("nl_pubsub", "")?;
                scene.remove("nl_pubsub")
            })
        },
    };
    let ended = carry_out(&scenario).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        ended.transcript.status(),
        Status::Pass,
        "{}",
        ended.transcript.normalised()
    );
    assert!(ended.healthy);
}

#[test]
fn a_panic_on_insert_is_a_crash_with_its_message() {
    let (status, finding) = what_comes_of("harness/panic", |scene| {
        scene.step("insert", "works", |scene| {
            insert_fixture(scene, "bad_panic")
        })
    });
    assert_eq!(status, Status::Crash);
    assert_eq!(
        finding.got,
        "Kernel panic - not syncing: bad_panic was inserted, in bad_panic_init [bad_panic]"
    );
    let console = fs::read_to_string(finding.console.expect("the console is kept")).unwrap();
    assert!(console.contains("bad_panic was inserted"));
    assert_a_machine_works();
}

#[test]
fn a_module_that_never_returns_is_a_timeout_that_names_the_step() {
    let (status, finding) = what_comes_of("harness/loop", |scene| {
        scene.step("insert", "works", |scene| insert_fixture(scene, "bad_loop"))
    });
    assert_eq!(status, Status::Timeout);
    assert!(
        finding
            .got
            .starts_with("insmod bad_loop.ko did not return within"),
        "{}",
        finding.got
    );
    assert!(finding.console.is_some_and(|file| file.exists()));
    assert_a_machine_works();
}

#[test]
fn an_oops_in_the_input_path_is_a_crash_that_names_the_function() {
    let (status, finding) = what_comes_of("harness/oops", |scene| {
        let peer = scene.step("insert and connect", "works", |scene| {
            insert_fixture(scene, "bad_input")?;
            scene.peer("A", 0)
        })?;
        scene.step("send a message", "is answered", |scene| {
            scene.ask(&peer, request(0x10, b"p")).map(drop)
        })
    });
    assert_eq!(status, Status::Crash);
    assert!(
        finding
            .got
            .starts_with("BUG: kernel NULL pointer dereference"),
        "{}",
        finding.got
    );
    assert!(
        finding.got.ends_with("in bad_input_rcv [bad_input]"),
        "{}",
        finding.got
    );
    assert!(
        finding
            .excerpt
            .is_some_and(|excerpt| excerpt.starts_with("BUG: "))
    );
    assert_a_machine_works();
}

#[test]
fn a_module_that_is_refused_fails_with_its_errno_and_its_words() {
    let scenario = Scenario {
        id: "harness/refused",
        title: "a parameter out of range",
        run: |scene| {
            scene.step("insert", "works", |scene| {
                scene.insert("nl_pubsub", "protocol=99")
            })
        },
    };
    let ended = carry_out(&scenario).unwrap_or_else(|error| panic!("{error}"));
    insta::assert_snapshot!(ended.transcript.normalised(), @r"
    1. insert
       expected: works
       host             insmod nl_pubsub.ko protocol=99
       kernel         | nl_pubsub: protocol 99: expected 0..31
       host             finit_module: EINVAL: Invalid argument
       FAIL
         expected: nl_pubsub is inserted
         got:      finit_module: EINVAL: Invalid argument
    ");
    assert!(ended.healthy, "a refusal does no harm to the machine");
}

#[test]
fn a_module_that_does_not_compile_is_told_with_file_and_line() {
    let error = workshop()
        .unwrap_or_else(|error| panic!("{error}"))
        .fixture("bad_syntax");
    let Err(Error::Compile { what, output }) = error else {
        panic!("expected the compiler's words, found {error:?}");
    };
    assert_eq!(what, "bad_syntax.ko");
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/bad_syntax/bad_syntax.c");
    assert!(
        output.contains(&format!("{}:11:", place.display())),
        "{output}"
    );
}

/// Whether a process is there and runs QEMU; one that has ended and was not waited for has no
/// command line.
fn is_machine(pid: u32) -> bool {
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&command).contains("qemu-system")
}

/// QEMU processes whose parent is the process `lab`.
fn machines_of(lab: u32) -> Vec<u32> {
    let parent = format!("PPid:\t{lab}\n");
    let pids = fs::read_dir("/proc").unwrap().flatten();
    pids.filter_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let status = fs::read_to_string(entry.path().join("status")).ok()?;
        (status.contains(&parent) && is_machine(pid)).then_some(pid)
    })
    .collect()
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what} in vain");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

#[test]
fn no_machine_outlives_a_lab_that_is_killed() {
    // The demonstration needs what this builds.
    workshop().unwrap_or_else(|error| panic!("{error}"));
    for signal in ["INT", "TERM", "KILL"] {
        // Who runs the tests in the background has SIGINT ignored, and so would the lab.
        let mut lab = Command::new("env")
            .args([
                "--default-signal=INT",
                env!("CARGO_BIN_EXE_lab"),
                "demo",
                "part2",
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let pid = lab.id();
        let mut machines = Vec::new();
        wait_until("waited for QEMU to start", || {
            machines = machines_of(pid);
            !machines.is_empty()
        });
        let killed = Command::new("/bin/kill")
            .args([&format!("-{signal}"), &pid.to_string()])
            .status();
        assert!(killed.is_ok_and(|status| status.success()));
        assert!(!lab.wait().unwrap().success());
        wait_until("waited for QEMU to go", || {
            !machines.iter().any(|machine| is_machine(*machine))
        });
    }
}
