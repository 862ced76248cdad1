// SPDX-License-Identifier: MIT OR Apache-2.0
//! The scenarios of part 2, step 4, in a real kernel, compared with their snapshots. The
//! snapshots are the same on every kernel.

use lab::{stages, testing::on_shared_machine, transcript::Status};

fn check(id: &str) {
    let scenario = stages::find(id).unwrap_or_else(|| panic!("there is no scenario {id}"));
    let ended = on_shared_machine(scenario).unwrap_or_else(|error| panic!("{error}"));
    let record = ended.transcript.normalised();
    assert_eq!(ended.transcript.status(), Status::Pass, "{id}\n{record}");
    assert!(ended.healthy, "{id} has left something behind\n{record}");
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_description(scenario.title);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(id.replace('/', "-"), record));
}

macro_rules! scenarios {
    ($($name:ident = $id:literal,)*) => {
        $(
            #[test]
            fn $name() {
                check($id);
            }
        )*

        /// Adding a scenario and no test for it would go unnoticed otherwise.
        #[test]
        fn every_scenario_has_a_test() {
            let tested = [$($id),*];
            let missing: Vec<_> =
                stages::all().map(|scenario| scenario.id).filter(|id| !tested.contains(id)).collect();
            assert_eq!(missing, [""; 0]);
        }
    };
}

scenarios! {
    demonstration = "part2/B4-demonstration",
    role_byte = "part2/B1-role-byte",
    places = "part2/B2-places",
    forwarded = "part2/B3-forwarded",
    prompt = "part2/B4-prompt",
    acknowledged = "part2/N1-acknowledged",
    reply_address = "part2/N2-reply-address",
    lengths = "part2/N3-lengths",
    body_lengths = "part2/N3-body-lengths",
    killed = "part2/N4-killed",
    buffers = "part2/N5-buffers",
    slow_reader = "part2/N6-slow-reader",
    in_and_out = "part2/N7-in-and-out",
    protocol_taken = "part2/N7-protocol-taken",
    any_user = "part2/N8-any-user",
    other_namespace = "part2/N9-other-namespace",
    strangers = "part2/N10-strangers",
    overrun = "part2/N10-overrun",
    no_module = "part2/N11-no-module",
    ends = "part2/N11-ends",
    long_lines = "part2/N11-long-lines",
}
