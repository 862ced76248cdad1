// SPDX-License-Identifier: MIT OR Apache-2.0
//! Wrong attributes: clause N3.

use nix::errno::Errno;
use protocol::{
    attributes::put_bytes,
    netlink::BODY_MAX,
    routes::{A_EXPIRE_MS, A_NAME, A_REASON, ADD, DELETE, EXPIRE, EXPIRE_MAX, LIST, WATCH},
};

use crate::netlink::BadPayload;

/// Payloads that the policy, or the module itself, refuses.
pub(super) fn bad_payloads() -> Vec<BadPayload> {
    let mut too_long_len = one(A_NAME, b"N1\0");
    too_long_len[0] += 9;
    let mut leftover = one(A_NAME, b"N1\0\0");
    leftover.extend(b"abc");
    vec![
        ("no name", ADD, Vec::new(), Errno::EINVAL),
        ("no name to delete", DELETE, Vec::new(), Errno::EINVAL),
        ("a name of 0 bytes", ADD, one(A_NAME, b""), Errno::EINVAL),
        ("a NUL alone", ADD, one(A_NAME, b"\0"), Errno::EINVAL),
        ("no NUL", ADD, one(A_NAME, b"N1"), Errno::EINVAL),
        (
            "bytes behind the NUL",
            ADD,
            one(A_NAME, b"N1\0x"),
            Errno::EINVAL,
        ),
        (
            "16 bytes and a NUL",
            ADD,
            one(A_NAME, b"0123456789abcdef\0"),
            Errno::EINVAL,
        ),
        (
            "1020 bytes, no NUL",
            ADD,
            one(A_NAME, &[b'x'; BODY_MAX - 4]),
            Errno::EINVAL,
        ),
        (
            "an attribute longer than the message",
            ADD,
            too_long_len,
            Errno::EINVAL,
        ),
        ("bytes behind the attributes", ADD, leftover, Errno::EINVAL),
        ("three bytes", ADD, vec![1, 2, 3], Errno::EINVAL),
        ("no time", EXPIRE, one(A_NAME, b"R1\0"), Errno::EINVAL),
        (
            "a time of 2 bytes",
            EXPIRE,
            named(A_EXPIRE_MS, &[1, 0]),
            Errno::EINVAL,
        ),
        (
            "a time of 8 bytes",
            EXPIRE,
            named(A_EXPIRE_MS, &[1; 8]),
            Errno::EINVAL,
        ),
        (
            "a time that is too long",
            EXPIRE,
            named(A_EXPIRE_MS, &(EXPIRE_MAX + 1).to_ne_bytes()),
            Errno::ERANGE,
        ),
    ]
}

/// Attributes of other requests, unknown attributes, a list request without NLM_F_DUMP, and a name
/// that the kernel's own check accepts (`NLA_NUL_STRING`).
pub(super) fn odd_payloads() -> Vec<BadPayload> {
    vec![
        ("two NULs", ADD, one(A_NAME, b"N1\0\0"), Errno::EINVAL),
        ("an unknown attribute", ADD, named(9, b"x"), Errno::EINVAL),
        (
            "a time in add",
            ADD,
            named(A_EXPIRE_MS, &[1, 0, 0, 0]),
            Errno::EINVAL,
        ),
        (
            "a reason in watch",
            WATCH,
            named(A_REASON, &[1, 0, 0, 0]),
            Errno::EINVAL,
        ),
        ("a list without NLM_F_DUMP", LIST, Vec::new(), Errno::EINVAL),
    ]
}

fn one(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut payload = Vec::new();
    put_bytes(&mut payload, kind, value);
    payload
}

fn named(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut payload = one(A_NAME, b"R1\0");
    put_bytes(&mut payload, kind, value);
    payload
}
