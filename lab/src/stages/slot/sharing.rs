// SPDX-License-Identifier: MIT OR Apache-2.0
//! Several files and processes at once: clauses D6-D8.

use lab_agent::{Answer, Call};
use nix::errno::Errno;
use protocol::slot::MESSAGE_MAX;

use super::{FOR_ALL, MODULE, STUDENT, any_channel, any_message, as_each_user};
use crate::{
    scene::{Outcome, Scenario, Scene, expect_eq, fail, readable},
    slot_peer::complete,
    transcript::Kind,
};

pub(super) const PER_FILE: Scenario = Scenario {
    id: "message-slot/D6-per-file",
    title: "which channel is chosen belongs to the open file",
    run: |scene| {
        as_each_user(scene, |scene, first, path| {
            let [one, other] = [(); 2].map(|()| any_channel(scene));
            let [message, another] = [(); 2].map(|()| any_message(scene, 12));
            let second = scene.step(
                "open the slot twice, choose a channel for the first file",
                "the second has none",
                |scene| {
                    let second = scene.open_slot(&first.program, path)?;
                    scene.choose(first, one)?;
                    let read = second.read(MESSAGE_MAX);
                    scene.expect_refusal(&second, "second file: reads", &read, Errno::EINVAL)?;
                    let write = second.write(b"x");
                    scene.expect_refusal(
                        &second,
                        "second file: writes x",
                        &write,
                        Errno::EINVAL,
                    )?;
                    Ok(second)
                },
            )?;
            scene.step(
                "choose another channel for the second",
                "each writes and reads its own",
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
                "both find the same message",
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
                    let read = third.read(MESSAGE_MAX);
                    scene.expect_refusal(&third, "new file: reads", &read, Errno::EINVAL)?;
                    scene.expect_message(first, &another)
                },
            )
        })
    },
};

pub(super) const SHARED: Scenario = Scenario {
    id: "message-slot/D7-shared",
    title: "many processes may have one slot open at once",
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
            "all others read it",
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
        )
    },
};

pub(super) const WHOLE: Scenario = Scenario {
    id: "message-slot/D8-whole",
    title: "a read returns one whole message while others write",
    run: whole,
};

/// What the writers write: each message has one byte all through, and a length of its own.
const UNIFORM: [(u8, usize); 4] = [(b'a', 128), (b'b', 96), (b'c', 127), (b'd', 1)];

/// How often each writer writes all of its messages while readers read.
const WRITES: u64 = 5000;

/// How many messages each reader reads meanwhile, to be looked at.
const READS: usize = 2000;

/// How often it reads after that, for the debug kernel: KASAN looks at each read itself, and sees
/// that a message is freed while it is copied. It takes some thousand reads to come upon that, and
/// without KASAN very many more.
const UNSEEN: u64 = 4000;

fn whole(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(MODULE, "")?;
    let path = scene.make_slot(42, FOR_ALL)?;
    let files = [
        ("writer 1", 0),
        ("writer 2", STUDENT),
        ("reader 1", 0),
        ("reader 2", STUDENT),
    ]
    .map(|(name, uid)| {
        let actor = scene.actor(name, uid)?;
        let file = scene.open_slot(&actor, &path)?;
        scene.choose(&file, 0x8000_0001)?;
        Ok(file)
    })
    .into_iter()
    .collect::<Outcome<Vec<_>>>()?;
    let uniform = |(byte, len)| vec![byte; len];
    scene.put(&files[0], &uniform(UNIFORM[0]))?;
    scene.step(
        "two write 10000 messages each, two read 6000",
        "each read gives one of the messages, all of it and nothing else",
        |scene| {
            let mut orders = Vec::new();
            for (file, messages) in files.iter().zip([&UNIFORM[..2], &UNIFORM[2..]]) {
                let calls = messages
                    .iter()
                    .map(|&message| file.write(&uniform(message)))
                    .collect();
                orders.push((file, batch(WRITES, calls)));
            }
            for file in &files[2..] {
                orders.push((file, batch(1, vec![file.read(MESSAGE_MAX); READS])));
                orders.push((file, batch(UNSEEN, vec![file.read(MESSAGE_MAX)])));
            }
            for (file, order) in &orders {
                scene.begin_call(&file.program, order)?;
            }
            let mut seen = [0; UNIFORM.len()];
            for (file, order) in &orders {
                let Call::Batch { rounds, .. } = order else {
                    continue;
                };
                let observed = scene.finish_call(&file.program, order)?;
                for outcome in complete(*rounds, observed)? {
                    let Ok(Answer::Filled {
                        returned: Ok(len),
                        buffer,
                    }) = outcome
                    else {
                        continue;
                    };
                    let message = &buffer.0[..len.min(buffer.0.len())];
                    let which = UNIFORM.iter().position(|&it| message == uniform(it));
                    let which = which.ok_or_else(|| fail("a whole message", readable(message)))?;
                    seen[which] += 1;
                }
            }
            scene.note(
                "host",
                Kind::Does,
                "looks at the first 2000 that each has read",
            );
            // Otherwise they have not met, and nothing was shown.
            let met = seen.iter().filter(|&&count| count > 0).count() >= 2;
            expect_eq("messages of several kinds were read", met, true)
        },
    )
}

fn batch(rounds: u64, calls: Vec<Call>) -> Call {
    Call::Batch {
        rounds,
        persist: false,
        calls,
    }
}
