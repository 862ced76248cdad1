// SPDX-License-Identifier: MIT OR Apache-2.0
//! Recording what kernels say: a machine for each way, and what its console has in the end.
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

/// How patient the kernel is made with those that never come back: the watchdogs complain after a
/// few seconds then. Per way: what to write where; a file that a kernel does not have is left.
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

/// What `how=` is for ways that are told apart by the settings only.
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

/// Wait until the machine has ended, or has reported something and says no more.
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
        // What is younger than five seconds is not looked at.
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

/// The lines from shortly before the report to what follows it; all of a clean boot.
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
            // In a restored machine kmemleak does not see this one: probably the pointer stays
            // on a kernel stack that each order's thread takes over from the last.
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
                println!("{name}: this kernel does not notice");
                continue;
            }
        }
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/consoles");
        fs::write(directory.join(name), trimmed(&console)).unwrap();
    }
}
