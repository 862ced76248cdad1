// SPDX-License-Identifier: MIT OR Apache-2.0
//! The message slot: a character device with channels.

mod common;

scenarios! {
    "message-slot";
    demonstration = "message-slot/R6-demonstration",
    d1_minors = "message-slot/D1-minors",
    d2_major_taken = "message-slot/D2-major-taken",
    d2_second_insert = "message-slot/D2-second-insert",
    d3_in_use = "message-slot/D3-in-use",
    d4_freed = "message-slot/D4-freed",
    d5_bounded = "message-slot/D5-bounded",
    d6_per_file = "message-slot/D6-per-file",
    d7_shared = "message-slot/D7-shared",
    d8_whole = "message-slot/D8-whole",
    i1_chosen = "message-slot/I1-chosen",
    i2_unknown = "message-slot/I2-unknown",
    i3_zero = "message-slot/I3-zero",
    i4_ids = "message-slot/I4-ids",
    i4_many = "message-slot/I4-many",
    w1_replaces = "message-slot/W1-replaces",
    w2_no_channel = "message-slot/W2-no-channel",
    w3_lengths = "message-slot/W3-lengths",
    w4_unreadable = "message-slot/W4-unreadable",
    w5_intact = "message-slot/W5-intact",
    w5_memory = "message-slot/W5-memory",
    w5_fuzz = "message-slot/W5-fuzz",
    r1_exact = "message-slot/R1-exact",
    r2_no_channel = "message-slot/R2-no-channel",
    r3_empty = "message-slot/R3-empty",
    r4_short = "message-slot/R4-short",
    r5_unwritable = "message-slot/R5-unwritable",
    r5_fuzz = "message-slot/R5-fuzz",
    r6_outlives = "message-slot/R6-outlives",
    s1_sender = "message-slot/S1-sender",
    p1_reader = "message-slot/P1-reader",
    s2_errors = "message-slot/S2-errors",
    p2_errors = "message-slot/P2-errors",
}
