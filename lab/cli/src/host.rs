// SPDX-License-Identifier: MIT OR Apache-2.0
//! A description of the host for people.

use std::thread;

/// This host, for people who compare figures: its processor and number of cores.
pub fn host() -> String {
    format!("{} cores of {}", processors(), processor())
}

/// How many threads of this process can run at the same time.
pub fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
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
