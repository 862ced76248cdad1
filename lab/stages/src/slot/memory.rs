// SPDX-License-Identifier: MIT OR Apache-2.0
//! Allocated and freed memory: clauses D4 and D5.

use lab_agent::{Answer, BufferMemory, Call, Page};
use lab_scene::{
    Halt, LooksAt, Outcome, Scenario, Scene,
    actor::{complete, returned, shown},
    expect_eq, fail,
    slot_peer::SlotFile,
    transcript::LineKind,
};
use nix::{errno::Errno, libc};
use protocol::slot::MESSAGE_MAX;

use super::{FOR_ALL, LONG, MODULE, STUDENT, all_of, any_channel, any_message};
use crate::allocations::Count;

/// Number of repetitions.
const MANY: u64 = 2000;

/// Additional objects that count as no leak: half of the number of a leak.
const NOISE: usize = MANY as usize / 2;

/// Number of insertions and removals without any use.
const ROUNDS: usize = 10;

pub(super) const FREED: Scenario = Scenario {
    id: "message-slot/D4-freed",
    title: "rmmod gives back every byte that the module has allocated",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        scene.step(
            "insert and remove 10 times, without opening a file",
            "nothing is left",
            |scene| {
                scene.watch_leaks()?;
                for _ in 0..ROUNDS {
                    scene.insert(MODULE, "")?;
                    scene.remove(MODULE)?;
                }
                scene.expect_caches_clean()
            },
        )?;
        scene.step(
            "2000 channels with ids of all sizes, each written twice, then rmmod",
            "nothing is left",
            |scene| {
                scene.insert(MODULE, "")?;
                let actor = scene.actor("student", STUDENT)?;
                let message = any_message(scene, LONG);
                // Including the first and the last slot.
                for minor in [0, 255] {
                    let path = scene.make_slot(minor, FOR_ALL)?;
                    let file = match scene.open_slot(&actor, &path) {
                        // D1 checks that there are 256 slots.
                        Err(Halt::Fail { .. }) if !scene.counts("D1") => continue,
                        file => file?,
                    };
                    scene.choose(&file, 5)?;
                    scene.put(&file, &message)?;
                    scene.expect_message(&file, &message)?;
                    scene.close_slot(&file)?;
                }
                let path = scene.make_slot(77, FOR_ALL)?;
                let file = scene.open_slot(&actor, &path)?;
                let calls = (0..MANY)
                    .flat_map(|_| {
                        let id = any_channel(scene);
                        [file.choose(id.into()), file.write(&message)]
                    })
                    .collect();
                scene.batch(&actor, 2, calls)?;
                scene.note("student", LineKind::Does, "writes to 2000 channels, twice");
                scene.close_slot(&file)?;
                scene.remove(MODULE)?;
                scene.expect_no_leaks()
            },
        )
    },
};

pub(super) const BOUNDED: Scenario = Scenario {
    id: "message-slot/D5-bounded",
    title: "2000 repetitions that store nothing new allocate no more memory",
    looks_at: LooksAt::Module(&[]),
    run: bounded,
};

