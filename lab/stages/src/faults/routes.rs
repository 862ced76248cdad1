// SPDX-License-Identifier: MIT OR Apache-2.0
//! `nl_routes` without memory: clauses N5 and N6.

use lab_machine::PATIENCE;
use lab_scene::{
    LooksAt, Outcome, Program, Scenario, Scene, expect_eq, fail,
    peer::{Peer, request_header},
};
use nix::errno::Errno;
use protocol::{
    netlink::{Header, NLM_F_DUMP, NLM_F_REQUEST, PortId},
    routes::{ADDED, DELETED, LIST, News, Reason, Request},
};

use super::{
    super::netlink::{OK, dump, slow::expect_dropped},
    finish::finish,
    inject::{allocations, confine_to_modules, recover, run_out},
    requests::{
        Audience, as_it_is, carry_out, drain, each_list, each_request, errno, quietly_close,
    },
};

const MODULE: &str = "nl_routes";

pub(super) const NO_MEMORY: Scenario = Scenario {
    id: "part2/N5-routes-no-memory",
    title: "a failed allocation is an errno, or a lost event, which the watcher is told",
    looks_at: LooksAt::Module(&[]),
    run,
};

/// Allocations for the answer to a request: its head and its data.
const ANSWER: u32 = 2;

/// Allocations for an event, for each watcher.
const EVENT: u32 = 2;

fn run(scene: &mut Scene<'_>) -> Outcome {
    scene.watch_leaks()?;
    scene.insert(MODULE, "expire_ms=0")?;
    let actor = scene.actor("actor", 0)?;
    let observer = scene.peer("observer", 0)?;
    confine_to_modules(scene)?;
    watch(scene, &actor, &observer)?;
    scene.step("list", "all entries, or an errno", |scene| {
        let flags = NLM_F_REQUEST | NLM_F_DUMP;
        let header = Header {
            flags,
            ..request_header(LIST)
        };
        each_list(scene, &actor, allocations(2), &header.encode(b""), 3)
    })?;
    scene.step("let R3 expire", "it will expire, or it will not", |scene| {
        let expire = Request::Expire("R3", 1_000_000);
        let request = (expire.kind(), &expire.payload()[..]);
        let what = ("expire", allocations(ANSWER));
        each_request(scene, &actor, what, request, as_it_is, |scene, _, _| {
            let expires = entry(scene, &observer, "R3")?.flatten().is_some();
            wish(scene, &observer, Request::Expire("R3", 0))?;
            Ok(expires)
        })
    })?;
    let mut watchers = Vec::new();
    for name in ["watcher 1", "watcher 2"] {
        let peer = scene.peer(name, 0)?;
        wish(scene, &peer, Request::Watch(None))?;
        watchers.push(peer);
    }
    let mut audience = Audience::new(watchers);
    changes(scene, &actor, &observer, &mut audience)?;
    expiry(scene, &observer, &mut audience)?;
    quietly_close(scene, &observer)?;
    audience.leaves(scene)?;
    finish(scene, MODULE)
}

/// Make a request that must succeed.
fn wish(scene: &mut Scene<'_>, peer: &Peer, wish: Request<'_>) -> Outcome {
    carry_out(scene, peer, wish.kind(), &wish.payload())
}

/// The expiry time of an entry, if it exists.
fn entry(scene: &mut Scene<'_>, observer: &Peer, name: &str) -> Outcome<Option<Option<u32>>> {
    for (kind, payload) in dump(scene, observer, LIST, PortId(0))? {
        match News::decode(kind, &payload) {
            Ok(Some(News::Entry {
                name: found,
                expire_ms,
            })) if found == name => return Ok(Some(expire_ms)),
            Ok(Some(_)) => {}
            other => return Err(fail("an entry", format!("{other:?}"))),
        }
    }
    Ok(None)
}

/// Watch and unwatch.
fn watch(scene: &mut Scene<'_>, actor: &Program, observer: &Peer) -> Outcome {
    // Whether it gets an event, which is undone, and that it does not watch any more.
    let watches = |scene: &mut Scene<'_>, peer: &Peer| {
        wish(scene, observer, Request::Delete("R3"))?;
        wish(scene, observer, Request::Add("R3"))?;
        let told = drain(scene, peer)?.told.len();
        let unwatch = Request::Unwatch(Some("R3"));
        let errno = errno(scene, peer, unwatch.kind(), &unwatch.payload())?;
        match (told, Errno::from_raw(errno)) {
            (2, OK) => Ok(true),
            (0, Errno::ENOENT) => Ok(false),
            other => Err(fail("it watches, or it does not", format!("{other:?}"))),
        }
    };
    let watch = Request::Watch(Some("R3"));
    scene.step("watch R3", "it gets the event, or it does not", |scene| {
        let request = (watch.kind(), &watch.payload()[..]);
        // A watcher and the answer.
        let what = ("watch", allocations(1 + ANSWER));
        each_request(scene, actor, what, request, as_it_is, |scene, peer, _| {
            watches(scene, peer)
        })
    })?;
    scene.step("unwatch R3", "it gets no event, or it does", |scene| {
        let unwatch = Request::Unwatch(Some("R3"));
        let request = (unwatch.kind(), &unwatch.payload()[..]);
        let what = ("unwatch", allocations(ANSWER));
        let prepare = |scene: &mut Scene<'_>, peer: &Peer| wish(scene, peer, watch);
        each_request(scene, actor, what, request, prepare, |scene, peer, _| {
            Ok(!watches(scene, peer)?)
        })
    })
}

