// SPDX-License-Identifier: MIT OR Apache-2.0
//! The order of messages, and the report in the acknowledgement: clause L3.

use std::time::Duration;

use lab_machine::PATIENCE;
use lab_scene::{
    Detail, LooksAt, Outcome, Scenario, Scene, expect_eq, fail,
    peer::{ANSWERED, Peer},
    readable,
    transcript::LineKind,
};
use protocol::{
    netlink::PortId,
    router::{Report, Request, Roles},
};

use super::{MODULE, client, data, encode, expect_data, list, member};
use crate::netlink::{
    pass_over,
    races::{at_once, repeatedly, rounds, sends},
    slow::{lengthen_queue, shorten_queue},
};

/// Lines that each program publishes at full speed.
const LINES: usize = 100;

/// Messages that each of two sockets publishes in a row, all different.
const ROW: usize = 250;

/// Number of rows before the subscriber reads.
const ROWS: usize = 8;

/// A line of a length that needs no padding, because another clause checks padding.
fn line(n: usize) -> String {
    format!("{n:04}")
}

pub(super) const ORDER: Scenario = Scenario {
    id: "part3/L3-order",
    title: "messages of one publisher arrive in their order",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        scene.insert(MODULE, super::TALKATIVE)?;
        let reader = member(scene, "reader", Roles::SUBSCRIBER)?;
        lengthen_queue(scene, &reader)?;
        let writers = [
            client(scene, "A", "publisher", None)?,
            client(scene, "B", "publisher", None)?,
        ];
        scene.hush(MODULE)?;
        scene.step(
            "two programs publish 100 lines each at the same time",
            "all 200 arrive: numbers rise by one, and so do each publisher's lines",
            |scene| {
                let lines: String = (0..LINES).map(|n| line(n) + "\n").collect();
                for (writer, _) in &writers {
                    scene.write(writer, lines.as_bytes())?;
                }
                let mut next = [0; 2];
                for seq in 1..=2 * LINES as u32 {
                    let datagram = scene.receive(&reader, PATIENCE)?;
                    let datagram = datagram.ok_or_else(|| fail("200 messages", "fewer"))?;
                    let (got, data) = data(&datagram.message()?)?;
                    scene.expect_number(got, seq)?;
                    let at = usize::from(data.sender == writers[1].1);
                    expect_eq("the sender", data.sender, writers[at].1)?;
                    expect_eq("the line", readable(data.body), line(next[at]))?;
                    next[at] += 1;
                }
                Ok(())
            },
        )
    },
};

pub(super) const CONTENTION: Scenario = Scenario {
    id: "part3/L3-contention",
    title: "two sockets publish at full speed: no number is missing or used twice",
    looks_at: LooksAt::Module(&[Detail::Numbers]),
    run: contention,
};

/// Sockets publish much faster than programs do, so their messages interleave at the subscriber.
fn contention(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(MODULE, "")?;
    let reader = member(scene, "reader", Roles::SUBSCRIBER)?;
    lengthen_queue(scene, &reader)?;
    let writers = [
        member(scene, "C", Roles::PUBLISHER)?,
        member(scene, "D", Roles::PUBLISHER)?,
    ];
    scene.step(
        "both publish 2000 messages each at the same time, again and again",
        "all arrive: numbers rise by one, and so do each publisher's",
        |scene| {
            let (mut seq, mut met) = (0, 0);
            repeatedly(scene, |scene| {
                at_once(scene, &writers, |_, writer| {
                    let body = |n| line(n).into_bytes();
                    let publishes = |n| {
                        let publish = body(n);
                        let publish = Request::Publish(&publish);
                        sends(writer, publish.kind(), &publish.payload())
                    };
                    rounds(ROWS as u64, (0..ROW).map(publishes).collect())
                })?;
                let (mut next, mut last) = ([0; 2], 0);
                for _ in 0..ROWS {
                    let row = scene.receive_row(&reader, 2 * ROW, Duration::ZERO)?;
                    expect_eq("messages that arrive", row.len(), 2 * ROW)?;
                    for datagram in row {
                        let (got, data) = data(&datagram.message()?)?;
                        seq += 1;
                        scene.expect_number(got, seq)?;
                        let at = usize::from(data.sender == writers[1].portid);
                        expect_eq("the sender", data.sender, writers[at].portid)?;
                        expect_eq("the body", readable(data.body), line(next[at] % ROW))?;
                        next[at] += 1;
                        met += usize::from(at != last);
                        last = at;
                    }
                }
                Ok(())
            })?;
            // Otherwise the check has shown nothing.
            expect_eq("they met", met > 0, true)
        },
    )
}

