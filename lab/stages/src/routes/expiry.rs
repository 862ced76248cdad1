// SPDX-License-Identifier: MIT OR Apache-2.0
//! Deletion by the timer, its time, and its events: clauses E1, E2 and E4.

use std::time::{Duration, Instant};

use lab_scene::{InWords, LooksAt, Outcome, Scenario, Scene, expect_eq, expect_success, fail};
use protocol::{
    greeting,
    netlink::PROTO,
    routes::{News, Reason, Request},
};

use super::{MODULE, OK, QUIET, TALKATIVE, datagram, expect, expect_event, expect_list, list};
use crate::netlink::{errno_of, hear, pass_over, users::join};

/// An event of the timer.
const R3_EXPIRED: News<'static> = News::Deleted("R3", Reason::Expired);

pub(super) const TIMER: Scenario = Scenario {
    id: "part2/E1-timer",
    title: "a timer deletes R3 after expire_ms=",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        let before = Instant::now();
        scene.insert(MODULE, "expire_ms=1500")?;
        let peer = scene.peer("A", 0)?;
        scene.step(
            "wait until R3 is gone",
            "after 1500 ms, not sooner; R1 and R2 stay",
            |scene| {
                scene.expect_soon("R3 is deleted", |scene| {
                    let names = list(scene, &peer)?;
                    Ok(!names.iter().any(|(name, _)| name == "R3"))
                })?;
                not_sooner(before, 1500)?;
                expect_list(scene, &peer, &["R1", "R2"])
            },
        )
    },
};

/// The expiry time of R3 without a parameter.
const DEFAULT_MS: u32 = 10_000;

pub(super) const DEFAULT: Scenario = Scenario {
    id: "part2/E1-default",
    title: "R3 expires after 10 s, or after expire_ms=",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        scene.step(
            "insert it without parameters",
            "R3 expires within 10 s",
            |scene| {
                let before = Instant::now();
                scene.insert(MODULE, "")?;
                if !scene.contract_only() {
                    let parameter = scene.read("/sys/module/nl_routes/parameters/expire_ms")?;
                    expect_eq("expire_ms", parameter.trim(), "10000")?;
                }
                let peer = scene.peer("A", 0)?;
                let mut entries = list(scene, &peer)?;
                entries.sort();
                let names: Vec<_> = entries.iter().map(|(name, _)| name.as_str()).collect();
                expect_eq("the names", names, vec!["R1", "R2", "R3"])?;
                // Time has passed since; the module may count in ticks.
                let passed = before.elapsed() + Duration::from_millis(20);
                let least = u128::from(DEFAULT_MS).saturating_sub(passed.as_millis());
                match [&entries[0].1, &entries[1].1, &entries[2].1] {
                    [None, None, Some(left)]
                        if (least..=DEFAULT_MS.into()).contains(&u128::from(*left)) =>
                    {
                        scene.close(&peer)
                    }
                    other => Err(fail(
                        "R3 expires 10 s after the insertion, R1 and R2 do not",
                        format!("milliseconds left: {}", other.in_words()),
                    )),
                }
            },
        )?;
        if scene.contract_only() {
            pass_over(scene);
            return Ok(());
        }
        scene.step("with expire_ms=0", "nothing expires", |scene| {
            scene.remove(MODULE)?;
            scene.insert(MODULE, "expire_ms=0")?;
            let peer = scene.peer("B", 0)?;
            let times: Vec<_> = list(scene, &peer)?.into_iter().map(|(_, ms)| ms).collect();
            scene.close(&peer)?;
            expect_eq("the remaining times", times, vec![None; 3])
        })?;
        scene.step("with a value out of range", "EINVAL", |scene| {
            scene.remove(MODULE)?;
            let refused = scene.try_insert(MODULE, "expire_ms=2147483648")?;
            let errno = refused.err().map(|refusal| refusal.errno);
            expect_eq("insmod", errno, Some(nix::errno::Errno::EINVAL as i32))
        })
    },
};

/// Time for the watchers to register on a slow machine, before R3 expires.
const TOLD_MS: u64 = 5000;

pub(super) const TOLD: Scenario = Scenario {
    id: "part2/E1-told",
    title: "exactly the watchers of an entry get an event when it expires",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        let before = Instant::now();
        scene.insert(MODULE, &format!("expire_ms={TOLD_MS} {TALKATIVE}"))?;
        let control = scene.peer("control", 0)?;
        let watchers = [
            ("P1", Some("R1")),
            ("P2", Some("R3")),
            ("P3", Some("R3")),
            ("P4", None),
        ]
        .map(|(name, entry)| (scene.peer(name, 0), entry));
        let mut peers = Vec::new();
        for (peer, entry) in watchers {
            let peer = peer?;
            expect(scene, &peer, Request::Watch(entry), OK)?;
            peers.push(peer);
        }
        scene.step(
            "wait until R3 expires",
            "after 5 s, not sooner: each watcher of R3 or of all gets one event",
            |scene| {
                for peer in &peers[1..] {
                    expect_event(scene, peer, 1, R3_EXPIRED)?;
                }
                not_sooner(before, TOLD_MS)?;
                for peer in peers.iter().chain([&control]) {
                    scene.expect_nothing(peer)?;
                }
                expect_list(scene, &control, &["R1", "R2"])
            },
        )?;
        scene.step(
            "add R10 and R30 and delete them",
            "a watcher of all gets the events; watchers of R1 and R3 do not",
            |scene| {
                // E2 checks that this succeeds, and its events.
                let all = scene.counts("E2");
                for (seq, name) in [(2, "R10"), (4, "R30")] {
                    if !all {
                        for wish in [Request::Add(name), Request::Delete(name)] {
                            errno_of(scene, &control, datagram(wish))?;
                        }
                        continue;
                    }
                    expect(scene, &control, Request::Add(name), OK)?;
                    expect(scene, &control, Request::Delete(name), OK)?;
                    expect_event(scene, &peers[3], seq, News::Added(name))?;
                    let deleted = News::Deleted(name, Reason::Requested);
                    expect_event(scene, &peers[3], seq + 1, deleted)?;
                }
                let others = if all { &peers[..] } else { &peers[..3] };
                others
                    .iter()
                    .try_for_each(|peer| scene.expect_nothing(peer))
            },
        )
    },
};

