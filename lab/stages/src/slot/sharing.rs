// SPDX-License-Identifier: MIT OR Apache-2.0
//! Several files and processes at once: clauses D6-D8.

use std::collections::HashSet;

use lab_agent::{Answer, Call, CallResult, Kin};
use lab_build::kernels::Capability;
use lab_scene::{
    LooksAt, Outcome, Scenario, Scene,
    actor::{complete, returned, shown},
    expect_eq, fail,
    transcript::LineKind,
};
use nix::{errno::Errno, libc};
use protocol::slot::MESSAGE_MAX;

use super::{FOR_ALL, LONG, MODULE, STUDENT, any_channel, any_message, as_each_user};

pub(super) const PER_FILE: Scenario = Scenario {
    id: "message-slot/D6-per-file",
    title: "the chosen channel belongs to the open file",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        as_each_user(scene, |scene, first, path| {
            let [one, other] = [(); 2].map(|()| any_channel(scene));
            let [message, another] = [(); 2].map(|()| any_message(scene, 12));
            let second = scene.step(
                "open the slot twice, choose a channel for the first file",
                "the second has no channel",
                |scene| {
                    let second = scene.open_slot(&first.program, path)?;
                    scene.choose(first, one)?;
                    scene.expect_no_channel(&second, "second file: reads")?;
                    if scene.counts("W2") {
                        let (what, write) = ("second file: writes x", second.write(b"x"));
                        scene.expect_refusal(&second, what, &write, Errno::EINVAL)?;
                    }
                    Ok(second)
                },
            )?;
            scene.step(
                "choose another channel for the second",
                "each writes and reads its own channel",
                |scene| {
                    scene.choose(&second, other)?;
                    scene.put(first, &message)?;
                    scene.expect_empty(&second)?;
                    scene.put(&second, &another)?;
                    scene.expect_message(first, &message)?;
                    scene.expect_message(&second, &another)
                },
            )?;
            scene.step(
                "choose the first's channel for the second",
                "both read the same message",
                |scene| {
                    scene.choose(&second, one)?;
                    scene.expect_message(&second, &message)?;
                    scene.put(&second, &another)?;
                    scene.expect_message(first, &another)
                },
            )?;
            scene.step(
                "close the second, open once more",
                "a new file has no channel",
                |scene| {
                    scene.close_slot(&second)?;
                    let third = scene.open_slot(&first.program, path)?;
                    scene.expect_no_channel(&third, "new file: reads")?;
                    scene.expect_message(first, &another)
                },
            )?;
            scene.step(
                "fork, and the parent ends",
                "the child has the same file, and the same channel",
                |scene| {
                    let stays = Kin::Child;
                    scene.value(&first.program, &Call::Fork { stays })?;
                    scene.note(
                        &first.program.name,
                        LineKind::Does,
                        "forks, and the parent ends",
                    );
                    scene.expect_message(first, &another)
                },
            )
        })
    },
};

/// Open files of one process. A process may have 1024 (`RLIMIT_NOFILE`).
const OPEN: u64 = 500;

pub(super) const SHARED: Scenario = Scenario {
    id: "message-slot/D7-shared",
    title: "many processes may have one slot open at once",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        scene.insert(MODULE, "")?;
        let path = scene.make_slot(41, FOR_ALL)?;
        let files = scene.step("five processes open it", "all can", |scene| {
            let users = [
                ("A", 0),
                ("B", STUDENT),
                ("C", STUDENT),
                ("D", 1001),
                ("E", 0),
            ];
            users
                .iter()
                .map(|&(name, uid)| {
                    let actor = scene.actor(name, uid)?;
                    scene.open_slot(&actor, &path)
                })
                .collect::<Outcome<Vec<_>>>()
        })?;
        scene.step(
            "each writes to the same channel in turn",
            "all others read the message",
            |scene| {
                for file in &files {
                    scene.choose(file, 7)?;
                }
                for file in &files {
                    let message = any_message(scene, 6);
                    scene.put(file, &message)?;
                    for reader in &files {
                        scene.expect_message(reader, &message)?;
                    }
                }
                Ok(())
            },
        )?;
        scene.step(
            "one process opens it 500 times more",
            "all can be open at once, and the last one has a channel of its own",
            |scene| {
                let program = &files[0].program;
                let open = Call::Open {
                    path: path.clone(),
                    flags: libc::O_RDWR,
                };
                scene.batch(program, OPEN, vec![open])?;
                let last = scene.open_slot(program, &path)?;
                scene.choose(&last, 8)?;
                let message = any_message(scene, 6);
                scene.put(&last, &message)?;
                scene.expect_message(&last, &message)?;
                // The others still have theirs.
                let earlier = any_message(scene, 7);
                scene.put(&files[1], &earlier)?;
                scene.expect_message(&files[0], &earlier)
            },
        )
    },
};

