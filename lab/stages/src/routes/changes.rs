// SPDX-License-Identifier: MIT OR Apache-2.0
//! The table and the program that changes it: clauses E2 and E3.

use std::time::Duration;

use lab_agent::Exit;
use lab_scene::{
    InWords, LooksAt, Outcome, Scenario, Scene, expect_eq, fail, peer::Peer, transcript::LineKind,
};
use nix::errno::Errno;
use protocol::routes::{ENTRIES, NAME_MAX, News, Reason, Request};

use super::{MODULE, OK, QUIET, datagram, expect, expect_event, expect_list, list};
use crate::netlink::{
    races::{at_once, close_and_remove, racers, repeatedly, rounds, sends},
    slow::lengthen_queue,
};

pub(super) const LIST_OF_ALL: Scenario = Scenario {
    id: "part2/E2-list",
    title: "a list has all entries, however many, and ends with NLMSG_DONE",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        scene.insert(MODULE, "expire_ms=600000")?;
        let peer = scene.peer("A", 0)?;
        scene.step(
            "list the table",
            "R1, R2 and R3, then NLMSG_DONE",
            |scene| expect_list(scene, &peer, &["R1", "R2", "R3"]),
        )?;
        let mut names: Vec<String> = ["R1", "R2", "R3"].map(str::to_owned).into();
        scene.step("fill it", "256 entries; one more is ENOSPC", |scene| {
            names.extend((names.len()..ENTRIES).map(|n| format!("N{n:0>14}")));
            all_work(
                scene,
                &peer,
                names[3..].iter().map(|name| Request::Add(name)),
            )?;
            expect(scene, &peer, Request::Add("one more"), Errno::ENOSPC)
        })?;
        scene.step(
            "list it again, which takes more than one datagram",
            "all 256, each once",
            |scene| {
                // For a socket that has read a list, the next list comes in one part, as large as
                // its buffer.
                let fresh = scene.peer("B", 0)?;
                let entries = list(scene, &fresh)?.into_iter();
                let mut found: Vec<_> = entries.map(|(name, _)| name).collect();
                scene.note(
                    "B",
                    LineKind::Does,
                    format!("lists {} entries", found.len()),
                );
                // The module chooses the order.
                found.sort();
                names.sort();
                expect_eq("the list", &found, &names)
            },
        )?;
        scene.step("empty it", "it is empty, and ends", |scene| {
            all_work(scene, &peer, names.iter().map(|name| Request::Delete(name)))?;
            expect_list(scene, &peer, &[])
        })
    },
};

/// Expect that all of these are carried out.
fn all_work<'a>(
    scene: &mut Scene<'_>,
    peer: &Peer,
    requests: impl Iterator<Item = Request<'a>>,
) -> Outcome {
    let sent = requests.map(|request| (datagram(request), 1));
    let answered = scene.exchange(peer, sent)?;
    answered.iter().try_for_each(|acks| {
        let errnos: Vec<_> = acks.iter().map(|ack| ack.errno).collect();
        expect_eq("errno", errnos, vec![0])
    })
}

/// Names that processes add and delete in [`RACES`], and how often in a race.
const DISPUTED: [&str; 2] = ["left", "right"];
const ROUNDS: u64 = 250;

/// Events that the watcher receives in one order.
const ROW: usize = 500;

pub(super) const RACES: Scenario = Scenario {
    id: "part2/E2-races",
    title: "entries that several processes add and delete at the same time",
    looks_at: LooksAt::Module(&[]),
    run: races,
};

