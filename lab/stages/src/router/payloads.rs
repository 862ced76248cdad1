// SPDX-License-Identifier: MIT OR Apache-2.0
//! Wrong attributes: clause N3.

use nix::errno::Errno;
use protocol::{
    attributes::{put_bytes, put_string, put_u32},
    router::{A_BODY, A_FROM, A_MAX, A_ROLES, LIST, PUBLISH, REGISTER, Roles, UNREGISTER},
};

use crate::netlink::BadPayload;

/// Payloads that a policy, or the module itself, refuses.
pub(super) fn bad_payloads() -> Vec<BadPayload> {
    let roles = Roles::SUBSCRIBER.0;
    let wrong = [
        ("register without attributes", REGISTER, Vec::new()),
        ("unregister without attributes", UNREGISTER, Vec::new()),
        ("publish without attributes", PUBLISH, Vec::new()),
        (
            "roles of 2 bytes",
            REGISTER,
            made(&|out| put_bytes(out, A_ROLES, &[2, 0])),
        ),
        (
            "roles as a string",
            REGISTER,
            made(&|out| put_string(out, A_ROLES, "subscriber")),
        ),
        (
            "from of 8 bytes",
            REGISTER,
            made(&|out| {
                put_u32(out, A_ROLES, roles);
                put_bytes(out, A_FROM, &[1; 8]);
            }),
        ),
        (
            "a truncated attribute",
            PUBLISH,
            made(&|out| {
                put_bytes(out, A_BODY, b"hello");
                out.truncate(8);
            }),
        ),
        (
            "nla_len 3",
            PUBLISH,
            made(&|out| {
                put_bytes(out, A_BODY, b"hello");
                out[..2].copy_from_slice(&3_u16.to_ne_bytes());
            }),
        ),
        ("bytes that form no attribute", PUBLISH, b"abc".to_vec()),
    ];
    wrong
        .map(|(what, kind, payload)| (what, kind, payload, Errno::EINVAL))
        .into()
}

/// Attributes of other requests, unknown attributes, and a list request without NLM_F_DUMP.
pub(super) fn odd_payloads() -> Vec<BadPayload> {
    let roles = Roles::SUBSCRIBER.0;
    let wrong = [
        (
            "register with a body",
            REGISTER,
            made(&|out| {
                put_u32(out, A_ROLES, roles);
                put_bytes(out, A_BODY, b"hello");
            }),
        ),
        (
            "publish with roles",
            PUBLISH,
            made(&|out| {
                put_bytes(out, A_BODY, b"hello");
                put_u32(out, A_ROLES, roles);
            }),
        ),
        (
            "an unknown attribute",
            PUBLISH,
            made(&|out| {
                put_bytes(out, A_BODY, b"hello");
                put_u32(out, A_MAX + 1, 1);
            }),
        ),
        ("a list without NLM_F_DUMP", LIST, Vec::new()),
    ];
    wrong
        .map(|(what, kind, payload)| (what, kind, payload, Errno::EINVAL))
        .into()
}

fn made(make: &dyn Fn(&mut Vec<u8>)) -> Vec<u8> {
    let mut payload = Vec::new();
    make(&mut payload);
    payload
}
