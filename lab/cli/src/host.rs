// SPDX-License-Identifier: MIT OR Apache-2.0
//! A description of the host for people.

use std::thread;

/// This host, for people who compare figures: its processor and number of cores.
pub fn host() -> String {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    format!("{cores} cores of {}", processor())
}

/// The name of this host's processor.
pub fn processor() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or("an unknown processor", |(_, name)| name)
        .to_owned()
}
