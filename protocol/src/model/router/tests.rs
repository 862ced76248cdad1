// SPDX-License-Identifier: MIT OR Apache-2.0
//! The contract of the router, tested on its model.

use super::*;
use crate::{
    netlink::{Header, NLM_F_DUMP, NLM_F_REQUEST},
    router::Request,
};

const A: Handle = Handle {
    process: 0,
    name: 1,
};
const B: Handle = Handle {
    process: 1,
    name: 1,
};
const SEQ: u32 = 7;

fn encode(request: &Request<'_>) -> Vec<u8> {
    let dump = if *request == Request::List {
        NLM_F_DUMP
    } else {
        0
    };
    let header = Header {
        kind: request.kind(),
        flags: NLM_F_REQUEST | NLM_F_ACK | dump,
        seq: SEQ,
        portid: PortId(0),
    };
    header.encode(&request.payload())
}

fn register(roles: Roles, from: Option<PortId>) -> Vec<u8> {
    encode(&Request::Register { roles, from })
}

/// The messages at a socket after it has sent this.
fn ask(router: &mut Router, socket: Handle, datagram: &[u8]) -> Vec<Incoming> {
    router.send(socket, datagram).unwrap();
    std::iter::from_fn(|| router.receive(socket)).collect()
}

fn ack(result: Allowed<Option<Report>>) -> Vec<Incoming> {
    let seq = Some(SEQ);
    vec![Incoming::Ack { seq, result }]
}

fn refused(errno: Errno) -> Vec<Incoming> {
    ack(Err(vec![errno]))
}

fn report(delivered: u32) -> Vec<Incoming> {
    let dropped = 0;
    ack(Ok(Some(Report { delivered, dropped })))
}

fn two() -> Router {
    let mut router = Router::default();
    router.open(A, PortId(10)).unwrap();
    router.open(B, PortId(20)).unwrap();
    router
}

#[test]
fn a_publication_goes_to_whose_subscription_covers_its_sender() {
    let mut router = two();
    let body = encode(&Request::Publish(b"hello"));
    assert_eq!(ask(&mut router, A, &body), refused(Errno::EPERM));
    assert_eq!(
        ask(&mut router, A, &register(Roles::BOTH, None)),
        ack(Ok(None))
    );
    assert_eq!(ask(&mut router, A, &body), report(0));
    let only = register(Roles::SUBSCRIBER, Some(PortId(10)));
    assert_eq!(ask(&mut router, B, &only), ack(Ok(None)));
    assert_eq!(ask(&mut router, A, &body), report(1));
    let data = Incoming::Data {
        seq: 1,
        sender: PortId(10),
        body: b"hello".into(),
    };
    assert_eq!(router.receive(B), Some(data));
    assert_eq!(router.receive(B), None);
}

#[test]
fn roles_are_taken_and_given_back_together_or_not_at_all() {
    let mut router = two();
    assert_eq!(
        ask(&mut router, A, &register(Roles::PUBLISHER, None)),
        ack(Ok(None))
    );
    assert_eq!(
        ask(&mut router, A, &register(Roles::BOTH, None)),
        refused(Errno::EALREADY)
    );
    let both = encode(&Request::Unregister(Roles::BOTH));
    assert_eq!(ask(&mut router, A, &both), refused(Errno::ENOENT));
    assert_eq!(
        ask(&mut router, A, &register(Roles::SUBSCRIBER, None)),
        ack(Ok(None))
    );
    assert_eq!(ask(&mut router, A, &both), ack(Ok(None)));
    assert_eq!(
        ask(&mut router, A, &encode(&Request::List)),
        [Incoming::List(vec![])]
    );
}

#[test]
fn who_ends_leaves_nothing_to_a_successor_at_its_address() {
    let mut router = two();
    assert_eq!(router.open(A, PortId(30)), Err(vec![Errno::EBADF]));
    ask(&mut router, A, &register(Roles::BOTH, Some(PortId(20))));
    ask(&mut router, B, &register(Roles::PUBLISHER, None));
    router.end(0);
    assert_eq!(router.open(A, PortId(20)), Err(vec![Errno::EADDRINUSE]));
    router.open(A, PortId(10)).unwrap();
    let publish = encode(&Request::Publish(b""));
    assert_eq!(ask(&mut router, A, &publish), refused(Errno::EPERM));
    assert_eq!(ask(&mut router, B, &publish), report(0));
    let [Incoming::List(members)] = &ask(&mut router, A, &encode(&Request::List))[..] else {
        panic!("expected a list");
    };
    let found: Vec<_> = members
        .iter()
        .map(|member| (member.role, member.pid))
        .collect();
    assert_eq!(found, [(Roles::PUBLISHER, 1)]);
}

#[test]
fn one_bad_header_and_nothing_of_the_datagram_is_carried_out() {
    let mut router = two();
    let mut datagram = register(Roles::PUBLISHER, None);
    datagram.extend([0; 15]);
    let result = Err(vec![Errno::EINVAL]);
    assert_eq!(
        ask(&mut router, A, &datagram),
        [Incoming::Ack { seq: None, result }]
    );
    datagram.truncate(24);
    assert_eq!(ask(&mut router, A, &datagram), ack(Ok(None)));
    assert_eq!(ask(&mut router, A, &datagram), refused(Errno::EALREADY));
}

#[test]
fn a_list_that_is_not_read_keeps_the_next_one_away() {
    let mut router = two();
    router.send(A, &encode(&Request::List)).unwrap();
    router.send(A, &encode(&Request::List)).unwrap();
    assert_eq!(router.waiting(A), 2);
    assert_eq!(router.longest(), 2);
    assert_eq!(router.receive(A), Some(Incoming::List(vec![])));
    assert_eq!(router.receive(A), refused(Errno::EBUSY).pop());
}
