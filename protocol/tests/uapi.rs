// SPDX-License-Identifier: MIT OR Apache-2.0
//! Compiles `kernel/include/uapi` with the C compiler and compares every constant in it with the
//! Rust one. A constant on one side only fails, too.

use std::{collections::BTreeMap, error::Error, path::Path, process::Command};

use ipclab_protocol::{greeting, hello, netlink, pubsub, router, routes, slot};

fn rust_side() -> BTreeMap<String, u64> {
    [
        ("IPCLAB_NETLINK_PROTO", u64::from(netlink::PROTO)),
        ("IPCLAB_BODY_MAX", netlink::BODY_MAX as u64),
        ("NL_PUBSUB_REQUEST", u64::from(pubsub::REQUEST)),
        ("NL_PUBSUB_DATA", u64::from(pubsub::DATA)),
        ("NL_PUBSUB_PUBLISHER", u64::from(pubsub::PUBLISHER)),
        ("NL_PUBSUB_SUBSCRIBER", u64::from(pubsub::SUBSCRIBER)),
        ("NL_PUBSUB_PLACES", pubsub::PLACES as u64),
        ("MSG_SLOT_MAJOR", u64::from(slot::MAJOR)),
        ("MSG_SLOT_MINORS", slot::MINORS as u64),
        ("MSG_SLOT_MESSAGE_MAX", slot::MESSAGE_MAX as u64),
        ("MSG_SLOT_CHANNEL", u64::from(slot::CHANNEL)),
        ("NL_ROUTER_REGISTER", u64::from(router::REGISTER)),
        ("NL_ROUTER_UNREGISTER", u64::from(router::UNREGISTER)),
        ("NL_ROUTER_PUBLISH", u64::from(router::PUBLISH)),
        ("NL_ROUTER_LIST", u64::from(router::LIST)),
        ("NL_ROUTER_DATA", u64::from(router::DATA)),
        ("NL_ROUTER_MEMBER", u64::from(router::MEMBER)),
        ("NL_ROUTER_A_ROLES", u64::from(router::A_ROLES)),
        ("NL_ROUTER_A_FROM", u64::from(router::A_FROM)),
        ("NL_ROUTER_A_BODY", u64::from(router::A_BODY)),
        ("NL_ROUTER_A_PORTID", u64::from(router::A_PORTID)),
        ("NL_ROUTER_A_PID", u64::from(router::A_PID)),
        ("NL_ROUTER_A_DELIVERED", u64::from(router::A_DELIVERED)),
        ("NL_ROUTER_A_DROPPED", u64::from(router::A_DROPPED)),
        ("NL_ROUTER_A_MAX", u64::from(router::A_MAX)),
        ("NL_ROUTER_PUBLISHER", u64::from(router::Roles::PUBLISHER.0)),
        (
            "NL_ROUTER_SUBSCRIBER",
            u64::from(router::Roles::SUBSCRIBER.0),
        ),
        ("NL_HELLO_REQUEST", u64::from(hello::REQUEST)),
        ("NL_HELLO_ANSWER", u64::from(hello::ANSWER)),
        ("NL_GREETING_REQUEST", u64::from(greeting::REQUEST)),
        ("NL_GREETING_DATA", u64::from(greeting::DATA)),
        ("NL_GREETING_GROUP", u64::from(greeting::GROUP)),
        ("NL_GREETING_A_TEXT", u64::from(greeting::A_TEXT)),
        ("NL_ROUTES_LIST", u64::from(routes::LIST)),
        ("NL_ROUTES_ADD", u64::from(routes::ADD)),
        ("NL_ROUTES_DELETE", u64::from(routes::DELETE)),
        ("NL_ROUTES_EXPIRE", u64::from(routes::EXPIRE)),
        ("NL_ROUTES_WATCH", u64::from(routes::WATCH)),
        ("NL_ROUTES_UNWATCH", u64::from(routes::UNWATCH)),
        ("NL_ROUTES_ENTRY", u64::from(routes::ENTRY)),
        ("NL_ROUTES_ADDED", u64::from(routes::ADDED)),
        ("NL_ROUTES_DELETED", u64::from(routes::DELETED)),
        ("NL_ROUTES_A_NAME", u64::from(routes::A_NAME)),
        ("NL_ROUTES_A_EXPIRE_MS", u64::from(routes::A_EXPIRE_MS)),
        ("NL_ROUTES_A_REASON", u64::from(routes::A_REASON)),
        ("NL_ROUTES_EXPIRED", u64::from(routes::EXPIRED)),
        ("NL_ROUTES_REQUESTED", u64::from(routes::REQUESTED)),
        ("NL_ROUTES_EXPIRE_MAX", u64::from(routes::EXPIRE_MAX)),
        ("NL_ROUTES_NAME_MAX", routes::NAME_MAX as u64),
        ("NL_ROUTES_ENTRIES", routes::ENTRIES as u64),
        ("NL_ROUTES_WATCHES", routes::WATCHES as u64),
        // Constants of linux/netlink.h that `protocol` repeats.
        ("NLMSG_HDRLEN", netlink::HEADER_LEN as u64),
        ("NLMSG_ERROR", u64::from(netlink::NLMSG_ERROR)),
        ("NLMSG_DONE", u64::from(netlink::NLMSG_DONE)),
        ("NLMSG_MIN_TYPE", u64::from(netlink::NLMSG_MIN_TYPE)),
        ("NLM_F_REQUEST", u64::from(netlink::NLM_F_REQUEST)),
        ("NLM_F_ACK", u64::from(netlink::NLM_F_ACK)),
        ("NLM_F_MULTI", u64::from(netlink::NLM_F_MULTI)),
        ("NLM_F_DUMP", u64::from(netlink::NLM_F_DUMP)),
        ("NLMSG_NOOP", u64::from(netlink::NLMSG_NOOP)),
        ("NLM_F_DUMP_INTR", u64::from(netlink::NLM_F_DUMP_INTR)),
        ("NLM_F_CAPPED", u64::from(netlink::NLM_F_CAPPED)),
        ("NLM_F_ACK_TLVS", u64::from(netlink::NLM_F_ACK_TLVS)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// Names with a value in the header; include guards have none.
fn defined_in(header: &str) -> impl Iterator<Item = &str> {
    header.lines().filter_map(|line| {
        let mut words = line.strip_prefix("#define ")?.split_whitespace();
        let name = words.next()?;
        words.next().map(|_| name)
    })
}

#[test]
fn every_constant_of_the_c_header_is_the_rust_one() -> Result<(), Box<dyn Error>> {
    let uapi = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kernel/include/uapi");
    let mut header = std::fs::read_to_string(uapi.join("ipclab/netlink.h"))?;
    header += &std::fs::read_to_string(uapi.join("ipclab/message_slot.h"))?;
    let mut names: Vec<&str> = defined_in(&header).collect();
    assert!(
        names.len() >= 11,
        "constants found in the header: {names:?}"
    );
    let expected = rust_side();
    names.extend(
        expected
            .keys()
            .map(String::as_str)
            .filter(|n| n.starts_with("NLM")),
    );

    let mut source =
        "#include <stdio.h>\n#include <linux/netlink.h>\n#include <ipclab/netlink.h>\n#include <ipclab/message_slot.h>\nint main(void)\n{\n"
            .to_owned();
    for name in &names {
        source += &format!("\tprintf(\"{name} %llu\\n\", (unsigned long long)({name}));\n");
    }
    source += "\treturn 0;\n}\n";

    let dir = tempfile::tempdir()?;
    let (c, program) = (dir.path().join("uapi.c"), dir.path().join("uapi"));
    std::fs::write(&c, source)?;
    let compiled = Command::new("cc")
        .args(["-std=gnu11", "-Wall", "-Werror", "-I"])
        .args([&uapi, Path::new("-o"), &program, &c])
        .status()?;
    assert!(compiled.success(), "the header does not compile");

    let printed = String::from_utf8(Command::new(&program).output()?.stdout)?;
    let c_side: BTreeMap<String, u64> = printed
        .lines()
        .map(|line| {
            let (name, value) = line.split_once(' ').ok_or("expected a name and a value")?;
            Ok((name.to_owned(), value.parse()?))
        })
        .collect::<Result<_, Box<dyn Error>>>()?;
    assert_eq!(c_side, expected);
    Ok(())
}
