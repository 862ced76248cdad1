// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the guest keeps from code under test (`lab/agent/src/protect.rs`).

use std::fs;

use lab_agent::{Exit, Op, Stdin, Stream};
use lab_machine::{Machine, PATIENCE};
use lab_scene::{test_machines::workshop, workshop::Start};

/// Runs as root from the directory of programs under test. Prints what it could do.
const SCRIPT: &str = "#!/bin/sh
for setting in panic_on_warn panic_on_oops tainted printk usermodehelper/bset; do
	{ echo 0 > /proc/sys/kernel/$setting; } 2>/dev/null && echo wrote $setting
	umount /proc/sys/kernel/$setting 2>/dev/null && echo unmounted $setting
done
agent=$(pidof lab-agent | tr ' ' '\\n' | sort -n | head -n 1)
{ cat /proc/$agent/mem; } 2>&1 | grep -q 'Permission denied' || echo opened the memory of the agent
for descriptor in /proc/$agent/fd/*; do
	(: < $descriptor) 2>/dev/null && echo opened a descriptor of the agent
done
mknod /lab/memory c 1 1
(: < /lab/memory) 2>/dev/null && echo opened the memory of the machine
rmmod virtio_console 2>&1 | grep -q 'Operation not permitted' || echo asked for a module to be removed
echo done
";

#[test]
fn a_program_under_test_cannot_change_what_the_lab_sees() {
    for start in [Start::Warm, Start::Cold] {
        let mut workshop = workshop().unwrap_or_else(|error| panic!("{error}")).clone();
        workshop.start = start;
        let mut machine = workshop.machine().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(said_by(&mut machine), "done\n", "{start:?}");
        // Nor can the agent itself, and nothing that it starts.
        for (setting, expected) in [("panic_on_warn", "1\n"), ("usermodehelper/bset", "0\t0\n")] {
            let path = format!("/proc/sys/kernel/{setting}");
            let text = "0".to_owned();
            let write = Op::Control {
                path: path.clone(),
                text,
            };
            let refused = machine.order("writing", write).unwrap().unwrap_err();
            assert_eq!(refused.errno, nix::libc::EROFS, "{setting}");
            let read = machine.order("reading", Op::Read { path }).unwrap();
            let Ok(lab_agent::Answer::Data(found)) = read else {
                panic!("{setting}: {read:?}");
            };
            assert_eq!(String::from_utf8_lossy(&found.0), expected, "{setting}");
        }
    }
}

fn said_by(machine: &mut Machine) -> String {
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("probe");
    fs::write(&script, SCRIPT).unwrap();
    let path = machine.put(&script).unwrap();
    let (process, started) = machine.spawn(vec![path], 0, Stdin::Closed).unwrap();
    started.unwrap();
    let limit = machine.scaled(PATIENCE);
    let ended = machine
        .wait(limit, |observed| observed.processes.get(&process)?.exit)
        .unwrap();
    assert_eq!(ended, Some(Exit::Status(0)));
    machine.look(|observed| {
        let output = observed.processes[&process].output.get(&Stream::Stdout);
        String::from_utf8_lossy(output.map_or(&[], Vec::as_slice)).into_owned()
    })
}
