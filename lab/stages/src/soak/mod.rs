// SPDX-License-Identifier: MIT OR Apache-2.0
//! The scenarios of `make soak`, which it repeats with a new seed each time: all scenarios with
//! concurrent processes, and random requests.

mod netlink;
mod size;
mod slot;

use lab_scene::Scenario;

use super::{faults, router::crowd::GREAT_CROWD};
use size::{ACTORS, BATCHES, CALLS};

/// Scenarios of the stages with concurrent processes, or with a killed one.
const MEETINGS: &[&str] = &[
    "message-slot/D3-in-use",
    "message-slot/D6-per-file",
    "message-slot/D7-shared",
    "message-slot/D8-whole",
    "part2/N4-greeting-killed",
    "part2/N4-routes-killed",
    "part2/N4-killed",
    "part2/B2-places",
    "part2/N7-in-and-out",
    "part3/N4-killed",
    "part3/N4-mid-stream",
    "part3/N4-successor",
    "part3/N6-stopped",
    "part3/L1-list-changes",
    "part3/L3-order",
    "part3/L5-crowd",
    "part3/N7-in-and-out",
    "part3/N7-busy",
];

/// Scenarios of its own. They take long, or differ in each run.
static OWN: &[Scenario] = &[
    slot::RANDOM,
    netlink::HELLO,
    netlink::GREETING,
    netlink::ROUTES,
    netlink::PUBSUB,
    netlink::ROUTER,
    GREAT_CROWD,
];

/// All of them, in their order.
pub fn all() -> impl Iterator<Item = &'static Scenario> {
    let meetings = MEETINGS.iter().filter_map(|id| super::find(id));
    // Alternating, so that a short run has some of both kinds.
    let mut own = OWN.iter();
    meetings
        .flat_map(move |meeting| [own.next(), Some(meeting)])
        .flatten()
}

/// A scenario that can be repeated by its id: one of these, of the stages, or with faults.
pub fn find(id: &str) -> Option<&'static Scenario> {
    all()
        .find(|scenario| scenario.id == id)
        .or_else(|| super::find(id))
        .or_else(|| faults::find(id))
}

/// Number of random requests or calls in one run of this scenario.
pub fn operations(scenario: &Scenario) -> u64 {
    if scenario.id.starts_with(RANDOM) {
        (ACTORS * BATCHES * CALLS) as u64
    } else {
        0
    }
}

/// Prefix of the ids of scenarios with random operations.
const RANDOM: &str = "soak/random-";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_of_the_list_is_there_once() {
        let mut ids: Vec<_> = all().map(|scenario| scenario.id).collect();
        assert_eq!(ids.len(), MEETINGS.len() + OWN.len());
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), MEETINGS.len() + OWN.len());
    }
}