fn bounded(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(MODULE, "")?;
    let path = scene.make_slot(78, FOR_ALL)?;
    let actor = scene.actor("student", STUDENT)?;
    let file = scene.open_slot(&actor, &path)?;
    scene.choose(&file, 5)?;
    scene.put(&file, b"first")?;
    let messages = [LONG, LONG / 2].map(|len| any_message(scene, len));
    let writes = messages.iter().map(|message| file.write(message)).collect();
    // D7 checks that a slot may be open several times.
    let (beside, path) = match scene.counts("D7") {
        true => (path.clone(), path),
        false => (scene.make_slot(79, FOR_ALL)?, scene.make_slot(80, FOR_ALL)?),
    };
    // W5 checks the channel after a refused write.
    let other = scene.open_slot(&actor, &beside)?;
    scene.choose(&other, 9)?;
    // The lowest free descriptor is the same each time.
    let next = other.fd + 1;
    let fresh = SlotFile {
        fd: next,
        ..file.clone()
    };
    let opens = |then: &[Call]| {
        let open = Call::Open {
            path: path.clone(),
            flags: libc::O_RDWR,
        };
        let mut calls = vec![open];
        calls.extend_from_slice(then);
        calls.push(Call::Close { fd: next });
        calls
    };
    let crossing = BufferMemory::Border {
        before: 64,
        front: Page::Writable,
        back: Page::NoAccess,
    };
    let refused = [BufferMemory::NoAccess, crossing]
        .map(|memory| other.write_from(memory, &messages[0]))
        .to_vec();
    let chosen: Vec<_> = (0..MANY)
        .map(|_| file.choose(any_channel(scene).into()))
        .collect();
    let empty = chosen
        .iter()
        .flat_map(|choose| [choose.clone(), file.read(128)])
        .collect();
    // Nothing has been written to the other slot.
    let mut reading = vec![fresh.choose(5), fresh.read(128)];
    if !scene.counts("D7") {
        reading.insert(1, fresh.write(b"x"));
    }
    let cases: [(&str, u64, Vec<Call>); 7] = [
        ("overwrite a message", MANY / 2, writes),
        ("read it", MANY, vec![file.read(MESSAGE_MAX)]),
        ("have a write refused", MANY / 2, refused),
        ("open and close", MANY, opens(&[])),
        ("open, choose, read, close", MANY, opens(&reading)),
        (
            "open, choose, write, close",
            MANY,
            opens(&[fresh.choose(6), fresh.write(b"again")]),
        ),
        ("choose another channel and write nothing", 1, chosen),
    ];
    let before = Count::Objects.now(scene)?;
    for (what, rounds, calls) in cases {
        let title = format!("2000 times: {what}");
        scene.step(&title, "about as many objects as before", |scene| {
            repeat(scene, &file, rounds, calls)?;
            Count::Objects.expect_back(scene, &before, NOISE)
        })?;
    }
    scene.step(
        "2000 times: choose another channel and read nothing",
        "about as many objects as before",
        |scene| {
            // R3 checks that they are empty.
            all_of(scene, &file, empty)?;
            Count::Objects.expect_back(scene, &before, NOISE)
        },
    )?;
    if scene.contract_only() {
        // W1 and D6 check the contents of the channels.
        return Ok(());
    }
    scene.step(
        "the messages afterwards",
        "the last message of each",
        |scene| {
            scene.choose(&file, 5)?;
            scene.expect_message(&file, &messages[1])?;
            scene.choose(&file, 6)?;
            scene.expect_message(&file, b"again")
        },
    )
}

pub(super) const REFUSALS: Scenario = Scenario {
    id: "message-slot/D5-refusals",
    title: "2000 refusals of each kind allocate no more memory",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        scene.insert(MODULE, "")?;
        let path = scene.make_slot(81, FOR_ALL)?;
        let actor = scene.actor("student", STUDENT)?;
        let file = scene.open_slot(&actor, &path)?;
        scene.choose(&file, 5)?;
        scene.put(&file, b"a message")?;
        for (what, call) in [
            ("choose channel 0", file.choose(0)),
            (
                "make another ioctl",
                file.ioctl(file.edition.command + 1, 5),
            ),
            ("write 0 bytes", file.write(b"")),
            ("write 129 bytes", file.write(&[0; MESSAGE_MAX + 1])),
            ("read into 1 byte", file.read(1)),
            (
                "read into a bad buffer",
                file.read_into(BufferMemory::NoAccess, MESSAGE_MAX),
            ),
        ] {
            let title = format!("2000 times: {what}");
            scene.step(&title, "about as many objects as before", |scene| {
                let before = Count::Objects.now(scene)?;
                let calls = vec![call];
                // Other checks see whether the call is refused.
                let batch = Call::Batch {
                    rounds: MANY,
                    persist: true,
                    calls,
                };
                complete(MANY, scene.call(&actor, &batch)?)?;
                Count::Objects.expect_back(scene, &before, NOISE)
            })?;
        }
        Ok(())
    },
};

