// SPDX-License-Identifier: MIT OR Apache-2.0
//! write(2): clauses W1-W5.

use lab_agent::{BufferMemory, Call};
use lab_scene::{
    Detail, LooksAt, Outcome, Scenario, Scene,
    slot_peer::{Held, SlotFile},
};
use nix::{errno::Errno, libc};
use protocol::slot::MESSAGE_MAX;

use super::{LONG, any_channel, any_message, as_each_user};

pub(super) const REPLACES: Scenario = Scenario {
    id: "message-slot/W1-replaces",
    title: "1 to 128 arbitrary bytes replace the message and its length",
    looks_at: LooksAt::Module(&[Detail::ReadLength]),
    run: |scene| {
        as_each_user(scene, |scene, file, path| {
            let id = any_channel(scene);
            scene.choose(file, id)?;
            scene.step(
                "lengths from 128 down and up again, arbitrary bytes",
                "write returns the length, and read exactly this message",
                |scene| {
                    for len in [128, 127, 64, 2, 1, 3, 126, 128] {
                        let message = any_message(scene, len);
                        scene.put(file, &message)?;
                        scene.expect_message(file, &message)?;
                    }
                    Ok(())
                },
            )?;
            scene.step("NUL bytes", "they are ordinary bytes", |scene| {
                for message in [&b"\0"[..], b"a\0b", b"\0ab", b"ab\0", &[0; MESSAGE_MAX]] {
                    scene.put(file, message)?;
                    scene.expect_message(file, message)?;
                }
                Ok(())
            })?;
            scene.step(
                "from a read-only page, and up to the last byte of a page",
                "works, too",
                |scene| {
                    let message = any_message(scene, 50);
                    let mapped = message.len();
                    for memory in [BufferMemory::ReadOnly, BufferMemory::Crossing { mapped }] {
                        let write = file.write_from(memory, &message);
                        scene.value(&file.program, &write)?;
                        scene.expect_message(file, &message)?;
                        scene.put(file, b"in between")?;
                    }
                    Ok(())
                },
            )?;
            scene.step(
                "open it as a shell's >> does, with O_APPEND",
                "a message still replaces the previous one",
                |scene| {
                    // D7 checks that it can be open twice.
                    scene.close_slot(file)?;
                    let flags = libc::O_RDWR | libc::O_APPEND;
                    let file = scene.open_with(&file.program, path, flags)?;
                    scene.choose(&file, id)?;
                    for message in [&b"first"[..], b"2nd"] {
                        scene.put(&file, message)?;
                        scene.expect_message(&file, message)?;
                    }
                    Ok(())
                },
            )
        })
    },
};

/// Writes of this many bytes, and their names.
fn of_lengths(file: &SlotFile, lengths: &[usize]) -> Vec<(String, Call)> {
    let write = |&len: &usize| (format!("writes {len} bytes"), file.write(&vec![b'x'; len]));
    lengths.iter().map(write).collect()
}

/// Writes from buffers that cannot be read to the end, and their names.
fn from_bad_buffers(file: &SlotFile) -> Vec<(String, Call)> {
    let bad = [
        ("unmapped memory", BufferMemory::Unmapped),
        ("a PROT_NONE page", BufferMemory::NoAccess),
        (
            "memory that ends after 1 byte",
            BufferMemory::Crossing { mapped: 1 },
        ),
        (
            "memory that ends after 64 bytes",
            BufferMemory::Crossing { mapped: 64 },
        ),
        (
            "memory that ends one byte early",
            BufferMemory::Crossing { mapped: LONG - 1 },
        ),
    ];
    bad.map(|(what, memory)| {
        let write = file.write_from(memory, &[b'x'; LONG]);
        (format!("writes from {what}"), write)
    })
    .into()
}

pub(super) const NO_CHANNEL: Scenario = Scenario {
    id: "message-slot/W2-no-channel",
    title: "writing before a channel is chosen is EINVAL",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        as_each_user(scene, |scene, file, _| {
            scene.step("write 1 and 128 bytes", "EINVAL", |scene| {
                let writes = of_lengths(file, &[1, MESSAGE_MAX]);
                scene.expect_refusals(file, &writes, Errno::EINVAL, Held::NoChannel)
            })?;
            scene.step(
                "choose a channel",
                "the channel is empty, and writing works",
                |scene| {
                    scene.choose(file, 1)?;
                    scene.expect_empty(file)?;
                    scene.put(file, b"x")
                },
            )
        })
    },
};

pub(super) const LENGTHS: Scenario = Scenario {
    id: "message-slot/W3-lengths",
    title: "no bytes and more than 128 are EMSGSIZE",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        as_each_user(scene, |scene, file, _| {
            scene.choose(file, 1)?;
            scene.step("write messages of invalid lengths", "EMSGSIZE", |scene| {
                // W5 checks the contents of the channel afterwards.
                let writes = of_lengths(
                    file,
                    &[0, 129, 130, 256, 257, 4096, 65_536, 65_537, 1 << 20],
                );
                writes.iter().try_for_each(|(what, write)| {
                    scene.expect_refusal(file, what, write, Errno::EMSGSIZE)
                })
            })
        })
    },
};

pub(super) const UNREADABLE: Scenario = Scenario {
    id: "message-slot/W4-unreadable",
    title: "a buffer that cannot be read is EFAULT",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        as_each_user(scene, |scene, file, _| {
            let id = any_channel(scene);
            scene.choose(file, id)?;
            scene.step("write from bad buffers", "EFAULT", |scene| {
                let writes = from_bad_buffers(file);
                writes.iter().try_for_each(|(what, write)| {
                    scene.expect_refusal(file, what, write, Errno::EFAULT)
                })
            })?;
            scene.step("write from a good one", "works", |scene| {
                scene.put(file, b"good")?;
                scene.expect_message(file, b"good")
            })
        })
    },
};

pub(super) const INTACT: Scenario = Scenario {
    id: "message-slot/W5-intact",
    title: "a write that fails changes nothing",
    looks_at: LooksAt::Module(&[]),
    run: |scene| as_each_user(scene, intact),
};

fn intact(scene: &mut Scene<'_>, file: &SlotFile, _path: &str) -> Outcome {
    let id = any_channel(scene);
    scene.choose(file, id)?;
    for len in [0, 1, 50, LONG] {
        let message = any_message(scene, len);
        let held = match len {
            0 => Held::Nothing,
            _ => Held::Message(&message),
        };
        scene.step(
            &format!("failed writes to a channel that holds {len} bytes"),
            "its message stays",
            |scene| {
                if len > 0 {
                    scene.put(file, &message)?;
                }
                let lengths = of_lengths(file, &[0, MESSAGE_MAX + 1, 4096]);
                if scene.contract_only() {
                    // W3 and W4 check that they fail, and the errno.
                    return [from_bad_buffers(file), lengths]
                        .concat()
                        .iter()
                        .try_for_each(|(what, write)| {
                            scene.expect_intact(file, what, write, held)
                        });
                }
                scene.expect_refusals(file, &from_bad_buffers(file), Errno::EFAULT, held)?;
                scene.expect_refusals(file, &lengths, Errno::EMSGSIZE, held)
            },
        )?;
    }
    Ok(())
}