/// Add and delete, with two watchers.
fn changes(
    scene: &mut Scene<'_>,
    actor: &Program,
    observer: &Peer,
    audience: &mut Audience,
) -> Outcome {
    scene.step(
        "add an entry",
        "an errno and no entry; or an entry, and each watcher gets the event or is told of the loss",
        |scene| {
            let add = Request::Add("new");
            let request = (add.kind(), &add.payload()[..]);
            // The entry, two events, the answer.
            let what = ("add", allocations(1 + 2 * EVENT + ANSWER));
            each_request(scene, actor, what, request, as_it_is, |scene, _, _| {
                let there = entry(scene, observer, "new")?.is_some();
                let told = audience.was_told(scene, ADDED, added)?;
                expect_eq("an event, because the entry exists", told, there)?;
                if there {
                    wish(scene, observer, Request::Delete("new"))?;
                    let told = audience.was_told(scene, DELETED, requested)?;
                    expect_eq("an event when it is deleted", told, true)?;
                }
                expect_lost(scene, audience)?;
                Ok(there)
            })
        },
    )?;
    scene.step("delete an entry", "the same", |scene| {
        let delete = Request::Delete("new");
        let request = (delete.kind(), &delete.payload()[..]);
        let what = ("delete", allocations(2 * EVENT + ANSWER));
        // Both closures use the watchers, one after the other.
        let heard = std::cell::RefCell::new(audience);
        let prepare = |scene: &mut Scene<'_>, _: &Peer| {
            wish(scene, observer, Request::Add("new"))?;
            let told = heard.borrow_mut().was_told(scene, ADDED, added)?;
            expect_eq("an event when it is added", told, true)
        };
        each_request(scene, actor, what, request, prepare, |scene, _, _| {
            let there = entry(scene, observer, "new")?.is_some();
            let mut audience = heard.borrow_mut();
            let told = audience.was_told(scene, DELETED, requested)?;
            expect_eq("no event, although the entry exists", told, !there)?;
            expect_lost(scene, &audience)?;
            Ok(!there)
        })
    })
}

/// An entry that expires, with two watchers. The timer cannot report a lack of memory to a sender.
fn expiry(scene: &mut Scene<'_>, observer: &Peer, audience: &mut Audience) -> Outcome {
    scene.step(
        "an entry expires",
        "the entry is deleted, and each watcher gets the event or is told of the loss",
        |scene| {
            let expire = Request::Expire("brief", 1);
            // Without NLM_F_ACK, because an answer would need memory, too.
            let expire = Header {
                flags: NLM_F_REQUEST,
                ..request_header(expire.kind())
            }
            .encode(&expire.payload());
            for times in [1, i32::MAX as u32] {
                let mut bytes = 0;
                loop {
                    wish(scene, observer, Request::Add("brief"))?;
                    audience.was_told(scene, ADDED, |_| true)?;
                    run_out(scene, bytes, times)?;
                    scene.send(observer, expire.clone())?;
                    let told = audience.is_told(scene, PATIENCE, DELETED, expired)?;
                    let failed = recover(scene, times)?;
                    expect_eq("an event, or a report of its loss", told, true)?;
                    let there = entry(scene, observer, "brief")?.is_some();
                    expect_eq("the entry still exists", there, false)?;
                    expect_lost(scene, audience)?;
                    if failed == 0 {
                        break;
                    }
                    bytes += 128;
                }
                if bytes == 0 {
                    return Err(fail("an allocation that can fail", "none"));
                }
            }
            Ok(())
        },
    )
}

fn added(payload: &[u8]) -> bool {
    matches!(News::decode(ADDED, payload), Ok(Some(News::Added("new"))))
}

fn requested(payload: &[u8]) -> bool {
    let news = News::decode(DELETED, payload);
    matches!(news, Ok(Some(News::Deleted("new", Reason::Requested))))
}

fn expired(payload: &[u8]) -> bool {
    let news = News::decode(DELETED, payload);
    matches!(news, Ok(Some(News::Deleted("brief", Reason::Expired))))
}

/// The module counts as lost the events that the watchers have not received.
fn expect_lost(scene: &mut Scene<'_>, audience: &Audience) -> Outcome {
    expect_dropped(scene, MODULE, audience.lost().iter().sum())
}
