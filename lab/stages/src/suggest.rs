// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which check looks at the same thing as a step of a demonstration, so that a student who sees this
//! step fail gets the hints of that check.

use lab_scene::Scenario;

use crate::stage::Step;

/// For each step of the catalogue: how the title of a demonstration's step begins, and the name of
/// the check. The first row that fits counts.
const ROWS: &[(&str, &[(&str, &str)])] = &[
    (
        "threads",
        &[
            ("one producer", "T1-threads"),
            ("three producers", "T3-many"),
            ("a buffer without a place", "T5-zeroes"),
        ],
    ),
    (
        "hello",
        &[
            ("insert the module", "N7-hello-in-and-out"),
            ("send a text to the kernel", "H1-program"),
            ("a text that is not ASCII", "H1-bytes"),
            ("send an empty text", "N3-hello-payloads"),
            ("the lab's own client opens", "N8-hello-any-user"),
            ("send a wrong request", "N3-hello-payloads"),
            ("send a request", "H1-bytes"),
            ("send another request", "H1-bytes"),
            ("close the sockets", "N7-hello-in-and-out"),
            ("remove the module", "N7-hello-in-and-out"),
        ],
    ),
    (
        "greeting",
        &[
            ("insert the module", "N7-greeting-in-and-out"),
            ("start two receivers", "G1-programs"),
            ("ask the kernel to greet", "G1-programs"),
            ("and once more", "G2-trigger"),
            ("Ctrl-C for the receivers", "N11-greeting-ends"),
            ("ask while no process listens", "G3-group-only"),
            ("the lab's own client opens", "G1-multicast"),
            ("send a wrong request", "N3-greeting-payloads"),
            ("send a request", "G2-trigger"),
            ("send another request", "G2-trigger"),
            ("close the sockets", "N7-greeting-in-and-out"),
            ("remove the module", "N7-greeting-in-and-out"),
        ],
    ),
    (
        "routes",
        &[
            ("insert the module", "N7-routes-in-and-out"),
            ("P1 watches R1", "E2-watch"),
            ("let R3 expire", "E1-timer"),
            ("list the remaining entries", "E2-list"),
            ("add R3 again and delete it", "E1-told"),
            ("delete R1", "E1-told"),
            ("Ctrl-C for all three", "N11-routes-ends"),
            ("the lab's own client opens", "E2-watch"),
            ("send a wrong request", "N3-routes-payloads"),
            ("send a request", "E2-changes"),
            ("send another request", "E2-changes"),
            ("close the sockets", "N7-routes-in-and-out"),
            ("remove the module", "E4-removed-before"),
        ],
    ),
    (
        "pubsub",
        &[
            ("insert the module", "N7-in-and-out"),
            ("start two subscribers", "B2-places"),
            ("start a publisher", "B2-places"),
            ("type a line into the publisher", "B3-forwarded"),
            ("a line that begins with a role letter", "B1-role-byte"),
            ("a line that is not ASCII", "B3-forwarded"),
            ("a third subscriber", "B2-places"),
            ("end of input for the publisher", "N11-ends"),
            ("the lab's own client opens", "B2-places"),
            ("send a wrong request", "N3-body-lengths"),
            ("send a request", "B3-forwarded"),
            ("send another request", "B3-forwarded"),
            ("close the sockets", "N7-in-and-out"),
            ("remove the module", "N7-in-and-out"),
        ],
    ),
    (
        "router",
        &[
            ("insert the module", "N7-in-and-out"),
            ("start three publishers", "L1-register"),
            ("start four subscribers", "L1-register"),
            ("router-client --list", "L1-register"),
            ("type a line into publisher", "L2-routing"),
            ("kill -9 subscriber 2", "N4-killed"),
            ("a member with both roles", "L2-routing"),
            ("publisher B ends", "N11-ends"),
            ("end of input for the publishers", "N11-ends"),
            ("the lab's own client opens", "L1-register"),
            ("send a wrong request", "N1-requests"),
            ("send a request", "L2-routing"),
            ("send another request", "L2-routing"),
            ("close the sockets", "N7-in-and-out"),
            ("remove the module", "N7-in-and-out"),
        ],
    ),
    (
        "slot",
        &[
            ("insert the module", "D1-minors"),
            ("make a device node", "D1-minors"),
            ("send a message as root", "S1-sender"),
            ("read it as an ordinary user", "P1-reader"),
            ("overwrite it with a shorter one", "W1-replaces"),
            ("read another channel", "R3-empty"),
            ("open the slot", "D7-shared"),
            ("read and write before a channel", "W2-no-channel"),
            ("channel 0, and an unknown command", "I3-zero"),
            ("choose channel 5", "I1-chosen"),
            ("read into a buffer that is too short", "R4-short"),
            ("read into a buffer that cannot", "R5-unwritable"),
            ("write nothing", "W3-lengths"),
            ("write more than 128 bytes", "W3-lengths"),
            ("write from a buffer", "W4-unreadable"),
            ("close the slot, remove", "D4-freed"),
            ("close the slot", "R6-outlives"),
            ("read the message again", "R6-outlives"),
            ("the lab's own client opens", "I1-chosen"),
            ("write a message, and read it twice", "R1-exact"),
            ("choose channel 6 and read", "R3-empty"),
            ("remove the module", "D4-freed"),
        ],
    ),
];

impl Step {
    /// The check whose hints fit a step of the demonstration, by the title of this step.
    pub fn check_for(&self, title: &str) -> Option<&'static Scenario> {
        let (_, rows) = ROWS.iter().find(|(step, _)| *step == self.name)?;
        let (_, name) = rows.iter().find(|(start, _)| title.starts_with(start))?;
        let is_it = |check: &&Scenario| check.id.split_once('/').is_some_and(|(_, id)| id == *name);
        self.checks.iter().find(is_it)
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;
    use crate::STAGES;

    /// The titles in the snapshot of a demonstration: lines such as `2. start two subscribers`.
    fn titles(scenario: &Scenario) -> Vec<String> {
        let file = format!("../tests/snapshots/{}.snap", scenario.id.replace('/', "-"));
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        let title = |line: &str| {
            let (number, title) = line.split_once(". ")?;
            number.parse::<usize>().ok()?;
            Some(title.to_owned())
        };
        text.lines().filter_map(title).collect()
    }

    #[test]
    fn each_step_of_a_demonstration_suggests_a_check() {
        let mut missing = Vec::new();
        for step in STAGES.iter().flat_map(|stage| stage.steps) {
            let shown = [step.demonstration].into_iter().chain(step.module_alone);
            for scenario in shown {
                let titles = titles(scenario);
                assert!(!titles.is_empty(), "{}", scenario.id);
                let alone = titles
                    .iter()
                    .filter(|title| step.check_for(title).is_none());
                missing.extend(alone.map(|title| format!("{}: {title}", scenario.id)));
            }
        }
        assert_eq!(missing, [""; 0]);
    }

    #[test]
    fn each_row_names_a_check_of_its_step() {
        let steps: Vec<_> = STAGES.iter().flat_map(|stage| stage.steps).collect();
        assert_eq!(ROWS.len(), steps.len());
        for step in steps {
            let (_, rows) = ROWS.iter().find(|(name, _)| *name == step.name).unwrap();
            for (start, name) in *rows {
                let check = step.check_for(start).unwrap_or_else(|| panic!("{name}"));
                assert!(check.id.ends_with(name), "{start}: {}", check.id);
            }
        }
    }
}
