// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tests the recogniser of crashes with real consoles: `consoles/KERNEL-WAY.log` is the console of
//! a kernel into which `bad_kernel` was inserted with `how=WAY`. The example `record_consoles`
//! records them again.
//!
//! The lines are unedited. Lines long before and long after the report are left out.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use lab_base::environment::command;
use lab_console::{Class, KernelReport, first_report, is_aside, lasting};
use regex::Regex;

/// Ways of `bad_kernel`, and the class of each report.
const WAYS: &[(&str, Class)] = &[
    ("slab-out-of-bounds", Class::OutOfBounds),
    ("global-out-of-bounds", Class::OutOfBounds),
    ("vmalloc-out-of-bounds", Class::OutOfBounds),
    ("use-after-free", Class::UseAfterFree),
    ("double-free", Class::InvalidFree),
    ("invalid-free", Class::InvalidFree),
    ("null-dereference", Class::NullDereference),
    ("null-call", Class::NullDereference),
    ("page-fault", Class::PageFault),
    ("general-protection", Class::GeneralProtection),
    ("list-corruption", Class::ListCorruption),
    ("refcount", Class::Refcount),
    ("skb-overrun", Class::SkbOverrun),
    ("bug", Class::Bug),
    ("user-copy", Class::UserCopy),
    ("slab-corruption", Class::SlabCorruption),
    ("memory-leak", Class::MemoryLeak),
    ("array-index", Class::Ubsan),
    ("shift", Class::Ubsan),
    ("buffer-overflow", Class::OutOfBounds),
    ("stack-smash", Class::StackCorruption),
    ("stack-overflow", Class::StackOverflow),
    ("circular-locking", Class::CircularLocking),
    ("recursive-locking", Class::RecursiveLocking),
    ("inconsistent-lock", Class::InconsistentLock),
    ("irq-lock-order", Class::InconsistentLock),
    ("unlock", Class::LockMisuse),
    ("uninitialised-lock", Class::LockMisuse),
    ("free-of-held-lock", Class::LockMisuse),
    ("rcu-usage", Class::RcuUsage),
    ("sleep-in-atomic", Class::SleepInAtomic),
    ("schedule-in-atomic", Class::SleepInAtomic),
    ("rcu-stall", Class::RcuStall),
    ("soft-lockup", Class::SoftLockup),
    ("hung-task", Class::HungTask),
    ("division", Class::DivideError),
    ("warning", Class::Warning),
    ("panic", Class::Panic),
    ("reboot", Class::Reboot),
];

/// Further recordings without a crash: a whole boot; programs that die of a segfault and a
/// division; a program that prints "BUG: "; a requested restart.
pub(crate) const HARMLESS: [&str; 2] = ["clean", "asked-reboot"];

/// The function that the report of a way must name.
fn function(way: &str) -> Option<String> {
    let name = match way {
        "stack-overflow" => "bad_recurse".to_owned(),
        "circular-locking" => "bad_other_then_mutex".to_owned(),
        "rcu-stall" | "soft-lockup" => "bad_loop".to_owned(),
        "hung-task" => "bad_wait".to_owned(),
        "reboot" => return None,
        way => format!("bad_{}", way.replace('-', "_")),
    };
    Some(format!("{name} [bad_kernel]"))
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/consoles")
}

/// All recorded consoles, by kernel and way.
pub(crate) fn recorded() -> BTreeMap<(String, String), String> {
    let files = fs::read_dir(directory()).unwrap();
    let paths = files.map(|entry| entry.unwrap().path());
    let logs = paths.filter(|path| path.is_file()).map(|path| {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let (kernel, way) = name.split_once('-').unwrap();
        let console = fs::read(&path).unwrap();
        let console = String::from_utf8_lossy(&console).into_owned();
        ((kernel.to_owned(), way.to_owned()), console)
    });
    logs.collect()
}

pub(crate) fn expected(way: &str) -> (Class, Option<String>) {
    let found = WAYS.iter().find(|(name, _)| *name == way);
    let (_, class) = found.unwrap_or_else(|| panic!("{way} has no expectation"));
    (*class, function(way))
}

pub(crate) fn found(report: &KernelReport) -> (Class, Option<String>) {
    (report.class, report.place.as_ref().map(ToString::to_string))
}

#[test]
fn every_recorded_crash_has_its_class_and_its_function() {
    for ((kernel, way), console) in recorded() {
        let report = first_report(&console);
        if HARMLESS.contains(&way.as_str()) {
            assert_eq!(report, None, "{kernel}-{way}");
            continue;
        }
        let report = report.unwrap_or_else(|| panic!("{kernel}-{way}: no report"));
        assert_eq!(
            found(&report),
            expected(&way),
            "{kernel}-{way}\n{}",
            report.excerpt
        );
    }
}

#[test]
fn every_way_and_a_clean_boot_of_every_kernel_is_recorded() {
    let recorded = recorded();
    for kernel in ["stock", "lab", "debug"] {
        let clean = recorded.get(&(kernel.to_owned(), "clean".to_owned()));
        let clean = clean.unwrap_or_else(|| panic!("no clean boot of {kernel}"));
        assert!(
            clean.contains("] Linux version 6."),
            "a whole boot of {kernel}"
        );
    }
    for (way, _) in WAYS {
        assert!(
            recorded.keys().any(|(_, name)| name == way),
            "{way} was never recorded"
        );
    }
}