/// Expect that R3 exists for this many milliseconds.
fn not_sooner(since: Instant, ms: u64) -> Outcome {
    if since.elapsed() < Duration::from_millis(ms) {
        return Err(fail(format!("R3 lives for {ms} ms"), "less"));
    }
    Ok(())
}

pub(super) const SET: Scenario = Scenario {
    id: "part2/E2-expire",
    title: "the time of an entry can be set, sooner and later",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        scene.insert(MODULE, QUIET)?;
        let control = scene.peer("control", 0)?;
        let watcher = scene.peer("watcher", 0)?;
        expect(scene, &watcher, Request::Watch(None), OK)?;
        scene.step(
            "let R3 expire in 300 ms instead of ten minutes",
            "it is deleted after 300 ms, not sooner",
            |scene| {
                let before = Instant::now();
                expect(scene, &control, Request::Expire("R3", 300), OK)?;
                expect_event(scene, &watcher, 1, R3_EXPIRED)?;
                not_sooner(before, 300)
            },
        )?;
        scene.step(
            "change when R1 expires, then let R2",
            "the last time counts; 0 means never; they expire in the order of their times",
            |scene| {
                expect(scene, &control, Request::Add("R3"), OK)?;
                expect_event(scene, &watcher, 2, News::Added("R3"))?;
                expect(scene, &control, Request::Expire("R1", 200), OK)?;
                expect(scene, &control, Request::Expire("R1", 0), OK)?;
                expect(scene, &control, Request::Expire("R3", 600_000), OK)?;
                expect(scene, &control, Request::Expire("R3", 800), OK)?;
                expect(scene, &control, Request::Expire("R2", 400), OK)?;
                expect_event(scene, &watcher, 3, News::Deleted("R2", Reason::Expired))?;
                expect_event(scene, &watcher, 4, R3_EXPIRED)?;
                expect_list(scene, &control, &["R1"])
            },
        )
    },
};

pub(super) const REMOVED_BEFORE: Scenario = Scenario {
    id: "part2/E4-removed-before",
    title: "removing the module before its timer fires is safe",
    looks_at: LooksAt::Module(&[]),
    run: removed_before,
};

/// The clock is another module, which greets each second on protocol 31. After five of its
/// greetings, the timer of nl_routes on 17 would have fired. It is inserted first, so that it does
/// not take the freed memory of nl_routes.
fn removed_before(scene: &mut Scene<'_>) -> Outcome {
    scene.insert_own("nl_greeting", "interval_ms=1000")?;
    let clock = scene.peer("clock", 0)?;
    expect_eq("the clock's protocol", PROTO, 31)?;
    join(scene, &clock, greeting::GROUP)?;
    scene.step("insert, and remove at once", "works", |scene| {
        scene.insert(MODULE, "protocol=17 expire_ms=4000")?;
        scene.remove(MODULE)
    })?;
    scene.step(
        "wait until R3 would have expired",
        "the machine lives",
        |scene| {
            // Earlier greetings of the clock do not count.
            while scene.receive(&clock, Duration::ZERO)?.is_some() {}
            for _ in 0..5 {
                hear(scene, &clock, greeting::DATA)?;
            }
            scene.machine.sync_log()?;
            Ok(())
        },
    )?;
    scene.step(
        "insert, delete R3, let R1 expire in 4 s, remove at once; wait 5 s",
        "the machine lives",
        |scene| {
            scene.close(&clock)?;
            scene.remove("nl_greeting")?;
            scene.insert(MODULE, "expire_ms=600000")?;
            let control = scene.peer("control", 0)?;
            for wish in [Request::Delete("R3"), Request::Expire("R1", 4000)] {
                let errno = errno_of(scene, &control, datagram(wish))?;
                // E2 checks that it is carried out.
                if !scene.contract_only() {
                    expect_success(errno)?;
                }
            }
            scene.close(&control)?;
            scene.remove(MODULE)?;
            let end = uptime(scene)? + 5.0;
            scene.expect_soon("5 s have passed", |scene| Ok(uptime(scene)? >= end))?;
            scene.machine.sync_log()?;
            Ok(())
        },
    )
}

/// Seconds since the machine was started, by proc(5).
fn uptime(scene: &mut Scene<'_>) -> Outcome<f64> {
    let text = scene.read("/proc/uptime")?;
    let seconds = text.split(' ').next().and_then(|it| it.parse().ok());
    seconds.ok_or_else(|| fail("seconds in /proc/uptime", text))
}
