// SPDX-License-Identifier: MIT OR Apache-2.0
//! Part 2: one process and one kernel module.

mod common;

scenarios! {
    "part2";
    demonstration = "part2/B4-demonstration",
    role_byte = "part2/B1-role-byte",
    places = "part2/B2-places",
    forwarded = "part2/B3-forwarded",
    prompt = "part2/B4-prompt",
    acknowledged = "part2/N1-acknowledged",
    reply_address = "part2/N2-reply-address",
    lengths = "part2/N3-lengths",
    body_lengths = "part2/N3-body-lengths",
    killed = "part2/N4-killed",
    buffers = "part2/N5-buffers",
    slow_reader = "part2/N6-slow-reader",
    in_and_out = "part2/N7-in-and-out",
    protocol_taken = "part2/N7-protocol-taken",
    any_user = "part2/N8-any-user",
    other_namespace = "part2/N9-other-namespace",
    strangers = "part2/N10-strangers",
    overrun = "part2/N10-overrun",
    no_module = "part2/N11-no-module",
    ends = "part2/N11-ends",
    long_lines = "part2/N11-long-lines",
}