fn races(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(MODULE, "expire_ms=600000")?;
    scene.mute_log();
    let watcher = scene.peer("watcher", 0)?;
    lengthen_queue(scene, &watcher)?;
    expect(scene, &watcher, Request::Watch(None), OK)?;
    let lister = scene.peer("lister", 0)?;
    let racers = racers(scene)?;
    let mut there = [false; 2];
    scene.step(
        "four processes add and delete the same two names, at the same time, again and again",
        "no entry is added or deleted twice in a row, and the list agrees",
        |scene| {
            repeatedly(scene, |scene| {
                at_once(scene, &racers, |_, racer| {
                    let requests = |name| [Request::Add(name), Request::Delete(name)];
                    let sends = |wish: Request<'_>| sends(racer, wish.kind(), &wish.payload());
                    let round = DISPUTED.into_iter().flat_map(requests).map(sends);
                    rounds(ROUNDS, round.collect())
                })?;
                follow(scene, &watcher, &mut there)?;
                let listed = list(scene, &lister)?;
                for (name, there) in DISPUTED.iter().zip(there) {
                    let found = listed.iter().filter(|(entry, _)| entry == name).count();
                    let what = format!("entries with the name {name}");
                    expect_eq(&what, found, usize::from(there))?;
                }
                Ok(())
            })
        },
    )?;
    let all = racers.iter().chain([&watcher, &lister]);
    close_and_remove(scene, MODULE, all)
}

/// Read all events of a watcher, which say of each of [`DISPUTED`] whether it is there.
fn follow(scene: &mut Scene<'_>, watcher: &Peer, there: &mut [bool; 2]) -> Outcome {
    loop {
        let row = scene.receive_row(watcher, ROW, Duration::ZERO)?;
        if row.is_empty() {
            return Ok(());
        }
        for datagram in row {
            let message = datagram.message()?;
            let news = News::decode(message.header.kind, message.payload)
                .map_err(|error| fail("the attributes of an event", error.to_string()))?;
            let (name, added) = match news {
                Some(News::Added(name)) => (name, true),
                Some(News::Deleted(name, Reason::Requested)) => (name, false),
                other => return Err(fail("an entry is added or deleted", other.in_words())),
            };
            let Some(at) = DISPUTED.iter().position(|&disputed| disputed == name) else {
                return Err(fail("one of the disputed names", name));
            };
            if there[at] == added {
                let change = if added { "added" } else { "deleted" };
                let wanted = format!("{name} is not {change} twice in a row");
                return Err(fail(wanted, format!("{change} twice")));
            }
            there[at] = added;
        }
    }
}

pub(super) const CHANGES: Scenario = Scenario {
    id: "part2/E2-changes",
    title: "entries are added and deleted, and each event carries its entry",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        scene.insert(MODULE, QUIET)?;
        let control = scene.peer("control", 0)?;
        let watcher = scene.peer("watcher", 0)?;
        expect(scene, &watcher, Request::Watch(None), OK)?;
        scene.step("add R4, add it again", "EEXIST, and one event", |scene| {
            expect(scene, &control, Request::Add("R4"), OK)?;
            expect(scene, &control, Request::Add("R4"), Errno::EEXIST)?;
            expect_event(scene, &watcher, 1, News::Added("R4"))?;
            scene.expect_nothing(&watcher)
        })?;
        scene.step(
            "delete R2, delete it again, let it expire",
            "ENOENT, and one event",
            |scene| {
                expect(scene, &control, Request::Delete("R2"), OK)?;
                expect(scene, &control, Request::Delete("R2"), Errno::ENOENT)?;
                expect(scene, &control, Request::Expire("R2", 100), Errno::ENOENT)?;
                let event = News::Deleted("R2", Reason::Requested);
                expect_event(scene, &watcher, 2, event)?;
                scene.expect_nothing(&watcher)
            },
        )?;
        scene.step(
            "similar names, of 1 and of 15 bytes",
            "all are different",
            |scene| {
                let long = "x".repeat(NAME_MAX);
                for (seq, name) in (3..).zip(["R", "r4", "R44", "größe", &long]) {
                    expect(scene, &control, Request::Add(name), OK)?;
                    expect_event(scene, &watcher, seq, News::Added(name))?;
                }
                expect_list(
                    scene,
                    &control,
                    &["R1", "R3", "R4", "R", "r4", "R44", "größe", &long],
                )
            },
        )?;
        scene.step(
            "an entry that is deleted and added again",
            "it has no expiry time",
            |scene| {
                expect(scene, &control, Request::Expire("R1", 600_000), OK)?;
                expect(scene, &control, Request::Delete("R1"), OK)?;
                expect(scene, &control, Request::Add("R1"), OK)?;
                let mut entries = list(scene, &control)?.into_iter();
                let added = entries.find(|(name, _)| name == "R1");
                expect_eq("the entry", added, Some(("R1".to_owned(), None)))
            },
        )
    },
};

