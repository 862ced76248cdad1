// SPDX-License-Identifier: MIT OR Apache-2.0
//! Records the consoles of kernel reports: for each way, it starts a machine and saves its console.
//!
//! ```text
//! KERNEL=debug cargo run -p lab --example record_consoles -- loop wait
//! ```
//!
//! The ways are those of the module `bad_kernel`, and `clean` for a boot. It writes
//! lab/tests/consoles, which the test `consoles` reads.

#![expect(clippy::unwrap_used, reason = "carried out by hand, and read")]

use std::{env, fs, path::Path, time::Duration};

use lab_agent::Op;
use lab_console::first_report;
use lab_machine::{Machine, Trouble};
use lab_scene::test_machines::workshop;

/// Settings for ways that never return: the watchdogs then complain after a few seconds. Per way:
/// values and their files. A file that a kernel does not have is skipped.
const SETTINGS: &[(&str, &str, &str)] = &[
    (
        "rcu-stall",
        "/sys/module/rcupdate/parameters/rcu_cpu_stall_timeout",
        "3",
    ),
    ("soft-lockup", "/proc/sys/kernel/watchdog_thresh", "4"),
    ("hung-task", "/proc/sys/kernel/hung_task_timeout_secs", "5"),
    (
        "memory-leak",
        "/sys/module/kmemleak/parameters/verbose",
        "1",
    ),
];

/// The value of `how=` for ways that differ only in these settings.
fn how(way: &str) -> &str {
    match way {
        "rcu-stall" | "soft-lockup" => "loop",
        "hung-task" => "wait",
        way => way,
    }
}

fn write(machine: &mut Machine, path: &str, text: &str) -> Result<bool, Trouble> {
    let op = Op::Control {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    Ok(machine.order(&format!("writing {path}"), op)?.is_ok())
}

/// Wait until the machine has ended, or until it prints no more after a report.
fn until_all_is_said(machine: &Machine) {
    let mut said = 0;
    for _ in 0..25 {
        let more = machine.wait(Duration::from_secs(2), |observed| {
            let new = observed.console.len() > said;
            said = observed.console.len();
            new.then_some(())
        });
        match more {
            Err(_) => return,
            Ok(None) if first_report(&machine.console()).is_some() => return,
            Ok(_) => {}
        }
    }
}

fn provoke(machine: &mut Machine, way: &str) -> Result<(), Trouble> {
    for (_, path, value) in SETTINGS.iter().filter(|(name, ..)| *name == way) {
        write(machine, path, value)?;
    }
    let path = machine.put(&workshop().unwrap().fixture("bad_kernel").unwrap())?;
    let params = format!("how={}", how(way));
    let outcome = machine.order("inserting bad_kernel", Op::Insert { path, params })?;
    println!("{way}: {outcome:?}");
    if way == "memory-leak" {
        // kmemleak does not scan objects younger than five seconds.
        for _ in 0..20 {
            if first_report(&machine.console()).is_some()
                || !write(machine, "/sys/kernel/debug/kmemleak", "scan")?
            {
                break;
            }
        }
    }
    Ok(())
}

/// The lines from shortly before the report to shortly after it; for a clean boot, all.
fn trimmed(console: &str) -> String {
    let Some(report) = first_report(console) else {
        return console.replace('\r', "");
    };
    let lines: Vec<_> = console.lines().collect();
    let start = lines.iter().position(|line| line.contains(&report.title));
    let start = start.unwrap_or(0).saturating_sub(5);
    let end = lines.len().min(start + 100);
    lines[start..end].join("\n").replace('\r', "") + "\n"
}

fn main() {
    let workshop = workshop().unwrap_or_else(|error| panic!("{error}"));
    for way in env::args().skip(1) {
        let machine = match way.as_str() {
            // From the first line on.
            "clean" => workshop.boot(),
            // In a restored machine kmemleak does not see this leak. Probably a kernel stack still
            // has the pointer, and the threads of later orders reuse this stack.
            "memory-leak" => workshop.boot(),
            _ => workshop.machine(),
        };
        let mut machine = machine.unwrap_or_else(|error| panic!("{error}"));
        if way != "clean" {
            let outcome = provoke(&mut machine, &way);
            println!("{way}: {outcome:?}");
            until_all_is_said(&machine);
        }
        let console = machine.console();
        let name = format!("{}-{way}.log", workshop.kernel.which);
        match first_report(&console) {
            Some(report) => println!(
                "{name}: {}",
                report.headline(workshop.source_of(&report).as_ref())
            ),
            None if way == "clean" => println!("{name}: clean"),
            None => {
                println!("{name}: this kernel reports nothing");
                continue;
            }
        }
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/consoles");
        fs::write(directory.join(name), trimmed(&console)).unwrap();
    }
}
