// SPDX-License-Identifier: MIT OR Apache-2.0
//! The message slot without memory: clauses W5 and R5.

use lab_agent::{Call, CallResult};
use lab_scene::{
    LooksAt, Outcome, Program, Scenario, Scene,
    actor::{returned, shown},
    fail, judge_read,
    slot_peer::SlotFile,
};
use nix::{errno::Errno, libc};
use protocol::slot::{CHANNEL, MESSAGE_MAX};

use super::{
    finish::finish,
    inject::{Attempt, Fault, NONE, Sites, call, confine_to_modules, each},
};

const MODULE: &str = "message_slot";

pub(super) const WRITES: Scenario = Scenario {
    id: "message-slot/W5-no-memory",
    title: "a failed allocation is an errno, and every message stays",
    looks_at: LooksAt::Module(&[]),
    run,
};

fn run(scene: &mut Scene<'_>) -> Outcome {
    scene.watch_leaks()?;
    scene.insert(MODULE, "")?;
    let actor = scene.actor("actor", 0)?;
    confine_to_modules(scene)?;
    let file = scene.step(
        "open a slot, choose a channel",
        "no allocation is needed",
        |scene| {
            let path = scene.make_slot(0, 0o600)?;
            let open = Call::Open {
                path,
                flags: libc::O_RDWR,
            };
            each(scene, "open", NONE, |scene, fault| {
                let (hit, observed) = call(scene, &actor, &open, fault)?;
                let fd =
                    returned(&observed).map_err(|errno| fail("open works", shown(Err(errno))))?;
                scene.value(&actor, &Call::Close { fd: fd as i32 })?;
                Ok(Attempt {
                    hit,
                    said: "opened".into(),
                })
            })?;
            let fd = scene.value(&actor, &open)? as i32;
            let file = SlotFile {
                program: actor.clone(),
                fd,
                edition: scene.slot_edition(),
            };
            each(scene, "ioctl", NONE, |scene, fault| {
                let (hit, observed) = call(scene, &actor, &file.choose(1), fault)?;
                let said = shown(returned(&observed));
                Ok(Attempt { hit, said })
            })?;
            let unknown = Call::Ioctl {
                fd,
                command: CHANNEL + 1,
                argument: 1,
            };
            each(scene, "another ioctl", NONE, |scene, fault| {
                let (hit, observed) = call(scene, &actor, &unknown, fault)?;
                let said = shown(returned(&observed));
                Ok(Attempt { hit, said })
            })?;
            Ok(file)
        },
    )?;
    scene.step(
        "write to empty channels",
        "an errno and an empty channel, or the message",
        |scene| {
            // Each on a slot of its own, because a failed attempt may leave tree nodes that later
            // attempts use.
            let mut minor = 0;
            // The message and its bytes, at least one node of the xarray.
            let sites = Sites {
                allocations: 2,
                copies: 1,
            };
            each(scene, "write", sites, |scene, fault| {
                minor += 1;
                let file = open_quietly(scene, &actor, minor)?;
                let channel = scene.rng.u32(0x8000_0000..);
                scene.value(&actor, &file.choose(channel.into()))?;
                let message = message(scene);
                let met = write(scene, &file, None, &message, fault)?;
                scene.value(&actor, &Call::Close { fd: file.fd })?;
                Ok(met)
            })
        },
    )?;
    scene.step(
        "overwrite a message",
        "an errno and the old message, or the new message",
        |scene| {
            let mut held = message(scene);
            scene.value(&actor, &file.write(&held))?;
            let sites = Sites {
                allocations: 1,
                copies: 1,
            };
            each(scene, "overwrite", sites, |scene, fault| {
                let new = message(scene);
                let met = write(scene, &file, Some(&held), &new, fault)?;
                if met.said == DONE {
                    held = new;
                }
                Ok(met)
            })?;
            let sites = Sites {
                allocations: 0,
                copies: 1,
            };
            each(scene, "read", sites, |scene, fault| {
                let (hit, observed) = call(scene, &actor, &file.read(MESSAGE_MAX), fault)?;
                let said = match returned(&observed) {
                    Err(errno) if hit => refused(errno, &[Errno::EFAULT])?,
                    _ => {
                        judge_read(&observed, &held).1?;
                        DONE.to_owned()
                    }
                };
                expect_held(scene, &file, Some(&held))?;
                Ok(Attempt { hit, said })
            })
        },
    )?;
    scene.step("close the file", "no allocation is needed", |scene| {
        each(scene, "close", NONE, |scene, fault| {
            let file = open_quietly(scene, &actor, 0)?;
            let (hit, observed) = call(scene, &actor, &Call::Close { fd: file.fd }, fault)?;
            let said = shown(returned(&observed));
            Ok(Attempt { hit, said })
        })?;
        scene.close_slot(&file)
    })?;
    finish(scene, MODULE)
}

/// The result of a successful attempt.
const DONE: &str = "done";

/// Write with a fault, and check the channel: all or nothing. The module must report success if it
/// has all its memory.
fn write(
    scene: &mut Scene<'_>,
    file: &SlotFile,
    held: Option<&[u8]>,
    new: &[u8],
    fault: Fault,
) -> Outcome<Attempt> {
    let (hit, observed) = call(scene, &file.program, &file.write(new), fault)?;
    let said = match returned(&observed) {
        Ok(len) if len == new.len() as i64 => DONE.to_owned(),
        Err(errno) if hit => refused(errno, &[Errno::ENOMEM, Errno::EFAULT])?,
        other => return Err(fail(format!("{} or an errno", new.len()), shown(other))),
    };
    let after = if said == DONE { Some(new) } else { held };
    expect_held(scene, file, after)?;
    Ok(Attempt { hit, said })
}

/// The name of an errno from this list.
fn refused(errno: Errno, allowed: &[Errno]) -> Outcome<String> {
    if allowed.contains(&errno) {
        return Ok(shown(Err(errno)));
    }
    Err(fail(format!("one of {allowed:?}"), shown(Err(errno))))
}

/// As [`Scene::expect_held`], without a note.
fn expect_held(scene: &mut Scene<'_>, file: &SlotFile, held: Option<&[u8]>) -> Outcome {
    let observed: CallResult = scene.call(&file.program, &file.read(MESSAGE_MAX + 8))?;
    match held {
        Some(message) => judge_read(&observed, message).1,
        None if returned(&observed) == Err(Errno::EWOULDBLOCK) => Ok(()),
        None => Err(fail("the channel is empty", shown(returned(&observed)))),
    }
}

fn open_quietly(scene: &mut Scene<'_>, actor: &Program, minor: u32) -> Outcome<SlotFile> {
    let path = format!("/dev/slot{minor}");
    let op = lab_agent::Op::MakeDevice {
        path: path.clone(),
        major: protocol::slot::MAJOR,
        minor,
        mode: 0o600,
    };
    scene
        .machine
        .order("making a device node", op)?
        .map_err(|refusal| fail("a node", refusal.to_string()))?;
    let open = Call::Open {
        path,
        flags: libc::O_RDWR,
    };
    let fd = scene.value(actor, &open)? as i32;
    let program = actor.clone();
    let edition = scene.slot_edition();
    Ok(SlotFile {
        program,
        fd,
        edition,
    })
}

/// A message that differs from those of all other attempts.
fn message(scene: &mut Scene<'_>) -> Vec<u8> {
    let len = scene.rng.usize(1..=MESSAGE_MAX);
    (0..len).map(|_| scene.rng.u8(..)).collect()
}
