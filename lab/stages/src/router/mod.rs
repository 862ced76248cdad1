// SPDX-License-Identifier: MIT OR Apache-2.0
//! Part 3: `nl_router`, clauses L1-L5, and N1-N11.

mod clauses;
pub(crate) mod crowd;
mod leaving;
mod lists;
mod load;
mod order;
mod payloads;
mod programs;
pub(crate) mod step;
mod stream;

use lab_agent::{Exit, Stream};
use lab_machine::PATIENCE;
use lab_scene::{
    Outcome, Program, Scene, expect_eq, fail,
    peer::{ANSWERED, Peer, request, request_header},
    readable,
    transcript::LineKind,
};
use nix::errno::Errno;
use protocol::{
    netlink::{Header, Message, NLM_F_DUMP, NLM_F_REQUEST, PortId},
    router::{DATA, Data, LIST, MEMBER, Member, Request, Roles},
};

use super::netlink::{OK, TALKATIVE, dump};

const MODULE: &str = "nl_router";

/// A request as bytes.
fn encode(what: &Request<'_>) -> Vec<u8> {
    match what {
        Request::List => Header {
            flags: NLM_F_REQUEST | NLM_F_DUMP,
            ..request_header(what.kind())
        }
        .encode(&what.payload()),
        _ => request(what.kind(), &what.payload()),
    }
}

/// A request in words.
fn words(what: &Request<'_>) -> String {
    let role = |roles: Roles| match roles {
        Roles::PUBLISHER => "publisher".to_owned(),
        Roles::SUBSCRIBER => "subscriber".to_owned(),
        Roles::BOTH => "both".to_owned(),
        Roles(other) => format!("roles {other:#x}"),
    };
    match *what {
        Request::Register { roles, from: None } => format!("register: {}", role(roles)),
        Request::Register {
            roles,
            from: Some(portid),
        } => format!("register: {} from portid {portid}", role(roles)),
        Request::Unregister(roles) => format!("unregister: {}", role(roles)),
        Request::Publish(body) => format!("publish: {}", readable(body)),
        Request::List => "list".to_owned(),
    }
}

/// Send a request and expect this errno, with a reason in words unless it is [`OK`].
fn ask(scene: &mut Scene<'_>, peer: &Peer, what: &Request<'_>, expected: Errno) -> Outcome {
    scene.expect_answer_to(peer, encode(what), &words(what), expected)
}

/// Send a request to register or unregister that is refused. The contract names no errno for it.
fn refuse(scene: &mut Scene<'_>, peer: &Peer, what: &Request<'_>, expected: Errno) -> Outcome {
    if scene.contract_only() {
        return scene.expect_refused(peer, encode(what), &words(what));
    }
    ask(scene, peer, what, expected)
}

fn register(scene: &mut Scene<'_>, peer: &Peer, roles: Roles) -> Outcome {
    ask(scene, peer, &Request::Register { roles, from: None }, OK)
}

fn publish(scene: &mut Scene<'_>, peer: &Peer, body: &[u8]) -> Outcome {
    ask(scene, peer, &Request::Publish(body), OK)
}

/// A peer that has registered.
fn member(scene: &mut Scene<'_>, name: &str, roles: Roles) -> Outcome<Peer> {
    let peer = scene.peer(name, 0)?;
    register(scene, &peer, roles)?;
    Ok(peer)
}

/// A message for a subscriber: its number, its sender, its body.
fn data<'a>(message: &Message<'a>) -> Outcome<(u32, Data<'a>)> {
    expect_eq("nlmsg_type", message.header.kind, DATA)?;
    let data = Data::decode(message.payload)
        .map_err(|error| fail("sender and body", error.to_string()))?;
    Ok((message.header.seq, data))
}

/// Expect a message for a subscriber with this number, from this publisher, and with exactly these
/// bytes.
fn expect_data(
    scene: &mut Scene<'_>,
    peer: &Peer,
    seq: u32,
    sender: &Peer,
    body: &[u8],
) -> Outcome {
    let name = &peer.program.name;
    let Some(datagram) = scene.receive(peer, ANSWERED)? else {
        return Err(fail(
            format!("{name} receives message {seq}"),
            "nothing in time",
        ));
    };
    expect_eq("sender's address", datagram.from, Some(PortId::KERNEL))?;
    let message = datagram.message()?;
    scene.expect_from_kernel(message.header)?;
    let (got, data) = data(&message)?;
    scene.note(
        name,
        LineKind::Does,
        format!(
            "receives message {got} from portid {}, {} bytes: {}",
            data.sender,
            data.body.len(),
            readable(data.body)
        ),
    );
    scene.expect_number(got, seq)?;
    expect_eq("the publisher", data.sender, sender.portid)?;
    if scene.is_body(data.body, body) {
        return Ok(());
    }
    Err(fail(readable(body), readable(data.body)))
}

