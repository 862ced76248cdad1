// SPDX-License-Identifier: MIT OR Apache-2.0
//! The ioctl and the channel ids that it accepts: clauses I1-I4.

use std::collections::BTreeSet;

use lab_agent::Call;
use lab_scene::{
    Detail, LooksAt, Outcome, Scenario, Scene,
    actor::returned,
    expect_eq, fail,
    slot_peer::{Held, SlotFile},
    transcript::LineKind,
};
use nix::errno::Errno;

use super::{FOR_ALL, MODULE, STUDENT, any_channel, any_message, as_each_user};

pub(super) const CHOSEN: Scenario = Scenario {
    id: "message-slot/I1-chosen",
    title: "the ioctl takes the channel by value and returns 0",
    looks_at: LooksAt::Module(&[Detail::IoctlZero]),
    run: |scene| {
        as_each_user(scene, |scene, file, _| {
            let ids = [(); 3].map(|()| any_channel(scene));
            let messages = ids.map(|_| any_message(scene, 9));
            scene.step(
                "choose one channel after the other and write",
                "0 each time, and the last choice counts",
                |scene| {
                    for (&id, message) in ids.iter().zip(&messages) {
                        scene.choose(file, id)?;
                        scene.put(file, message)?;
                    }
                    scene.expect_message(file, &messages[2])?;
                    scene.choose(file, ids[0])?;
                    scene.choose(file, ids[0])?;
                    scene.expect_message(file, &messages[0])
                },
            )?;
            scene.step(
                "choose a channel with other bits in the upper half of the argument",
                "the same channel: an id has 32 bits",
                |scene| {
                    let argument = u64::from(ids[1]) | 7 << 32;
                    let chosen = scene.call(&file.program, &file.choose(argument))?;
                    expect_eq("ioctl succeeds", returned(&chosen).is_ok(), true)?;
                    scene.expect_message(file, &messages[1])
                },
            )
        })
    },
};

pub(super) const UNKNOWN: Scenario = Scenario {
    id: "message-slot/I2-unknown",
    title: "another command is EINVAL, and the channel stays",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        as_each_user(scene, |scene, file, _| {
            // Another number, size, direction and type; none that the VFS handles itself.
            let known = file.edition.command;
            let commands = [
                known + 1,
                known ^ 12 << 16,
                known ^ 1 << 30,
                known ^ 3 << 30,
                known ^ 1 << 8,
            ];
            let calls =
                commands.map(|command| (format!("ioctl {command:#x}"), file.ioctl(command, 3)));
            keeps_channel(scene, file, &calls)
        })
    },
};

pub(super) const ZERO: Scenario = Scenario {
    id: "message-slot/I3-zero",
    title: "channel 0 is EINVAL, and the channel stays",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        as_each_user(scene, |scene, file, _| {
            let zero = ("chooses channel 0".to_owned(), file.choose(0));
            keeps_channel(scene, file, &[zero])
        })
    },
};

/// Expect that each of these ioctls is refused with `EINVAL`, and that the chosen channel does not
/// change.
fn keeps_channel(scene: &mut Scene<'_>, file: &SlotFile, ioctls: &[(String, Call)]) -> Outcome {
    scene.step(
        "before a channel is chosen",
        "EINVAL, and still no channel is chosen",
        |scene| {
            scene.expect_refusals(file, ioctls, Errno::EINVAL, Held::NoChannel)?;
            if !scene.counts("W2") {
                return Ok(());
            }
            let write = file.write(b"x");
            scene.expect_refusal(file, "writes x", &write, Errno::EINVAL)
        },
    )?;
    scene.step("afterwards", "EINVAL, and it stays chosen", |scene| {
        let id = any_channel(scene);
        let message = any_message(scene, 5);
        scene.choose(file, id)?;
        scene.put(file, &message)?;
        let held = Held::Message(&message);
        scene.expect_refusals(file, ioctls, Errno::EINVAL, held)
    })
}

/// Ids around each power of two at which a number may be truncated, or change its sign. Ids that
/// differ by more than 2^31 come first. A tree that compares the sign of an int difference loses
/// some of them when it is balanced.
const EDGES: [u32; 23] = [
    0x5,
    0x8000_0010,
    0xffff_ffff,
    0xffff_fffe,
    0xffff_0001,
    0x8010_0001,
    0x8000_0001,
    0x8000_0000,
    0x7fff_ffff,
    0x100_0001,
    0x100_0000,
    0xff_ffff,
    0x10_0001,
    0x10_0000,
    0xf_ffff,
    0x1_0001,
    0x1_0000,
    0xffff,
    0x101,
    0x100,
    0xff,
    2,
    1,
];

