// SPDX-License-Identifier: MIT OR Apache-2.0
//! read(2): clauses R1-R6.

use lab_agent::{BufferMemory, Call, Exit};
use lab_scene::{
    Detail, LooksAt, Outcome, Scenario, Scene,
    actor::returned,
    slot_peer::{Held, SlotFile},
};
use nix::{errno::Errno, libc, sys::signal::Signal};
use protocol::slot::MESSAGE_MAX;

use super::{FOR_ALL, LONG, MODULE, STUDENT, any_channel, any_message, as_each_user};

/// Reads into buffers of this length, and their names.
fn into_rooms(file: &SlotFile, rooms: &[usize]) -> Vec<(String, Call)> {
    let read = |&room: &usize| (format!("reads into {room} bytes"), file.read(room));
    rooms.iter().map(read).collect()
}

pub(super) const EXACT: Scenario = Scenario {
    id: "message-slot/R1-exact",
    title: "the whole message, its exact length, and no byte after it",
    looks_at: LooksAt::Module(&[Detail::RestOfBuffer]),
    run: |scene| {
        as_each_user(scene, |scene, file, _| {
            let id = any_channel(scene);
            scene.choose(file, id)?;
            scene.step(
                "buffers as long as the message, and longer",
                "the length of the message; the rest of the buffer is unchanged",
                |scene| {
                    for len in [1, 2, 100, LONG - 1, LONG] {
                        let message = any_message(scene, len);
                        scene.put(file, &message)?;
                        for room in [len, len + 1, 129, 4096, 65_536] {
                            let memory = BufferMemory::Ordinary;
                            scene.expect_message_in(file, memory, room, &message)?;
                        }
                    }
                    Ok(())
                },
            )?;
            scene.step(
                "a buffer whose memory ends with the message",
                "success: the memory after it is not needed",
                |scene| {
                    for len in [1, 77, LONG] {
                        let message = any_message(scene, len);
                        scene.put(file, &message)?;
                        let memory = BufferMemory::Crossing { mapped: len };
                        scene.expect_message_in(file, memory, 200, &message)?;
                    }
                    Ok(())
                },
            )
        })
    },
};

pub(super) const NO_CHANNEL: Scenario = Scenario {
    id: "message-slot/R2-no-channel",
    title: "reading before a channel is chosen is EINVAL",
    looks_at: LooksAt::Module(&[Detail::NoChannelErrno]),
    run: |scene| {
        as_each_user(scene, |scene, file, path| {
            scene.step("read from a new file", "EINVAL", |scene| {
                let reads = into_rooms(file, &[1, MESSAGE_MAX]);
                scene.expect_refusals(file, &reads, Errno::EINVAL, Held::NoChannel)
            })?;
            // D6 checks channels that other files choose or have chosen.
            if !scene.counts("D6") {
                return Ok(());
            }
            scene.step(
                "the same while channel 1 has a message",
                "EINVAL until a channel is chosen",
                |scene| {
                    let other = scene.open_slot(&file.program, path)?;
                    scene.choose(&other, 1)?;
                    scene.put(&other, b"x")?;
                    scene.expect_held(file, Held::NoChannel)?;
                    scene.choose(file, 1)?;
                    scene.expect_message(file, b"x")
                },
            )
        })
    },
};

pub(super) const EMPTY: Scenario = Scenario {
    id: "message-slot/R3-empty",
    title: "reading an unwritten channel is EWOULDBLOCK",
    looks_at: LooksAt::Module(&[Detail::EmptyErrno]),
    run: |scene| {
        as_each_user(scene, |scene, file, _| {
            let id = any_channel(scene);
            scene.step("an empty slot", "EWOULDBLOCK", |scene| {
                scene.choose(file, id)?;
                scene.expect_empty(file)
            })?;
            scene.step(
                "the neighbours of a channel with a message",
                "EWOULDBLOCK",
                |scene| {
                    scene.choose(file, 1000)?;
                    scene.put(file, b"x")?;
                    for neighbour in [999, 1001, 1] {
                        scene.choose(file, neighbour)?;
                        scene.expect_empty(file)?;
                    }
                    Ok(())
                },
            )
        })
    },
};

/// Bytes of a message that follows a long one.
const SHORTER: usize = 10;

