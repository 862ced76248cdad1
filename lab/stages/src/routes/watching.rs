// SPDX-License-Identifier: MIT OR Apache-2.0
//! Start and end of watches: clauses E2 and N2.

use lab_scene::{
    Detail, LooksAt, Outcome, Scenario, Scene, expect_eq,
    peer::{Peer, request_header},
};
use nix::errno::Errno;
use protocol::{
    netlink::{Header, PortId},
    routes::{News, Reason, Request, WATCHES},
};

use super::{MODULE, OK, QUIET, datagram, expect, expect_event, in_words, list_as};
use crate::netlink::errno_of;

const R3_DELETED: News<'static> = News::Deleted("R3", Reason::Requested);
const R3_ADDED: News<'static> = News::Added("R3");

pub(super) const WATCHED: Scenario = Scenario {
    id: "part2/E2-watch",
    title: "a watch begins, outlives its entry and ends",
    looks_at: LooksAt::Module(&[]),
    run: watches,
};

/// Expect that ending a missing watch is ENOENT. The contract states this for entries only.
fn refuse_to_unwatch(scene: &mut Scene<'_>, peer: &Peer, entry: Option<&str>) -> Outcome {
    let wish = Request::Unwatch(entry);
    if scene.contract_only() {
        return scene.expect_refused(peer, datagram(wish), &in_words(wish));
    }
    expect(scene, peer, wish, Errno::ENOENT)
}

/// Expect that a watcher of R3 by name gets an event when R3 is added again. The contract leaves
/// open whether a watch outlives its entry.
fn added_again(scene: &mut Scene<'_>, peer: &Peer, seq: u32) -> Outcome {
    if !scene.contract_only() {
        return expect_event(scene, peer, seq, R3_ADDED);
    }
    // Messages before the answer are skipped.
    errno_of(scene, peer, datagram(Request::Watch(Some("R3"))))?;
    scene.expect_nothing(peer)
}

fn watches(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(MODULE, QUIET)?;
    let control = scene.peer("control", 0)?;
    let one = scene.peer("one", 0)?;
    let all = scene.peer("all", 0)?;
    scene.step(
        "watch a missing entry, an entry, and this entry again",
        "ENOENT, ok, EEXIST",
        |scene| {
            expect(scene, &one, Request::Watch(Some("R9")), Errno::ENOENT)?;
            expect(scene, &one, Request::Watch(Some("R3")), OK)?;
            expect(scene, &one, Request::Watch(Some("R3")), Errno::EEXIST)?;
            expect(scene, &all, Request::Watch(None), OK)?;
            expect(scene, &all, Request::Watch(None), Errno::EEXIST)
        },
    )?;
    scene.step(
        "watch an entry and all entries",
        "each event comes once",
        |scene| {
            expect(scene, &all, Request::Watch(Some("R3")), OK)?;
            expect(scene, &control, Request::Delete("R3"), OK)?;
            for peer in [&one, &all] {
                expect_event(scene, peer, 1, R3_DELETED)?;
                scene.expect_nothing(peer)?;
            }
            Ok(())
        },
    )?;
    scene.step(
        "add the entry again",
        "the watch still counts; another entry causes no event",
        |scene| {
            expect(scene, &control, Request::Add("R3"), OK)?;
            added_again(scene, &one, 2)?;
            expect(scene, &control, Request::Delete("R1"), OK)?;
            scene.expect_nothing(&one)?;
            expect_event(scene, &all, 2, R3_ADDED)?;
            expect_event(scene, &all, 3, News::Deleted("R1", Reason::Requested))
        },
    )?;
    scene.step(
        "unwatch an entry that is not watched",
        "ENOENT, and the other watches stay",
        |scene| {
            for entry in [Some("R1"), Some("R9"), None] {
                for peer in [&one, &control] {
                    refuse_to_unwatch(scene, peer, entry)?;
                }
            }
            expect(scene, &control, Request::Delete("R3"), OK)?;
            expect_event(scene, &one, 3, R3_DELETED)
        },
    )?;
    scene.step(
        "unwatch, entry by entry",
        "nothing more comes; watching again begins at 1",
        |scene| {
            expect_event(scene, &all, 4, R3_DELETED)?;
            expect(scene, &control, Request::Add("R3"), OK)?;
            added_again(scene, &one, 4)?;
            added_again(scene, &all, 5)?;
            expect(scene, &one, Request::Unwatch(Some("R3")), OK)?;
            expect(scene, &all, Request::Unwatch(None), OK)?;
            expect(scene, &control, Request::Delete("R2"), OK)?;
            scene.expect_nothing(&all)?;
            expect(scene, &control, Request::Delete("R3"), OK)?;
            scene.expect_nothing(&one)?;
            // Its watch of the entry itself remains.
            expect_event(scene, &all, 6, R3_DELETED)?;
            expect(scene, &control, Request::Add("R3"), OK)?;
            expect(scene, &one, Request::Watch(Some("R3")), OK)?;
            expect(scene, &control, Request::Delete("R3"), OK)?;
            expect_event(scene, &one, 1, R3_DELETED)
        },
    )
}