pub(super) const IDS: Scenario = Scenario {
    id: "message-slot/I4-ids",
    title: "any id from 1 to 2^32-1 is a channel of its own",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        as_each_user(scene, |scene, file, _| {
            let messages =
                EDGES.map(|id| [format!("{id:x}").as_bytes(), &any_message(scene, 4)].concat());
            scene.step(
                "write to 23 channels, all different in few bits",
                "each was empty",
                |scene| {
                    for (&id, message) in EDGES.iter().zip(&messages) {
                        scene.choose(file, id)?;
                        scene.expect_empty(file)?;
                        scene.put(file, message)?;
                    }
                    Ok(())
                },
            )?;
            scene.step("read them all", "each has its own message", |scene| {
                for (&id, message) in EDGES.iter().zip(&messages) {
                    scene.choose(file, id)?;
                    scene.expect_message(file, message)?;
                }
                Ok(())
            })
        })
    },
};

/// Number of channels. The contract allows 2^20 of them. They take minutes under emulation, and
/// days in a list, which the contract also allows.
const AT_ONCE: usize = 10_000;

/// How long channels are written to, in milliseconds. A limit of 2^16 channels is reached in this
/// time; a list, which is slow and allowed, ends with it.
const FILL_MS: u64 = 4000;

/// Channels in one batch, which must end before the deadline.
const AT_A_TIME: usize = 5000;

pub(super) const MANY: Scenario = Scenario {
    id: "message-slot/I4-many",
    title: "10000 channels at once, and more in another slot, as time allows",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        scene.insert(MODULE, "")?;
        let path = scene.make_slot(43, FOR_ALL)?;
        let actor = scene.actor("student", STUDENT)?;
        let file = scene.open_slot(&actor, &path)?;
        // Half of them in a row across 2^20, half at random.
        let mut ids: BTreeSet<u32> = (0..AT_ONCE as u32 / 2)
            .map(|at| (1 << 20) - 2500 + at)
            .collect();
        while ids.len() < AT_ONCE {
            // Among all ids, even where a submission is spared large ones.
            ids.insert(scene.rng.u32(1..));
        }
        let mut ids: Vec<u32> = ids.into_iter().collect();
        scene.rng.shuffle(&mut ids);
        let message = |id: u32| format!("{:08x}", id.wrapping_mul(0x9e37_79b1));
        scene.step("write to 10000 channels", "8 bytes each time", |scene| {
            for ids in ids.chunks(AT_A_TIME) {
                let calls = ids
                    .iter()
                    .flat_map(|&id| [file.choose(id.into()), file.write(message(id).as_bytes())])
                    .collect();
                let outcomes = scene.batch(&actor, 1, calls)?;
                for write in outcomes.iter().skip(1).step_by(2) {
                    expect_eq("write returns", returned(write), Ok(8))?;
                }
            }
            scene.note("student", LineKind::Does, "writes to 10000 channels");
            Ok(())
        })?;
        scene.step("read them all", "each has its own message", |scene| {
            for ids in ids.chunks(AT_A_TIME) {
                let calls = ids
                    .iter()
                    .flat_map(|&id| [file.choose(id.into()), file.read(16)])
                    .collect();
                let outcomes = scene.batch(&actor, 1, calls)?;
                for (&id, pair) in ids.iter().zip(outcomes.chunks(2)) {
                    let (said, judged) = scene.judge_held(&pair[1], Some(message(id).as_bytes()));
                    if judged.is_err() {
                        scene.note("student", LineKind::Does, format!("channel {id}: {said}"));
                    }
                    judged?;
                }
            }
            scene.note("student", LineKind::Does, "reads 10000 channels");
            Ok(())
        })?;
        scene.step(
            "write to more channels of another slot, until there are 2^20 or the time is over",
            "no channel is refused",
            |scene| {
                let path = scene.make_slot(44, FOR_ALL)?;
                let file = scene.open_slot(&actor, &path)?;
                let fill = Call::FillChannels {
                    fd: file.fd,
                    command: file.edition.command,
                    by_pointer: file.edition.by_pointer,
                    first: 1,
                    count: 1 << 20,
                    limit_ms: FILL_MS,
                };
                match scene.call(&actor, &fill)? {
                    Ok(_) => Ok(()),
                    Err(refusal) => Err(fail(
                        "a slot holds 2^20 channels",
                        format!("a channel before that is refused: {refusal}"),
                    )),
                }
            },
        )
    },
};