/// Repeat calls; only writes from bad buffers may fail.
fn repeat(scene: &mut Scene<'_>, file: &SlotFile, rounds: u64, calls: Vec<Call>) -> Outcome {
    let bad = |call: &Call| matches!(call, Call::WriteFile { memory, .. } if *memory != BufferMemory::Ordinary);
    if !calls.iter().any(bad) {
        return scene.batch(&file.program, rounds, calls).map(drop);
    }
    let call = Call::Batch {
        rounds,
        persist: true,
        calls,
    };
    let observed = scene.call(&file.program, &call)?;
    // W4 checks that they fail, for a submission.
    let ours = !scene.contract_only();
    if let Ok(Answer::Batch { outcomes, .. }) = &observed
        && ours
    {
        let worked = outcomes
            .iter()
            .filter(|outcome| returned(outcome).is_ok())
            .count();
        expect_eq("calls that worked", worked, 0)?;
    }
    complete(rounds, observed).map(drop)
}

/// The most allocations of a single write, with a margin.
const MOST: u32 = 20;

pub(super) const SCARCE: Scenario = Scenario {
    id: "message-slot/W5-memory",
    title: "a write whose allocation fails leaves the old message",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        scene.insert_scarce(MODULE)?;
        let actor = scene.actor("student", STUDENT)?;
        scene.step(
            "write to empty channels, an allocation fails",
            "ENOMEM, and they stay empty",
            |scene| {
                // Each on a slot of its own, because an attempt may leave tree nodes that later
                // attempts use.
                let mut minor = 0;
                each_allocation(scene, |scene, nth| {
                    minor += 1;
                    let path = scene.make_slot(minor, FOR_ALL)?;
                    let file = scene.open_slot(&actor, &path)?;
                    scene.choose(&file, 5)?;
                    let message = any_message(scene, LONG);
                    let hit = scarce_write(scene, &file, nth, message, &mut None)?;
                    scene.close_slot(&file)?;
                    Ok(hit)
                })
            },
        )?;
        let path = scene.make_slot(0, FOR_ALL)?;
        let file = scene.open_slot(&actor, &path)?;
        scene.choose(&file, 5)?;
        let old = any_message(scene, LONG);
        scene.put(&file, &old)?;
        let mut held = Some(old);
        scene.step(
            "overwrite a message, an allocation fails",
            "ENOMEM, and the channel holds the old one",
            |scene| {
                each_allocation(scene, |scene, nth| {
                    let new = any_message(scene, LONG / 2);
                    scarce_write(scene, &file, nth, new, &mut held)
                })
            },
        )
    },
};

/// Repeat an attempt with each of its allocations failing, until one ends before its failure. This
/// module allocates for each message; a submitted one need not.
fn each_allocation(
    scene: &mut Scene<'_>,
    mut attempt: impl FnMut(&mut Scene<'_>, u32) -> Outcome<bool>,
) -> Outcome {
    let mut nth = 1;
    while attempt(scene, nth)? {
        nth += 1;
        if nth > MOST {
            return Err(fail("a write that ends", format!("{nth} allocations")));
        }
    }
    if nth == 1 && !scene.contract_only() {
        return Err(fail("an allocation that can fail", "none"));
    }
    Ok(())
}

/// Write to a channel with this message while an allocation fails. Returns whether it failed.
fn scarce_write(
    scene: &mut Scene<'_>,
    file: &SlotFile,
    nth: u32,
    new: Vec<u8>,
    held: &mut Option<Vec<u8>>,
) -> Outcome<bool> {
    let len = new.len();
    let write = file.write(&new);
    let (hit, observed) = scene.without_memory(nth, |scene| scene.call(&file.program, &write))?;
    let written = returned(&observed);
    if !hit {
        return expect_eq("write returns", written, Ok(len as i64)).map(|()| false);
    }
    if written.is_ok() {
        // It may have used memory from elsewhere.
        *held = Some(new);
    }
    let said = format!("writes {len} bytes without memory: {}", shown(written));
    scene.note(&file.program.name, LineKind::Does, said);
    if !scene.contract_only() {
        let what = format!("write returns, while its allocation number {nth} fails");
        expect_eq(&what, written, Err(Errno::ENOMEM))?;
    }
    let read = scene.call(&file.program, &file.read(MESSAGE_MAX))?;
    let (said, judged) = scene.judge_held(&read, held.as_deref());
    scene.note(&file.program.name, LineKind::Does, said);
    // The read alone does not say what the write has lost.
    judged.map_err(|halt| match halt {
        Halt::Fail { expected, got } => {
            let after = format!("after a write that returned {}", shown(written));
            fail(format!("{expected}, {after}"), got)
        }
        other => other,
    })?;
    Ok(true)
}