/// The members in a dump.
fn members(dump: &[(u16, Vec<u8>)]) -> Outcome<Vec<Member>> {
    let member = |(kind, payload): &(u16, Vec<u8>)| {
        expect_eq("nlmsg_type", *kind, MEMBER)?;
        Member::decode(payload).map_err(|error| fail("a member", error.to_string()))
    };
    dump.iter().map(member).collect()
}

/// Ask for the list and read it.
fn list(scene: &mut Scene<'_>, peer: &Peer) -> Outcome<Vec<Member>> {
    members(&dump(scene, peer, LIST, PortId(0))?)
}

/// Ask for the list and note it.
fn show_list(scene: &mut Scene<'_>, peer: &Peer) -> Outcome<Vec<Member>> {
    let members = list(scene, peer)?;
    let mut text = vec![format!("asks for the list: {} members", members.len())];
    text.extend(members.iter().map(|member| {
        let role = words(&Request::Register {
            roles: member.role,
            from: member.from,
        });
        format!(
            "  portid {} (pid {}) {}: {} delivered, {} dropped",
            member.portid,
            member.pid,
            role.trim_start_matches("register: "),
            member.delivered,
            member.dropped
        )
    }));
    for line in text {
        scene.note(&peer.program.name, LineKind::Does, line);
    }
    Ok(members)
}

/// Start a client and wait until it has registered. Returns its portid, too.
fn client(
    scene: &mut Scene<'_>,
    name: &str,
    role: &str,
    from: Option<PortId>,
) -> Outcome<(Program, PortId)> {
    let portid = from.map(|portid| portid.to_string());
    let mut command = vec!["router-client", "--role", role];
    if let Some(portid) = &portid {
        command.extend(["--from", portid]);
    }
    let program = scene.start(name, &command)?;
    let portid = registers(scene, &program)?;
    Ok((program, portid))
}

/// Wait for the first line of a client, and until it has registered. Returns its portid.
fn registers(scene: &mut Scene<'_>, program: &Program) -> Outcome<PortId> {
    let line = scene.wait_line(program, Stream::Stdout, PATIENCE)?;
    let line = readable(&line.unwrap_or_default());
    scene.note(&program.name, LineKind::Prints, line.as_str());
    let portid = line
        .split_once("portid ")
        .and_then(|(_, rest)| rest.split_once(' '))
        .and_then(|(portid, _)| portid.parse().ok())
        .ok_or_else(|| fail("portid N registers as ...", line.as_str()))?;
    let role = if line.ends_with("publisher") {
        "publisher"
    } else {
        "subscriber"
    };
    let portid = PortId(portid);
    if scene.contract_only() {
        // The contract does not state log lines of submitted modules.
        let lister = scene.peer("lister", 0)?;
        scene.expect_soon("it is listed", |scene| {
            let members = list(scene, &lister)?;
            Ok(members.iter().any(|member| member.portid == portid))
        })?;
        scene.close(&lister)?;
    } else {
        scene.expect_log(&format!("{role} portid {portid} registers"))?;
    }
    Ok(portid)
}

/// Type a line into a publisher, and expect it at each of `readers`, but not at the publisher
/// itself.
fn say(
    scene: &mut Scene<'_>,
    (publisher, portid): &(Program, PortId),
    line: &str,
    readers: &[&(Program, PortId)],
) -> Outcome {
    scene.type_line(publisher, line)?;
    for (reader, _) in readers {
        scene.expect_line(reader, &format!("portid {portid}: {line}"))?;
    }
    scene.expect_log(&format!("portid {portid} publishes"))?;
    scene.expect_silent(publisher)
}

/// The lists as `router-client --list` prints them; expects this many lines.
fn print_lists(scene: &mut Scene<'_>, expected: usize) -> Outcome {
    let lister = scene.start("lister", &["router-client", "--list"])?;
    let lines = scene.expect_end(&lister, Exit::Status(0))?;
    expect_eq("members", lines.len(), expected)
}
