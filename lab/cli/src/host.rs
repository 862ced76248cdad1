// SPDX-License-Identifier: MIT OR Apache-2.0
//! The host, as people describe it.

use std::thread;

/// This host, for whoever compares figures: its processor and how many there are.
pub fn host() -> String {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    format!("{cores} cores of {}", processor())
}

/// What kind of processor this host has.
pub fn processor() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or("an unknown processor", |(_, name)| name)
        .to_owned()
}
