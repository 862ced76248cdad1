// SPDX-License-Identifier: MIT OR Apache-2.0
//! Random calls on message slots, by several processes at once.

use lab_agent::{Answer, BufferMemory, Call, CallResult, Op};
use lab_scene::{
    LooksAt, Outcome, Scenario, Scene, actor::returned, expect_eq, fail, slot_peer::SlotFile,
};
use nix::{errno::Errno, libc};
use protocol::slot::{CHANNEL, MAJOR, MESSAGE_MAX};

use super::size::{ACTORS, BATCHES, CALLS};

const MODULE: &str = "message_slot";

/// Only a few channels, so that processes meet in them.
const MINORS: u32 = 2;

/// Files that each process has open.
const FILES: usize = 2;

pub(super) const RANDOM: Scenario = Scenario {
    id: "soak/random-message-slot",
    title: "three processes make random calls on two slots",
    looks_at: LooksAt::Module(&[]),
    run,
};

fn run(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(MODULE, "")?;
    for minor in 0..MINORS {
        let op = Op::MakeDevice {
            path: path(minor),
            major: MAJOR,
            minor,
            mode: 0o666,
        };
        let made = scene.machine.order("making a device node", op)?;
        made.map_err(|refusal| fail("a node can be made", refusal.to_string()))?;
    }
    let mut processes = Vec::new();
    for uid in [0, 1000, 1001].into_iter().cycle().take(ACTORS) {
        let program = scene.actor(&format!("user {uid}"), uid)?;
        let mut files = Vec::new();
        for _ in 0..FILES {
            let minor = scene.rng.u32(0..MINORS);
            let fd = scene.value(&program, &open(minor))? as i32;
            let program = program.clone();
            let edition = scene.slot_edition();
            files.push(SlotFile {
                program,
                fd,
                edition,
            });
        }
        processes.push((program, files));
    }
    scene.step(
        "random calls, concurrently",
        "each call returns an allowed result, and whole messages",
        |scene| {
            for _ in 0..BATCHES {
                let mut orders = Vec::new();
                for (program, files) in &processes {
                    let calls: Vec<_> = (0..CALLS)
                        .map(|_| any_call(&mut scene.rng, files))
                        .collect();
                    let order = Call::Batch {
                        rounds: 1,
                        persist: true,
                        calls,
                    };
                    scene.begin_call(program, &order)?;
                    orders.push((program, order));
                }
                for (program, order) in &orders {
                    let observed = scene.finish_call(program, order)?;
                    judge(order, observed)?;
                }
            }
            Ok(())
        },
    )?;
    scene.step("close all, remove the module", "it is removed", |scene| {
        for (program, files) in &processes {
            for file in files {
                scene.value(program, &Call::Close { fd: file.fd })?;
            }
        }
        scene.remove(MODULE)
    })
}

fn path(minor: u32) -> String {
    format!("/dev/slot{minor}")
}

fn open(minor: u32) -> Call {
    Call::Open {
        path: path(minor),
        flags: libc::O_RDWR,
    }
}

fn any_call(rng: &mut fastrand::Rng, files: &[SlotFile]) -> Call {
    let file = &files[rng.usize(..files.len())];
    let memory = match rng.u8(..8) {
        0 => BufferMemory::Unmapped,
        1 => BufferMemory::ReadOnly,
        2 => BufferMemory::Crossing {
            mapped: rng.usize(..MESSAGE_MAX),
        },
        _ => BufferMemory::Ordinary,
    };
    let len = rng.usize(..=MESSAGE_MAX + 8);
    match rng.u8(..10) {
        0 => file.choose(0),
        1 => Call::Ioctl {
            fd: file.fd,
            command: CHANNEL + rng.u32(1..4),
            argument: rng.u64(..),
        },
        2 | 3 => file.choose(rng.u64(1..4)),
        4..=6 => {
            // One repeated byte, so that a mixture of two messages is visible.
            let data = vec![rng.u8(..); len];
            file.write_from(memory, &data)
        }
        _ => file.read_into(memory, len),
    }
}

/// Every call must have returned an allowed result.
fn judge(order: &Call, observed: CallResult) -> Outcome {
    let (Call::Batch { calls, .. }, Ok(Answer::Batch { outcomes, .. })) = (order, observed) else {
        return Err(fail("a batch", "something else"));
    };
    expect_eq("calls that were made", outcomes.len(), calls.len())?;
    for (call, observed) in calls.iter().zip(outcomes) {
        let result = returned(&observed);
        let allowed = match (call, result) {
            (
                Call::Ioctl {
                    command, argument, ..
                },
                Ok(0),
            ) => *command == CHANNEL && *argument != 0,
            (
                Call::Ioctl {
                    command, argument, ..
                },
                Err(Errno::EINVAL),
            ) => *command != CHANNEL || *argument == 0,
            (Call::WriteFile { data, .. }, Ok(len)) => {
                (1..=MESSAGE_MAX).contains(&data.0.len()) && len == data.0.len() as i64
            }
            (Call::WriteFile { data, .. }, Err(Errno::EMSGSIZE)) => {
                !(1..=MESSAGE_MAX).contains(&data.0.len())
            }
            (Call::WriteFile { memory, .. }, Err(Errno::EFAULT))
            | (Call::ReadFile { memory, .. }, Err(Errno::EFAULT)) => {
                *memory != BufferMemory::Ordinary
            }
            (Call::WriteFile { .. }, Err(Errno::EINVAL)) => true,
            (Call::ReadFile { len, .. }, Ok(read)) => {
                read >= 1 && read <= *len as i64 && is_whole(&observed, read)
            }
            (Call::ReadFile { len, .. }, Err(Errno::ENOSPC)) => *len < MESSAGE_MAX,
            (Call::ReadFile { .. }, Err(Errno::EINVAL | Errno::EWOULDBLOCK)) => true,
            _ => false,
        };
        if !allowed {
            let expected = format!("allowed results of {call:?}");
            return Err(fail(expected, format!("{observed:?}")));
        }
    }
    Ok(())
}

/// Whether the message that was read is one repeated byte.
fn is_whole(observed: &CallResult, read: i64) -> bool {
    let Ok(Answer::Filled { buffer, .. }) = observed else {
        return false;
    };
    let message = buffer.0.get(..usize::try_from(read).unwrap_or_default());
    message.is_some_and(|message| message.iter().all(|byte| *byte == message[0]))
}