pub(super) const NAMES: Scenario = Scenario {
    id: "part2/E2-watch-many",
    title: "a socket watches at most 16 entries by name",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        scene.insert(MODULE, "expire_ms=600000")?;
        let control = scene.peer("control", 0)?;
        let watcher = scene.peer("watcher", 0)?;
        let name = |n: usize| format!("N{n}");
        scene.step(
            "watch 17 entries",
            "the 17th is ENOSPC; all still counts",
            |scene| {
                for n in 0..=WATCHES {
                    expect(scene, &control, Request::Add(&name(n)), OK)?;
                    let errno = if n < WATCHES { OK } else { Errno::ENOSPC };
                    expect(scene, &watcher, Request::Watch(Some(&name(n))), errno)?;
                }
                expect(scene, &watcher, Request::Watch(None), OK)?;
                expect(scene, &watcher, Request::Unwatch(None), OK)
            },
        )?;
        scene.step(
            "unwatch the first and the last, watch the 17th",
            "exactly the others and the 17th are watched",
            |scene| {
                for n in [0, WATCHES - 1] {
                    expect(scene, &watcher, Request::Unwatch(Some(&name(n))), OK)?;
                }
                expect(scene, &watcher, Request::Watch(Some(&name(WATCHES))), OK)?;
                let mut seq = 0;
                for n in 0..=WATCHES {
                    let name = name(n);
                    expect(scene, &control, Request::Delete(&name), OK)?;
                    if n == 0 || n == WATCHES - 1 {
                        scene.expect_nothing(&watcher)?;
                        continue;
                    }
                    seq += 1;
                    let event = News::Deleted(&name, Reason::Requested);
                    expect_event(scene, &watcher, seq, event)?;
                }
                Ok(())
            },
        )
    },
};

pub(super) const ANOTHER_PORTID: Scenario = Scenario {
    id: "part2/N2-routes-watch",
    title: "a watch and a list belong to the sender, whatever nlmsg_pid is",
    looks_at: LooksAt::Module(&[Detail::Unsigned]),
    run: |scene| {
        scene.insert(MODULE, QUIET)?;
        let control = scene.peer("control", 0)?;
        let liar = scene.peer("liar", 0)?;
        let neighbour = scene.peer("neighbour", 0)?;
        scene.step(
            "watch in the name of a neighbour",
            "the sender watches, the neighbour does not",
            |scene| {
                let watch = Request::Watch(Some("R3"));
                let header = Header {
                    portid: neighbour.portid,
                    ..request_header(watch.kind())
                };
                let data = header.encode(&watch.payload());
                scene.expect_answer_to(&liar, data, "watch R3", OK)?;
                expect(scene, &control, Request::Delete("R3"), OK)?;
                expect_event(scene, &liar, 1, R3_DELETED)?;
                scene.expect_nothing(&neighbour)
            },
        )?;
        scene.step(
            "list in the name of the kernel, of a neighbour, of no socket",
            "the sender gets the list, the neighbour nothing",
            |scene| {
                for portid in [PortId(0), neighbour.portid, PortId(u32::MAX)] {
                    expect_eq("entries", list_as(scene, &liar, portid)?.len(), 2)?;
                    scene.expect_nothing(&neighbour)?;
                }
                Ok(())
            },
        )
    },
};
