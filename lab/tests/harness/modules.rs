// SPDX-License-Identifier: MIT OR Apache-2.0
//! The harness survives wrong modules, and reports them correctly. The modules are fixtures in C,
//! inserted into a real kernel.

use std::{
    fs,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use lab_base::{Error, environment::command};
use lab_build::modules::Strictness;
use lab_console::{Class, first_report};
use lab_scene::{
    LooksAt, Outcome, Scenario, Scene,
    peer::request,
    test_machines::{carry_out, workshop},
    transcript::{Failure, Status},
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// Carry out a scenario that must not pass, and return its status and failure.
fn what_comes_of(id: &'static str, run: fn(&mut Scene<'_>) -> Outcome) -> (Status, Failure) {
    let scenario = Scenario {
        id,
        title: "a fixture",
        looks_at: LooksAt::Module(&[]),
        run,
    };
    let ended = carry_out(&scenario).unwrap_or_else(|error| panic!("{error}"));
    let record = ended.transcript.normalised();
    println!("{record}");
    let failure = ended
        .transcript
        .verdicts()
        .find_map(|verdict| verdict.got.clone());
    (
        ended.transcript.status(),
        failure.unwrap_or_else(|| panic!("no failure:\n{record}")),
    )
}

/// Insert `bad_kernel` with one mistake.
fn insert_bad(scene: &mut Scene<'_>, how: &str) -> Outcome {
    scene
        .try_insert_fixture("bad_kernel", &format!("how={how}"))?
        .map_err(|refusal| lab_scene::Halt::Fail {
            expected: format!("bad_kernel how={how} is inserted"),
            got: refusal.to_string(),
        })
}

/// The position of a fixture's statement, as reports name it.
fn place_of(file: &str, statement: &str) -> String {
    let file = format!("fixtures/bad_kernel/{file}");
    let text = Path::new(env!("CARGO_MANIFEST_DIR")).join(&file);
    let text = fs::read_to_string(text).unwrap();
    let mut lines = text
        .lines()
        .zip(1..)
        .filter(|(line, _)| line.contains(statement));
    let (_, number) = lines.next().unwrap();
    assert_eq!(lines.next(), None, "{statement} occurs twice");
    format!("lab/{file}:{number}")
}

/// The next scenario must get a working machine.
fn assert_a_machine_works() {
    let scenario = Scenario {
        id: "harness/after",
        title: "a module goes in and out",
        looks_at: LooksAt::Module(&[]),
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
    let (status, failure) = what_comes_of("harness/panic", |scene| {
        scene.step("insert", "works", |scene| insert_bad(scene, "panic"))
    });
    assert_eq!(status, Status::Crash);
    assert_eq!(
        failure.got,
        format!(
            "panic: Kernel panic - not syncing: bad_kernel was inserted, in bad_panic \
             [bad_kernel], {}",
            place_of("time.c", "panic(\"bad_kernel was inserted\")")
        )
    );
    assert_eq!(failure.class, Some(Class::Panic));
    let console = fs::read_to_string(failure.console.expect("the console is kept")).unwrap();
    assert!(console.contains("bad_kernel was inserted"));
    assert_a_machine_works();
}

#[test]
fn a_module_that_never_returns_is_a_timeout_that_names_the_step() {
    let (status, failure) = what_comes_of("harness/loop", |scene| {
        scene.step("insert", "works", |scene| insert_bad(scene, "loop"))
    });
    assert_eq!(status, Status::Timeout);
    assert!(
        failure
            .got
            .starts_with("insmod bad_kernel.ko how=loop did not return within"),
        "{}",
        failure.got
    );
    assert!(failure.console.is_some_and(|file| file.exists()));
    assert_a_machine_works();
}

#[test]
fn an_oops_in_the_input_path_is_a_crash_that_names_the_function() {
    let (status, failure) = what_comes_of("harness/oops", |scene| {
        let peer = scene.step("insert and connect", "works", |scene| {
            insert_bad(scene, "null-dereference-on-input")?;
            scene.peer("A", 0)
        })?;
        scene.step("send a message", "is answered", |scene| {
            scene.ask(&peer, request(0x10, b"p")).map(drop)
        })
    });
    assert_eq!(status, Status::Crash);
    // With KASAN, the title differs.
    assert!(
        failure.got.starts_with("null-dereference: "),
        "{}",
        failure.got
    );
    let place = place_of("memory.c", "WRITE_ONCE(answer->len, skb->len)");
    assert!(
        failure
            .got
            .ends_with(&format!(", in bad_input [bad_kernel], {place}")),
        "{}",
        failure.got
    );
    assert_eq!(failure.class, Some(Class::NullDereference));
    assert!(
        failure
            .excerpt
            .is_some_and(|excerpt| excerpt.contains("bad_input+0x"))
    );
    assert_a_machine_works();
}

#[test]
fn a_machine_that_ends_without_a_word_is_a_crash() {
    let (status, failure) = what_comes_of("harness/reboot", |scene| {
        scene.step("insert", "works", |scene| insert_bad(scene, "reboot"))
    });
    assert_eq!(status, Status::Crash);
    assert!(
        failure
            .got
            .starts_with("unexpected-reboot: the machine ended without a report"),
        "{}",
        failure.got
    );
    assert_eq!(failure.class, Some(Class::Reboot));
}

/// The kernel names one of its own headers, which has the inlined function.
#[test]
fn the_line_of_a_report_is_one_of_the_module() {
    let (status, failure) = what_comes_of("harness/bug", |scene| {
        scene.step("insert", "works", |scene| insert_bad(scene, "bug"))
    });
    assert_eq!(status, Status::Crash);
    let expected = "bug: kernel BUG at include/linux/skbuff.h:";
    assert!(failure.got.starts_with(expected), "{}", failure.got);
    let place = place_of("memory.c", "__skb_pull(skb, 0)");
    assert!(
        failure
            .got
            .ends_with(&format!(", in bad_bug [bad_kernel], {place}")),
        "{}",
        failure.got
    );
}

/// No ordinary line of a kernel may look like a crash.
#[test]
fn a_clean_boot_has_no_report() {
    let machine = workshop()
        .and_then(|workshop| workshop.boot())
        .unwrap_or_else(|error| panic!("{error}"));
    let console = machine.console();
    assert!(console.contains("] Linux version "), "{console}");
    assert_eq!(first_report(&console), None);
}

#[test]
fn a_module_that_is_refused_fails_with_its_errno_and_its_words() {
    let scenario = Scenario {
        id: "harness/refused",
        title: "a parameter out of range",
        looks_at: LooksAt::Module(&[]),
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

/// Whether a process exists and runs QEMU. A zombie has no command line.
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
    let deadline = Instant::now() + Duration::from_secs(600);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}, but in vain");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

#[test]
fn no_machine_outlives_a_lab_that_is_killed() {
    // The demonstration needs these files. Building them inside the test would delay the machine
    // for minutes.
    workshop()
        .and_then(|workshop| workshop.all_modules(Strictness::Normal))
        .unwrap_or_else(|error| panic!("{error}"));
    for (signal, start) in [
        (Signal::SIGINT, "warm"),
        (Signal::SIGTERM, "warm"),
        (Signal::SIGKILL, "warm"),
        (Signal::SIGKILL, "cold"),
    ] {
        // A test in the background has SIGINT ignored, and the lab would inherit this.
        let mut lab = command("env")
            .args([
                "--default-signal=INT",
                env!("CARGO_BIN_EXE_lab"),
                "demo",
                "part2",
            ])
            .env("MACHINE", start)
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
        kill(Pid::from_raw(pid as i32), signal).unwrap();
        assert!(!lab.wait().unwrap().success());
        wait_until("waited for QEMU to go", || {
            !machines.iter().any(|machine| is_machine(*machine))
        });
    }
}
