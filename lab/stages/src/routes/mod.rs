// SPDX-License-Identifier: MIT OR Apache-2.0
//! Part 2, step 3: `nl_routes`, clauses E1-E4.

mod changes;
mod expiry;
mod payloads;
pub(crate) mod step;
mod watching;

use lab_scene::{
    InWords, Outcome, Program, Scene, expect_eq, fail,
    peer::{Peer, request},
    transcript::LineKind,
};
use nix::errno::Errno;
use protocol::{
    netlink::PortId,
    routes::{ADD, ADDED, DELETE, DELETED, ENTRY, LIST, News, Reason, Request, WATCH},
};

use super::netlink::{
    BadPayload, Module, OK, TALKATIVE, Told, Wish, dump, hear,
    programs::Printer,
    slow::{Counts, expect_dropped},
};

const MODULE: &str = "nl_routes";

/// No entry expires during the scenario, and debug messages are on.
const QUIET: &str = "expire_ms=600000 dyndbg=+p";

struct Routes;

impl Module for Routes {
    const NAME: &'static str = MODULE;
    const PARAMS: &'static str = QUIET;

    fn touch() -> (&'static str, Vec<u8>) {
        ("watch R3", datagram(Request::Watch(Some("R3"))))
    }
}

impl Told for Routes {
    const BODIES: bool = false;
    const REPLIES: &'static [u16] = &[ENTRY, ADDED, DELETED];
    const KEEPS: bool = true;

    fn request(n: u32) -> (u16, Vec<u8>) {
        (ADD, Request::Add(&format!("N{n}")).payload())
    }

    fn round() -> Vec<(u16, Vec<u8>)> {
        vec![
            (ADD, Request::Add("N1").payload()),
            (DELETE, Request::Delete("N1").payload()),
        ]
    }

    fn bad_payloads() -> Vec<BadPayload> {
        payloads::bad_payloads()
    }

    fn refused() -> Vec<(u16, Vec<u8>)> {
        vec![
            (ADD, Request::Add("R1").payload()),
            (DELETE, Request::Delete("R9").payload()),
            (WATCH, Request::Watch(Some("R9")).payload()),
        ]
    }

    fn odd_payloads() -> Vec<BadPayload> {
        payloads::odd_payloads()
    }

    fn listener_asks() -> Option<Wish> {
        Some(("watch all", WATCH, Request::Watch(None).payload()))
    }

    fn expect_heard(scene: &mut Scene<'_>, _: &Peer, listener: &Peer, n: u32) -> Outcome {
        expect_event(scene, listener, n, News::Added(&format!("N{n}")))
    }

    fn state(scene: &mut Scene<'_>, peer: &Peer, claimed: PortId) -> Outcome<Vec<String>> {
        let entries = list_as(scene, peer, claimed)?;
        Ok(entries.into_iter().map(|(name, _)| name).collect())
    }
}

impl Counts for Routes {
    fn expect_counted(scene: &mut Scene<'_>, _: &Peer, _: &Peer, _: u32, lost: u32) -> Outcome {
        expect_dropped(scene, MODULE, lost)
    }
}

impl Printer for Routes {
    const KIND: u16 = ADDED;

    fn start(scene: &mut Scene<'_>) -> Outcome<Program> {
        let program = scene.start("watcher", &["route-watch", "all"])?;
        scene.expect_log("watches all")?;
        Ok(program)
    }

    fn lines(_: &Peer) -> Vec<String> {
        vec!["N1 added".to_owned(), "N1 deleted (requested)".to_owned()]
    }
}

fn datagram(wish: Request<'_>) -> Vec<u8> {
    request(wish.kind(), &wish.payload())
}

/// The text of a request in the transcript.
fn in_words(wish: Request<'_>) -> String {
    match wish {
        Request::List => "list".into(),
        Request::Add(name) => format!("add {name}"),
        Request::Delete(name) => format!("delete {name}"),
        Request::Expire(name, ms) => format!("expire {name} after {ms} ms"),
        Request::Watch(name) => format!("watch {}", name.unwrap_or("all")),
        Request::Unwatch(name) => format!("unwatch {}", name.unwrap_or("all")),
    }
}

/// Send a request and expect this errno.
fn expect(scene: &mut Scene<'_>, peer: &Peer, wish: Request<'_>, errno: Errno) -> Outcome {
    scene.expect_answer_to(peer, datagram(wish), &in_words(wish), errno)
}

/// Expect this event as number `seq` of this peer.
fn expect_event(scene: &mut Scene<'_>, peer: &Peer, seq: u32, event: News<'_>) -> Outcome {
    let kind = if matches!(event, News::Added(_)) {
        ADDED
    } else {
        DELETED
    };
    let (got, payload) = hear(scene, peer, kind)?;
    let news = News::decode(kind, &payload)
        .map_err(|error| fail("the attributes of an event", error.to_string()))?;
    let said = match news {
        Some(News::Added(name)) => format!("{name} added"),
        Some(News::Deleted(name, Reason::Expired)) => format!("{name} deleted (expired)"),
        Some(News::Deleted(name, Reason::Requested)) => format!("{name} deleted (requested)"),
        other => other.in_words(),
    };
    scene.note(
        &peer.program.name,
        LineKind::Does,
        format!("event {got}: {said}"),
    );
    expect_eq("the event", news, Some(event))?;
    scene.expect_number(got, seq)
}

/// All entries, by a dump: name and milliseconds until expiry.
fn list(scene: &mut Scene<'_>, peer: &Peer) -> Outcome<Vec<(String, Option<u32>)>> {
    list_as(scene, peer, PortId(0))
}

/// As [`list`], from a peer whose header has the portid `claimed`.
fn list_as(
    scene: &mut Scene<'_>,
    peer: &Peer,
    claimed: PortId,
) -> Outcome<Vec<(String, Option<u32>)>> {
    let mut found = Vec::new();
    for (kind, payload) in dump(scene, peer, LIST, claimed)? {
        match News::decode(kind, &payload) {
            Ok(Some(News::Entry { name, expire_ms })) => found.push((name.to_owned(), expire_ms)),
            Ok(other) => return Err(fail("an entry", other.in_words())),
            Err(error) => return Err(fail("an entry", error.to_string())),
        }
    }
    Ok(found)
}

/// Expect exactly these entries. This checkout's module lists them in the order of insertion; the
/// contract states no order.
fn expect_list(scene: &mut Scene<'_>, peer: &Peer, expected: &[&str]) -> Outcome {
    let mut names = Routes::state(scene, peer, PortId(0))?;
    scene.note(
        &peer.program.name,
        LineKind::Does,
        format!("lists: {}", names.join(" ")),
    );
    let mut expected: Vec<_> = expected.iter().map(|&name| name.to_owned()).collect();
    if scene.contract_only() {
        names.sort();
        expected.sort();
    }
    expect_eq("the list", names, expected)
}
