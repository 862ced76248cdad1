// SPDX-License-Identifier: MIT OR Apache-2.0
//! Part 1: threads of one process.

mod common;

scenarios! {
    "part1";
    demonstration = "part1/T1-demonstration",
    threads = "part1/T1-threads",
    waiting = "part1/T1-waiting",
    out_of_place = "part1/T2-out-of-place",
    left_over = "part1/T2-left-over",
    many = "part1/T3-many",
    close = "part1/T4-close",
    close_wakes = "part1/T4-close-wakes",
    ends = "part1/T4-ends",
    capacities = "part1/T5-capacities",
    full = "part1/T5-full",
    zeroes = "part1/T5-zeroes",
    panics = "part1/T6-panics",
    buffers = "part1/T7-buffers",
    compared = "part1/T7-compared",
    quiet = "part1/T8-quiet",
    terminal = "part1/T8-terminal",
    model = "part1/T9-model",
}