/// Publish, and read the report in the acknowledgement. Delivered messages are queued when this
/// returns.
///
/// The contract allows a report in the acknowledgement. A submitted module need not send one.
fn report(scene: &mut Scene<'_>, peer: &Peer, body: &[u8]) -> Outcome<Option<Report>> {
    scene.send(peer, encode(&Request::Publish(body)))?;
    let datagram = scene.receive(peer, ANSWERED)?;
    let datagram = datagram.ok_or_else(|| fail("an acknowledgement", "nothing in time"))?;
    let message = datagram.message()?;
    let errno = message.ack().ok().flatten().map(|ack| ack.errno);
    expect_eq("errno", errno, Some(0))?;
    let report = message.ack_cookie().and_then(Report::decode);
    if report.is_none() && !scene.contract_only() {
        return Err(fail("a report in the acknowledgement", "none"));
    }
    Ok(report)
}

pub(super) const ACKNOWLEDGED: Scenario = Scenario {
    id: "part3/L3-acknowledged",
    title: "the acknowledgement comes last, and has the counters",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        scene.insert(MODULE, "")?;
        let publisher = member(scene, "publisher", Roles::PUBLISHER)?;
        let fast = member(scene, "fast", Roles::SUBSCRIBER)?;
        let slow = member(scene, "slow", Roles::SUBSCRIBER)?;
        shorten_queue(scene, &slow)?;
        let expect = |scene: &mut Scene<'_>, delivered, dropped, body: &[u8]| -> Outcome<bool> {
            let Some(got) = report(scene, &publisher, body)? else {
                return Ok(false);
            };
            let text = format!(
                "publishes: {} delivered, {} dropped",
                got.delivered, got.dropped
            );
            scene.note("publisher", LineKind::Does, text);
            expect_eq("the report", got, Report { delivered, dropped })?;
            Ok(true)
        };
        let reports = scene.step(
            "publish to two subscribers",
            "2 delivered, and they are queued before the acknowledgement",
            |scene| {
                let reports = expect(scene, 2, 0, b"message1")?;
                for peer in [&fast, &slow] {
                    let there = scene.receive(peer, Duration::ZERO)?;
                    let there = there.ok_or_else(|| fail("a message in the queue", "none"))?;
                    let there = there.message()?;
                    expect_eq(
                        "the body",
                        readable(data(&there)?.1.body),
                        "message1".into(),
                    )?;
                }
                Ok(reports)
            },
        )?;
        if !reports {
            pass_over(scene);
            return Ok(());
        }
        let mut dropped = 0;
        scene.step(
            "publish 1000 bytes until the slow subscriber's queue is full",
            "1 delivered, 1 dropped, and the fast subscriber gets each",
            |scene| {
                let body = vec![b'x'; 1000];
                for seq in 2..100 {
                    let got = report(scene, &publisher, &body)?;
                    let got = got.ok_or_else(|| fail("a report again", "none"))?;
                    let there = scene.receive(&fast, Duration::ZERO)?;
                    let there = there.ok_or_else(|| fail("a message in the queue", "none"))?;
                    scene.expect_number(data(&there.message()?)?.0, seq)?;
                    expect_eq("reported", got.delivered + got.dropped, 2)?;
                    dropped += got.dropped;
                    if dropped == 3 {
                        return Ok(());
                    }
                }
                Err(fail("the queue is full in the end", "it is not"))
            },
        )?;
        scene.step(
            "the list",
            "the same counters for the publisher and for the slow subscriber",
            |scene| {
                let found = list(scene, &publisher)?;
                let of = |portid: PortId, role: Roles| {
                    found
                        .iter()
                        .find(|member| member.portid == portid && member.role == role)
                        .map(|member| member.dropped)
                };
                expect_eq(
                    "publisher",
                    of(publisher.portid, Roles::PUBLISHER),
                    Some(dropped),
                )?;
                expect_eq("slow", of(slow.portid, Roles::SUBSCRIBER), Some(dropped))?;
                expect_eq("fast", of(fast.portid, Roles::SUBSCRIBER), Some(0))
            },
        )?;
        scene.step("no process listens", "0 delivered, 0 dropped", |scene| {
            // Another clause checks that members that have left are not listed.
            for peer in [&fast, &slow] {
                scene.send(peer, encode(&Request::Unregister(Roles::SUBSCRIBER)))?;
                scene.note(&peer.program.name, LineKind::Does, "unregisters");
            }
            expect(scene, 0, 0, b"hello?")?;
            let late = member(scene, "late", Roles::SUBSCRIBER)?;
            expect(scene, 1, 0, b"message2")?;
            expect_data(scene, &late, 1, &publisher, b"message2")
        })
    },
};