pub(super) const PROGRAMS: Scenario = Scenario {
    id: "part2/E3-programs",
    title: "the programs name the refused request",
    looks_at: LooksAt::Programs,
    run: |scene| {
        scene.insert(MODULE, "expire_ms=0 dyndbg=+p")?;
        let refused = |scene: &mut Scene<'_>, command: &[&str], parts: &[&str]| {
            let program = scene.start("program", command)?;
            scene.expect_complaint(&program, parts)?;
            scene.expect_exit(&program, Exit::Status(1))
        };
        scene.step(
            "an existing entry, and a missing entry",
            "one line with request and errno, exit status 1",
            |scene| {
                refused(scene, &["route-ctl", "add", "R1"], &["add", "EEXIST"])?;
                refused(scene, &["route-ctl", "del", "R9"], &["del", "ENOENT"])?;
                refused(
                    scene,
                    &["route-ctl", "expire", "R9", "1"],
                    &["expire", "ENOENT"],
                )?;
                refused(scene, &["route-watch", "R1", "R9"], &["watch", "ENOENT"])?;
                refused(scene, &["route-ctl", "add", ""], &["add", "EINVAL"])
            },
        )?;
        scene.step("list the table", "a line for each entry", |scene| {
            let control = scene.start("control", &["route-ctl", "list"])?;
            for name in ["R1", "R2", "R3"] {
                scene.expect_line(&control, name)?;
            }
            scene.expect_exit(&control, Exit::Status(0))
        })?;
        scene.step(
            "one watcher of two entries",
            "gets both events, with the reason of each",
            |scene| {
                let watcher = scene.start("watcher", &["route-watch", "R1", "R3"])?;
                scene.expect_log("watches R3")?;
                for command in [&["del", "R1"][..], &["del", "R2"], &["expire", "R3", "1"]] {
                    let command = [&["route-ctl"], command].concat();
                    let control = scene.start("control", &command)?;
                    scene.expect_exit(&control, Exit::Status(0))?;
                }
                scene.expect_line(&watcher, "R1 deleted (requested)")?;
                scene.expect_line(&watcher, "R3 deleted (expired)")?;
                scene.expect_silent(&watcher)
            },
        )?;
        scene.step("an empty list", "no line, exit status 0", |scene| {
            let control = scene.start("control", &["route-ctl", "list"])?;
            scene.expect_exit(&control, Exit::Status(0))
        })?;
        scene.step(
            "a full table, whose list takes several datagrams",
            "a line for each",
            |scene| {
                let peer = scene.peer("many", 0)?;
                scene.hush(MODULE)?;
                let names: Vec<_> = (0..ENTRIES).map(|n| format!("N{n:0>14}")).collect();
                all_work(scene, &peer, names.iter().map(|name| Request::Add(name)))?;
                let control = scene.start("control", &["route-ctl", "list"])?;
                scene.mute(&control);
                let mut printed = scene.expect_end(&control, Exit::Status(0))?;
                printed.sort_unstable();
                expect_eq("the entries", printed, names)
            },
        )?;
        if scene.others_programs() {
            return Ok(());
        }
        scene.step(
            "unknown commands",
            "usage on stderr, exit status 2",
            |scene| {
                for command in [&["route-ctl", "flush"][..], &["route-watch"]] {
                    let odd = scene.start("odd", command)?;
                    scene.expect_complaint(&odd, &["error:"])?;
                    scene.expect_end(&odd, Exit::Status(2))?;
                }
                Ok(())
            },
        )
    },
};
