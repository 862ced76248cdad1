// SPDX-License-Identifier: MIT OR Apache-2.0
//! The message slot: clauses D1-D8, I1-I4, W1-W5, R1-R6, S1-S2 and P1-P2.

mod buffers;
mod channels;
mod device;
mod memory;
mod orders;
mod programs;
mod reading;
mod sharing;
pub(crate) mod step;
mod writing;

use lab_agent::{BufferMemory, Call, CallResult};
use lab_scene::{Outcome, Scene, actor::complete, slot_peer::SlotFile};
use nix::errno::Errno;
use protocol::slot::MESSAGE_MAX;

const MODULE: &str = "message_slot";

/// An ordinary user of the guest.
const STUDENT: u32 = 1000;

/// Permission bits of a node that all users may use.
const FOR_ALL: u32 = 0o666;

/// Switches on the module's debug messages.
const TALKATIVE: &str = "dyndbg=+p";

/// Insert the module and carry out `act` with a file of root, then with one of an ordinary user.
/// Each has a slot of its own.
fn as_each_user(
    scene: &mut Scene<'_>,
    act: fn(&mut Scene<'_>, &SlotFile, &str) -> Outcome,
) -> Outcome {
    scene.insert(MODULE, "")?;
    for (name, uid) in [("root", 0), ("student", STUDENT)] {
        // Two ranges, so that they are never the same slot. D1 checks that there are 256.
        let range = if scene.counts("D1") { 128 } else { 64 };
        let minor = scene.rng.u32(0..range) + if uid == 0 { 0 } else { range };
        let path = scene.make_slot(minor, FOR_ALL)?;
        let actor = scene.actor(name, uid)?;
        let file = scene.open_slot(&actor, &path)?;
        act(scene, &file, &path)?;
    }
    Ok(())
}

/// Make all of these calls, whatever their results, as one order. Single orders would take a round
/// trip each.
fn all_of(scene: &mut Scene<'_>, file: &SlotFile, calls: Vec<Call>) -> Outcome<Vec<CallResult>> {
    let batch = Call::Batch {
        rounds: 1,
        persist: true,
        calls,
    };
    complete(1, scene.call(&file.program, &batch)?)
}

/// A channel id of any size. For a submission, only I4 checks ids from 2^20 on.
fn any_channel(scene: &mut Scene<'_>) -> u32 {
    let id = scene.rng.u32(1..);
    if scene.contract_only() {
        return (id % (1 << 20)) | 1;
    }
    id
}

/// The length of a long message. W1 checks the longest.
const LONG: usize = 120;

/// Random bytes. For a submission, only W1 checks NULs.
fn any_message(scene: &mut Scene<'_>, len: usize) -> Vec<u8> {
    let least = u8::from(scene.contract_only());
    (0..len).map(|_| scene.rng.u8(..).max(least)).collect()
}

/// Every errno, one by one.
fn errnos(scene: &mut Scene<'_>, path: &str) -> Outcome {
    let actor = scene.actor("student", STUDENT)?;
    let file = scene.step("open the slot as an ordinary user", "works", |scene| {
        scene.open_slot(&actor, path)
    })?;
    let mut refused = |title: &str, errno: Errno, calls: &[(&str, lab_agent::Call)]| {
        let expected = lab_scene::actor::shown(Err(errno));
        scene.step(title, &expected, |scene| {
            calls
                .iter()
                .try_for_each(|(what, call)| scene.expect_refusal(&file, what, call, errno))
        })
    };
    refused(
        "read and write before a channel is chosen",
        Errno::EINVAL,
        &[("reads", file.read(10)), ("writes x", file.write(b"x"))],
    )?;
    let unknown = file.ioctl(file.edition.command + 1, 5);
    refused(
        "channel 0, and an unknown command",
        Errno::EINVAL,
        &[
            ("chooses channel 0", file.choose(0)),
            ("makes another ioctl", unknown),
        ],
    )?;
    scene.step("choose channel 5", "0", |scene| scene.choose(&file, 5))?;
    let mut refused = |title: &str, errno: Errno, what: &str, call: &lab_agent::Call| {
        let expected = lab_scene::actor::shown(Err(errno));
        scene.step(title, &expected, |scene| {
            scene.expect_refusal(&file, what, call, errno)
        })
    };
    refused(
        "read into a buffer that is too short",
        Errno::ENOSPC,
        "reads into 2 bytes",
        &file.read(2),
    )?;
    refused(
        "read into a buffer that cannot be written",
        Errno::EFAULT,
        "reads into a read-only page",
        &file.read_into(BufferMemory::ReadOnly, MESSAGE_MAX),
    )?;
    refused(
        "write nothing",
        Errno::EMSGSIZE,
        "writes 0 bytes",
        &file.write(b""),
    )?;
    refused(
        "write more than 128 bytes",
        Errno::EMSGSIZE,
        "writes 129 bytes",
        &file.write(&[b'x'; MESSAGE_MAX + 1]),
    )?;
    refused(
        "write from a buffer whose second half is not mapped",
        Errno::EFAULT,
        "writes 100 bytes, of which 50 are mapped",
        &file.write_from(BufferMemory::Crossing { mapped: 50 }, &[b'x'; 100]),
    )?;
    scene.step("close the slot", "works", |scene| scene.close_slot(&file))
}
