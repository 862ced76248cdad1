// SPDX-License-Identifier: MIT OR Apache-2.0
//! The catalogue: one row for each assignment stage. All code that builds, shows, grades or cuts a
//! stage takes its names from here. `lab-stages` adds the steps with their scenarios.

/// The names that belong to an assignment stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageRow {
    /// The name as in `make NAME`.
    pub name: &'static str,
    /// Title for people.
    pub title: &'static str,
    /// The package of its programs, which is also the name of its directory.
    pub package: &'static str,
    /// The programs of that package.
    pub programs: &'static [&'static str],
    /// The modules in `kernel/` that students write.
    pub modules: &'static [&'static str],
}

/// All stages, in the order in which students meet them.
pub static ROWS: [StageRow; 4] = [PART1, PART2, PART3, MESSAGE_SLOT];

/// Threads.
pub const PART1: StageRow = StageRow {
    name: "part1",
    title: "Part 1: threads of one process",
    package: "part1-threads",
    programs: &["threads"],
    modules: &[],
};

/// Netlink.
pub const PART2: StageRow = StageRow {
    name: "part2",
    title: "Part 2: one process and one kernel module",
    package: "part2-netlink",
    programs: &[
        "nl-greet",
        "nl-hello",
        "nl-recv",
        "pubsub",
        "route-ctl",
        "route-watch",
    ],
    modules: &["nl_hello", "nl_greeting", "nl_routes", "nl_pubsub"],
};

/// Kernel lists.
pub const PART3: StageRow = StageRow {
    name: "part3",
    title: "Part 3: kernel lists that route between any number of processes",
    package: "part3-lists",
    programs: &["router-client"],
    modules: &["nl_router"],
};

/// The character device.
pub const MESSAGE_SLOT: StageRow = StageRow {
    name: "message-slot",
    title: "Message slot: a character device with channels",
    package: "message-slot",
    programs: &["message_sender", "message_reader"],
    modules: &["message_slot"],
};

/// The packages of all stages.
pub fn packages() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|row| row.package)
}

/// The programs of all stages.
pub fn programs() -> impl Iterator<Item = &'static str> {
    ROWS.iter().flat_map(|row| row.programs).copied()
}

/// The modules of all stages.
pub fn modules() -> impl Iterator<Item = &'static str> {
    ROWS.iter().flat_map(|row| row.modules).copied()
}

/// The stage of a program; `None` if no stage has one of this name.
pub fn stage_of_program(name: &str) -> Option<&'static str> {
    let mut rows = ROWS.iter();
    Some(rows.find(|row| row.programs.contains(&name))?.name)
}

/// The stage of a module; `None` if no stage has one of this name.
pub fn stage_of_module(name: &str) -> Option<&'static str> {
    let mut rows = ROWS.iter();
    Some(rows.find(|row| row.modules.contains(&name))?.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_stage_is_guessed() {
        assert_eq!(stage_of_program("nl-recv"), Some("part2"));
        assert_eq!(stage_of_module("message_slot"), Some("message-slot"));
        assert_eq!(stage_of_program("nl-new"), None);
        assert_eq!(stage_of_module("nl_new"), None);
    }
}