pub(super) const WHOLE: Scenario = Scenario {
    id: "message-slot/D8-whole",
    title: "a read returns one whole message while others write",
    looks_at: LooksAt::Module(&[]),
    run: whole,
};

/// Messages of the writers: each consists of one repeated byte, and has a length of its own.
const UNIFORM: [(u8, usize); 4] = [(b'a', LONG), (b'b', 96), (b'c', LONG - 1), (b'd', 1)];

/// The message that a writer writes to another slot, too. No process reads it; it must not appear
/// in the first slot.
const BESIDE: (u8, usize) = (b'e', 110);

/// Number of times that each writer writes all of its messages while readers read.
const WRITES: u64 = 5000;

/// Number of reads of each reader meanwhile. It takes some thousand reads to meet a message that is
/// freed while it is copied, which KASAN detects.
const READS: u64 = 6000;

/// On other kernels only a torn message shows the mistake. This takes longer, so the number is
/// multiplied.
const MORE: u64 = 8;

fn uniform((byte, len): (u8, usize)) -> Vec<u8> {
    vec![byte; len]
}

/// Which of the messages was read; another is none that was written.
fn which_message(read: &CallResult) -> Outcome<usize> {
    let (Ok(len), Ok(Answer::Filled { buffer, .. })) = (returned(read), read) else {
        return Err(fail("a message", shown(returned(read))));
    };
    let message = buffer.0.get(..len as usize).unwrap_or(&buffer.0);
    let which = UNIFORM.iter().position(|&it| message == uniform(it));
    // The parts of a mixture are different each time. The verdict must not be.
    which.ok_or_else(|| {
        fail(
            "a whole message",
            "a message that was never written to this channel",
        )
    })
}

fn whole(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(MODULE, "")?;
    let [path, beside] = [42, 44].map(|minor| scene.make_slot(minor, FOR_ALL));
    let (path, beside) = (path?, beside?);
    // D7 checks that other processes may open it, too.
    let root = if scene.counts("D7") { 0 } else { STUDENT };
    let files = [
        ("writer 1", root),
        ("writer 2", STUDENT),
        ("reader 1", root),
        ("reader 2", STUDENT),
    ]
    .map(|(name, uid)| {
        let actor = scene.actor(name, uid)?;
        let file = scene.open_slot(&actor, &path)?;
        scene.choose(&file, 42)?;
        Ok(file)
    })
    .into_iter()
    .collect::<Outcome<Vec<_>>>()?;
    // A process that writes to two slots at once must not mix them up. It uses another channel,
    // because D1 checks that the slots differ.
    let beside = scene.open_slot(&files[1].program, &beside)?;
    scene.choose(&beside, 43)?;
    scene.put(&files[0], &uniform(UNIFORM[0]))?;
    scene.step(
        "two processes write repeatedly, two read",
        "each read returns exactly one whole message",
        |scene| {
            let rounds = match scene.workshop().kernel.which.has(Capability::Slow) {
                true => 1,
                false => MORE,
            };
            let (writers, readers) = files.split_at(2);
            let writes = writers.iter().zip(UNIFORM.chunks(2)).enumerate().map(
                |(number, (file, messages))| {
                    let write = |&message| file.write(&uniform(message));
                    let mut calls: Vec<_> = messages.iter().map(write).collect();
                    if number == 1 {
                        calls.push(beside.write(&uniform(BESIDE)));
                    }
                    let (rounds, persist) = (WRITES, false);
                    (
                        file,
                        Call::Batch {
                            rounds,
                            persist,
                            calls,
                        },
                    )
                },
            );
            let reads = readers.iter().map(|file| {
                let call = Box::new(file.read(MESSAGE_MAX));
                (file, Call::Repeat { times: READS, call })
            });
            let orders: Vec<_> = writes.chain(reads).collect();
            let mut seen = HashSet::new();
            // A mixture that is read ends the check with its round.
            for _ in 0..rounds {
                for (file, order) in &orders {
                    scene.begin_call(&file.program, order)?;
                }
                for (file, order) in &orders {
                    let observed = scene.finish_call(&file.program, order)?;
                    let Ok(Answer::Repeated(reads)) = observed else {
                        complete(WRITES, observed)?;
                        continue;
                    };
                    for read in &reads {
                        seen.insert(which_message(read)?);
                    }
                }
            }
            // Otherwise the processes have not met, and the check has shown nothing.
            expect_eq("messages of several kinds were read", seen.len() > 1, true)?;
            scene.note("host", LineKind::Does, "checks all reads");
            Ok(())
        },
    )
}
