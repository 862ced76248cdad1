// SPDX-License-Identifier: MIT OR Apache-2.0
//! Watching and no longer watching: clauses E2, N2 and N6.

use std::time::Duration;

use lab_agent::Call;
use nix::{errno::Errno, libc};
use protocol::{
    netlink::{Header, PortId},
    routes::{DELETED, LIST, News, Reason, Request, WATCHES},
};

use super::{MODULE, OK, QUIET, datagram, expect, expect_event, list_as};
use crate::{
    peer::request_header,
    scene::{Outcome, Scenario, Scene, expect_eq, fail},
};

const R3_DELETED: News<'static> = News::Deleted("R3", Reason::Requested);
const R3_ADDED: News<'static> = News::Added("R3");

pub(super) const WATCHED: Scenario = Scenario {
    id: "part2/E2-watch",
    title: "a watch begins, outlives its entry and ends",
    run: watches,
};

fn watches(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(MODULE, QUIET)?;
    let control = scene.peer("control", 0)?;
    let one = scene.peer("one", 0)?;
    let all = scene.peer("all", 0)?;
    scene.step(
        "watch what there is not, what there is, and that again",
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
        "watch an entry as well as all",
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
        "the watch has outlived it; another entry is not told",
        |scene| {
            expect(scene, &control, Request::Add("R3"), OK)?;
            expect(scene, &control, Request::Delete("R1"), OK)?;
            expect_event(scene, &one, 2, R3_ADDED)?;
            scene.expect_nothing(&one)?;
            expect_event(scene, &all, 2, R3_ADDED)?;
            expect_event(scene, &all, 3, News::Deleted("R1", Reason::Requested))
        },
    )?;
    scene.step(
        "unwatch what is not watched",
        "ENOENT, and the rest stays",
        |scene| {
            for entry in [Some("R1"), Some("R9"), None] {
                expect(scene, &one, Request::Unwatch(entry), Errno::ENOENT)?;
                expect(scene, &control, Request::Unwatch(entry), Errno::ENOENT)?;
            }
            expect(scene, &control, Request::Delete("R3"), OK)?;
            expect_event(scene, &one, 3, R3_DELETED)
        },
    )?;
    scene.step(
        "unwatch, entry by entry",
        "nothing more comes; watching again begins at 1",
        |scene| {
            expect(scene, &one, Request::Unwatch(Some("R3")), OK)?;
            expect_event(scene, &all, 4, R3_DELETED)?;
            expect(scene, &all, Request::Unwatch(None), OK)?;
            expect(scene, &control, Request::Add("R3"), OK)?;
            scene.expect_nothing(&one)?;
            // Its watch of the entry itself is left.
            expect_event(scene, &all, 5, R3_ADDED)?;
            expect(scene, &control, Request::Delete("R2"), OK)?;
            scene.expect_nothing(&all)?;
            expect(scene, &one, Request::Watch(Some("R3")), OK)?;
            expect(scene, &control, Request::Delete("R3"), OK)?;
            expect_event(scene, &one, 1, R3_DELETED)
        },
    )
}

pub(super) const NAMES: Scenario = Scenario {
    id: "part2/E2-watch-many",
    title: "a socket watches at most 16 entries by name",
    run: |scene| {
        scene.insert(MODULE, "expire_ms=0")?;
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
            "exactly the others and that one are left",
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
    title: "a watch and a list are the sender's, whatever nlmsg_pid says",
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
            "list in the name of the kernel, of a neighbour, of nobody",
            "the sender gets the list, the neighbour nothing",
            |scene| {
                for portid in [PortId(0), neighbour.portid, PortId(u32::MAX)] {
                    let header = Header {
                        portid,
                        ..request_header(LIST)
                    };
                    expect_eq("entries", list_as(scene, &liar, header)?.len(), 2)?;
                    scene.expect_nothing(&neighbour)?;
                }
                Ok(())
            },
        )
    },
};

/// How often an entry is deleted and added while the slow watcher does not read.
const ROUNDS: u32 = 50;

pub(super) const SLOW_WATCHER: Scenario = Scenario {
    id: "part2/N6-routes-slow-watcher",
    title: "who does not read loses events, and nobody else does",
    run: slow_watcher,
};

fn slow_watcher(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(MODULE, "expire_ms=0")?;
    let control = scene.peer("control", 0)?;
    let slow = scene.peer("slow", 0)?;
    let fast = scene.peer("fast", 0)?;
    let small = Call::SetOption {
        fd: slow.fd,
        level: libc::SOL_SOCKET,
        option: libc::SO_RCVBUF,
        value: 4096,
    };
    scene.value(&slow.program, &small)?;
    for peer in [&slow, &fast] {
        expect(scene, peer, Request::Watch(Some("R3")), OK)?;
    }
    scene.step(
        "100 events, one watcher reads, one does not",
        "nobody is held up, the reader gets all 100",
        |scene| {
            for seq in 1..=2 * ROUNDS {
                let wish = if seq % 2 == 1 {
                    Request::Delete("R3")
                } else {
                    Request::Add("R3")
                };
                expect_eq("errno", scene.ask(&control, datagram(wish))?.errno, 0)?;
                let event = scene.receive(&fast, Duration::ZERO)?;
                let event = event.ok_or_else(|| fail("the reader has it", "nothing"))?;
                expect_eq("the reader's number", event.message()?.header.seq, seq)?;
            }
            Ok(())
        },
    )?;
    let received = scene.step(
        "the slow one reads at last",
        "ENOBUFS, then what its queue had room for, from 1 without a gap",
        |scene| {
            let first = scene.try_receive(&slow, Duration::ZERO)?;
            expect_eq("the first recvmsg", first.err(), Some(Errno::ENOBUFS))?;
            let mut received = 0;
            while let Some(event) = scene.receive(&slow, Duration::ZERO)? {
                received += 1;
                expect_eq("its number", event.message()?.header.seq, received)?;
            }
            if (1..2 * ROUNDS).contains(&received) {
                return Ok(received);
            }
            Err(fail(
                "some, not all of the 100 events",
                received.to_string(),
            ))
        },
    )?;
    scene.step(
        "one more event",
        "shows the gap: it is number 101",
        |scene| {
            expect(scene, &control, Request::Delete("R3"), OK)?;
            let (seq, _) = crate::stages::netlink::hear(scene, &slow, DELETED)?;
            expect_eq("its number", seq, 2 * ROUNDS + 1)
        },
    )?;
    scene.step(
        "the module's counter",
        "as many drops as the gap is wide",
        |scene| {
            let dropped = scene.read("/sys/module/nl_routes/parameters/dropped")?;
            expect_eq(
                "dropped",
                dropped.trim(),
                (2 * ROUNDS - received).to_string().as_str(),
            )
        },
    )
}