/// KASAN's own memory access faults first, at a meaningless address.
#[test]
fn of_a_fault_in_kasan_the_title_is_the_address_that_was_meant() {
    for (way, title) in [
        (
            "null-dereference",
            "KASAN: null-ptr-deref in range [0x0000000000000068-",
        ),
        (
            "general-protection",
            "KASAN: maybe wild-memory-access in range [0xdead000000000100-",
        ),
    ] {
        let console = &recorded()[&("debug".to_owned(), way.to_owned())];
        let found = first_report(console).unwrap().title;
        assert!(found.starts_with(title), "{found}");
    }
}

#[test]
fn of_every_recorded_crash_what_and_where_lasts_and_nothing_of_that_time() {
    let passing = Regex::new(
        r"\bff[0-9a-f]{14}\b|\b(?:CPU|PID|pid|task)[:=# ]+\d|order-\d[/:]\d|(?m)^R[A-DS]X: ",
    )
    .unwrap();
    for ((kernel, way), console) in recorded() {
        let Some(report) = first_report(&console) else {
            continue;
        };
        let (title, words) = (lasting(&report.title), lasting(&report.excerpt));
        assert!(
            words.contains(&title) || way == "reboot",
            "{kernel}-{way}: {words}"
        );
        let passing = passing.find(&words).map(|found| found.as_str());
        assert_eq!(passing, None, "{kernel}-{way}: {words}");
        if let Some(place) = report.place
            && report.excerpt.contains(&place.symbol)
        {
            assert!(words.contains(&place.symbol), "{kernel}-{way}: {words}");
        }
    }
}

#[test]
fn what_kernels_have_said_by_themselves_is_known_and_nothing_else_is() {
    let stamp = Regex::new(r"^\[ *\d+\.\d+\](\[ *[TC]\d+\])? ").unwrap();
    let own = Regex::new(
        r"^(clocksource|hrtimer|random|sched|sched_clock): |^tsc: (Marking|Refined)|^\*\* \d+ ",
    )
    .unwrap();
    let mut known = 0;
    for console in recorded().values() {
        for line in console.lines() {
            let text = stamp.replace(line, "");
            assert_eq!(is_aside(&text), own.is_match(&text), "{line}");
            known += usize::from(is_aside(&text));
        }
    }
    assert!(known > 20, "{known}");
}

/// Exit status, stdout and stderr of `lab console`.
fn lab_console(file: &Path) -> (Option<i32>, String, String) {
    let output = command(env!("CARGO_BIN_EXE_lab"))
        .arg("console")
        .arg(file)
        .env_remove("KERNEL")
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn lab_console_says_what_a_log_has_to_report() {
    let (status, said, _) = lab_console(&directory().join("debug-use-after-free.log"));
    assert_eq!(status, Some(1));
    let title = "use-after-free: BUG: KASAN: slab-use-after-free in bad_use_after_free+0x";
    assert!(said.starts_with(title), "{said}");
    assert!(said.contains(Class::UseAfterFree.meaning()), "{said}");
    let (status, said, _) = lab_console(&directory().join("stock-clean.log"));
    assert_eq!(
        (status, said.as_str()),
        (Some(0), "clean: the kernel does not complain\n")
    );
}

/// Not read: what is no log of a kernel. The message is one sentence that names the file.
#[test]
fn lab_console_refuses_what_is_no_log_and_reads_one_that_is_garbled() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("console.log");
    let (status, said, error) = lab_console(&file);
    assert_eq!((status, said.as_str()), (Some(2), ""), "no such file");
    assert!(error.contains("console.log"), "{error}");
    assert_eq!(lab_console(directory.path()).0, Some(2), "a directory");
    for (contents, expected) in [
        (&b""[..], "is empty"),
        (b"\r\n \n", "is empty"),
        (b"\x7fELF\x02\x01\x01\x00\x00", "is a binary file"),
        (
            b"# Lab\n\nBUG: and Oops: are words.\n",
            "is not the log of a kernel",
        ),
        (b"BUG: says a program\n", "is not the log of a kernel"),
        (b"#include <linux/module.h>\n", "is not the log of a kernel"),
        (
            b"Nov 29 21:29:32 lab sshd[77]: BUG: no\n",
            "is not the log of a kernel",
        ),
        (
            b"2026-11-29 21:29:32 ERROR no file\n",
            "is not the log of a kernel",
        ),
    ] {
        fs::write(&file, contents).unwrap();
        let (status, said, error) = lab_console(&file);
        assert_eq!(
            (status, said.as_str()),
            (Some(2), ""),
            "{}",
            contents.escape_ascii()
        );
        assert!(
            error.contains(expected) && error.contains("console.log"),
            "{error}"
        );
        assert_eq!(error.trim_end().lines().count(), 1, "{error}");
    }
    for (contents, status) in [
        (&b"[    1.000000] caf\xe9 \xff\n"[..], 0),
        (
            b"caf\xe9 \xff\n[    1.000000] Kernel panic - not syncing: \xff\n",
            1,
        ),
        (b"[    1.000000] Kernel panic - not syncing: x\n\0\0\0\0", 1),
    ] {
        fs::write(&file, contents).unwrap();
        assert_eq!(
            lab_console(&file).0,
            Some(status),
            "{}",
            contents.escape_ascii()
        );
    }
}
