// SPDX-License-Identifier: MIT OR Apache-2.0
//! Part 1: threads of one process. What only shows inside the process is tested in
//! `part1-threads/tests/`.

mod common;

scenarios! {
    "part1";
    demonstration = "part1/T1-demonstration",
    threads = "part1/T1-threads",
    many = "part1/T3-many",
    capacities = "part1/T5-capacities",
    zeroes = "part1/T5-zeroes",
    buffers = "part1/T7-buffers",
    compared = "part1/T7-compared",
    quiet = "part1/T8-quiet",
}
