// SPDX-License-Identifier: MIT OR Apache-2.0
//! Random buffers and lengths: clauses W5 and R5, and with them W3, W4, R1 and R4.

use lab_agent::{BufferMemory, Page};
use lab_scene::{
    InWords, LooksAt, Outcome, Scenario, Scene, actor::returned, expect_eq, fail,
    slot_peer::SlotFile,
};
use nix::errno::Errno;
use protocol::slot::MESSAGE_MAX;

use super::{LONG, all_of, any_channel, any_message, as_each_user};

/// Number of calls of each user.
const CALLS: usize = 300;

/// A buffer near or across the border between two pages of any kind.
fn any_memory(rng: &mut fastrand::Rng) -> BufferMemory {
    let mut page = || {
        let pages = [
            Page::Writable,
            Page::ReadOnly,
            Page::NoAccess,
            Page::Unmapped,
        ];
        // Half of the buffers are good, because otherwise hardly any call would succeed.
        if rng.bool() {
            Page::Writable
        } else {
            pages[rng.usize(..pages.len())]
        }
    };
    let (front, back) = (page(), page());
    let before = if rng.u8(..4) == 0 {
        0
    } else {
        rng.usize(..=MESSAGE_MAX + 8)
    };
    BufferMemory::Border {
        before,
        front,
        back,
    }
}

/// A length of a buffer, usually one that a message can have.
fn any_length(rng: &mut fastrand::Rng) -> usize {
    match rng.u8(..8) {
        0 => 0,
        1 => MESSAGE_MAX + 1,
        2 => rng.usize(MESSAGE_MAX + 1..9000),
        _ => rng.usize(1..=MESSAGE_MAX),
    }
}

/// Allowed results of a call: `good` if nothing is wrong. With several mistakes, the errno of any
/// of them.
fn expected(good: usize, wrong: Option<Errno>, bad_memory: bool) -> Vec<Result<i64, Errno>> {
    let mut errnos: Vec<_> = wrong.into_iter().map(Err).collect();
    if bad_memory {
        errnos.push(Err(Errno::EFAULT));
    }
    if errnos.is_empty() {
        errnos.push(Ok(good as i64));
    }
    errnos
}

/// Expect one of these results.
fn expect_one_of(
    file: &SlotFile,
    what: String,
    got: Result<i64, Errno>,
    expected: &[Result<i64, Errno>],
) -> Outcome {
    let accepted = |wanted: &Result<i64, Errno>| match (*wanted, got) {
        (Err(wanted), Err(got)) => file.edition.accepts(wanted, got),
        (wanted, got) => wanted == got,
    };
    if expected.iter().any(accepted) {
        return Ok(());
    }
    let expected: Vec<_> = expected.iter().map(InWords::in_words).collect();
    Err(fail(
        format!("{what}: {}", expected.join(" or ")),
        got.in_words(),
    ))
}

/// Length of a buffer that holds any message. R1 checks the rest of a longer one, for a submission.
fn room_for_all(contract_only: bool) -> usize {
    if contract_only {
        MESSAGE_MAX
    } else {
        2 * MESSAGE_MAX
    }
}

pub(super) const WRITES: Scenario = Scenario {
    id: "message-slot/W5-fuzz",
    title: "300 writes from buffers at page borders: a failed write leaves the old message",
    looks_at: LooksAt::Module(&[]),
    run: |scene| as_each_user(scene, writes),
};

fn writes(scene: &mut Scene<'_>, file: &SlotFile, _path: &str) -> Outcome {
    let contract_only = scene.contract_only();
    let id = any_channel(scene);
    scene.choose(file, id)?;
    scene.step(
        "write any lengths from any buffers",
        "the errno of the mistake; after each call the channel holds the last written message",
        |scene| {
            let whole = room_for_all(contract_only);
            let writes = [(); CALLS].map(|()| {
                let memory = any_memory(&mut scene.rng);
                // W3 checks which lengths are refused, for a submission.
                let len = match contract_only {
                    true => scene.rng.usize(1..=LONG),
                    false => any_length(&mut scene.rng),
                };
                (memory, any_message(scene, len))
            });
            let calls = writes
                .iter()
                .flat_map(|(memory, data)| [file.write_from(*memory, data), file.read(whole)])
                .collect();
            let outcomes = all_of(scene, file, calls)?;
            let mut held: Option<&[u8]> = None;
            for (n, ((memory, data), pair)) in writes.iter().zip(outcomes.chunks(2)).enumerate() {
                let len = data.len();
                let wrong = (len == 0 || len > MESSAGE_MAX).then_some(Errno::EMSGSIZE);
                let unreadable = memory.pages(len).any(|page| !page.readable());
                let expected = expected(len, wrong, unreadable);
                let what = format!("write {}, {len} bytes, {}", n + 1, memory.in_words());
                let got = returned(&pair[0]);
                // W4 checks the errno of the refusal.
                if !(contract_only && unreadable) {
                    expect_one_of(file, what, got, &expected)?;
                    if got.is_ok() {
                        held = Some(data);
                    }
                }
                scene.judge_held(&pair[1], held).1?;
            }
            Ok(())
        },
    )
}

pub(super) const READS: Scenario = Scenario {
    id: "message-slot/R5-fuzz",
    title: "300 reads into buffers at page borders: the message stays, the rest is unchanged",
    looks_at: LooksAt::Module(&[]),
    run: |scene| as_each_user(scene, reads),
};

fn reads(scene: &mut Scene<'_>, file: &SlotFile, _path: &str) -> Outcome {
    let contract_only = scene.contract_only();
    let id = any_channel(scene);
    scene.choose(file, id)?;
    scene.step(
        "read messages of any length into any buffers",
        "exactly the message, or the errno of the mistake; the message stays",
        |scene| {
            // W1, R4 and R1 check longer messages, other buffers, and the bytes after a message.
            let longest = if contract_only { LONG } else { MESSAGE_MAX };
            let whole = room_for_all(contract_only);
            let reads = [(); CALLS].map(|()| {
                let len = scene.rng.usize(1..=longest);
                let message = any_message(scene, len);
                let memory = any_memory(&mut scene.rng);
                let room = match contract_only {
                    true => scene.rng.usize(LONG..=MESSAGE_MAX),
                    false => any_length(&mut scene.rng),
                };
                (message, memory, room)
            });
            let calls = reads
                .iter()
                .flat_map(|(message, memory, room)| {
                    [
                        file.write(message),
                        file.read_into(*memory, *room),
                        file.read(whole),
                    ]
                })
                .collect();
            let outcomes = all_of(scene, file, calls)?;
            for (n, ((message, memory, room), three)) in
                reads.iter().zip(outcomes.chunks(3)).enumerate()
            {
                let (room, len) = (*room, message.len());
                expect_eq("write returns", returned(&three[0]), Ok(len as i64))?;
                let wrong = (room < len).then_some(Errno::ENOSPC);
                let mut pages = memory.pages(room.min(len));
                let unwritable = pages.any(|page| page != Page::Writable);
                let what = format!(
                    "read {}, {len} bytes into {room}, {}",
                    n + 1,
                    memory.in_words()
                );
                let got = returned(&three[1]);
                expect_one_of(file, what, got, &expected(len, wrong, unwritable))?;
                if got.is_ok() {
                    scene.judge_held(&three[1], Some(message)).1?;
                }
                scene.judge_held(&three[2], Some(message)).1?;
            }
            Ok(())
        },
    )
}
