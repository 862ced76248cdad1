// SPDX-License-Identifier: MIT OR Apache-2.0
//! The names of what a submission can consist of.

/// The modules of the stages.
pub const MODULES: [&str; 6] = [
    "message_slot",
    "nl_greeting",
    "nl_hello",
    "nl_pubsub",
    "nl_router",
    "nl_routes",
];

/// The programs of the stages, those of `message-slot` first.
pub const PROGRAMS: [&str; 10] = [
    "message_sender",
    "message_reader",
    "nl-greet",
    "nl-hello",
    "nl-recv",
    "pubsub",
    "route-ctl",
    "route-watch",
    "router-client",
    "threads",
];

/// The crates of the stages.
pub const CRATES: [&str; 4] = [
    "message-slot",
    "part1-threads",
    "part2-netlink",
    "part3-lists",
];