pub(super) const SHORT: Scenario = Scenario {
    id: "message-slot/R4-short",
    title: "a buffer shorter than the message is ENOSPC",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        as_each_user(scene, |scene, file, _| {
            let id = any_channel(scene);
            scene.choose(file, id)?;
            for (len, rooms) in [(1, &[0][..]), (LONG, &[LONG - 1, 64, 1, 0])] {
                scene.step(
                    &format!("too little room for {len} bytes"),
                    "ENOSPC, and the message stays",
                    |scene| {
                        let message = any_message(scene, len);
                        scene.put(file, &message)?;
                        let reads = into_rooms(file, rooms);
                        let held = Held::Message(&message);
                        scene.expect_refusals(file, &reads, Errno::ENOSPC, held)
                    },
                )?;
            }
            scene.step(
                "a shorter message, and a buffer of its length",
                "success: the length of the previous message does not count",
                |scene| {
                    let message = any_message(scene, SHORTER);
                    scene.put(file, &message)?;
                    let whole = scene.call(&file.program, &file.read(MESSAGE_MAX))?;
                    if scene.contract_only() && returned(&whole) != Ok(SHORTER as i64) {
                        // W1 checks that its length is the new one.
                        return Ok(());
                    }
                    scene.expect_message_in(file, BufferMemory::Ordinary, SHORTER, &message)
                },
            )
        })
    },
};

pub(super) const UNWRITABLE: Scenario = Scenario {
    id: "message-slot/R5-unwritable",
    title: "a buffer that cannot be written is EFAULT, and the message stays",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        as_each_user(scene, |scene, file, _| {
            let id = any_channel(scene);
            let message = any_message(scene, 100);
            scene.choose(file, id)?;
            scene.put(file, &message)?;
            let buffers = [
                ("unmapped memory", BufferMemory::Unmapped),
                ("a PROT_NONE page", BufferMemory::NoAccess),
                ("a read-only page", BufferMemory::ReadOnly),
                (
                    "memory that ends after 1 byte",
                    BufferMemory::Crossing { mapped: 1 },
                ),
                (
                    "memory that ends one byte early",
                    BufferMemory::Crossing { mapped: 99 },
                ),
            ];
            let reads = buffers.map(|(what, memory)| {
                let read = file.read_into(memory, MESSAGE_MAX);
                (format!("reads into {what}"), read)
            });
            scene.step(
                "read into bad buffers",
                "EFAULT; into a good one, the message",
                |scene| {
                    let held = Held::Message(&message);
                    scene.expect_refusals(file, &reads, Errno::EFAULT, held)
                },
            )
        })
    },
};

pub(super) const OUTLIVES: Scenario = Scenario {
    id: "message-slot/R6-outlives",
    title: "a message outlives its writer, until an overwrite or rmmod",
    looks_at: LooksAt::Module(&[]),
    run: outlives,
};

fn outlives(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(MODULE, "")?;
    let path = scene.make_slot(99, FOR_ALL)?;
    let [first, second] = [(); 2].map(|()| any_message(scene, 16));
    let writer = scene.step(
        "write, read three times, close the file",
        "the same message each time",
        |scene| {
            let writer = scene.actor("writer", STUDENT)?;
            let file = scene.open_slot(&writer, &path)?;
            scene.choose(&file, 1)?;
            scene.put(&file, &first)?;
            for _ in 0..3 {
                scene.expect_message(&file, &first)?;
            }
            scene.close_slot(&file)?;
            Ok(writer)
        },
    )?;
    scene.step(
        "open again, write to another channel, kill -9",
        "no file is open any more",
        |scene| {
            let file = scene.open_slot(&writer, &path)?;
            scene.choose(&file, 2)?;
            scene.put(&file, &second)?;
            scene.signal(&writer, Signal::SIGKILL)?;
            scene.expect_exit(&writer, Exit::Signal(9))
        },
    )?;
    scene.step(
        "open it as a shell's > does, with O_TRUNC",
        "the message is not truncated",
        |scene| {
            let shell = scene.actor("shell", 0)?;
            let file = scene.open_with(&shell, &path, libc::O_WRONLY | libc::O_TRUNC)?;
            scene.value(&shell, &Call::Close { fd: file.fd }).map(drop)
        },
    )?;
    scene.step(
        "read both from another process, of another user",
        "both are there; an overwrite replaces one",
        |scene| {
            let reader = scene.actor("reader", 0)?;
            let file = scene.open_slot(&reader, &path)?;
            scene.choose(&file, 1)?;
            scene.expect_message(&file, &first)?;
            scene.choose(&file, 2)?;
            scene.expect_message(&file, &second)?;
            scene.put(&file, b"new")?;
            scene.expect_message(&file, b"new")?;
            scene.close_slot(&file)
        },
    )?;
    scene.step("rmmod and insmod", "both channels are empty", |scene| {
        scene.remove(MODULE)?;
        scene.insert(MODULE, "")?;
        let reader = scene.actor("late reader", STUDENT)?;
        let file = scene.open_slot(&reader, &path)?;
        for id in [1, 2] {
            scene.choose(&file, id)?;
            scene.expect_empty(&file)?;
        }
        Ok(())
    })
}
