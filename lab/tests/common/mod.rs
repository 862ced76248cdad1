// SPDX-License-Identifier: MIT OR Apache-2.0
//! Scenarios as tests: each in a real kernel, its record compared with its snapshot. The snapshots
//! are the same on every kernel.

use lab::{stages, testing::carry_out, transcript::Status};

/// Carry out one scenario and compare.
pub(crate) fn check(id: &str) {
    let scenario = stages::find(id).unwrap_or_else(|| panic!("there is no scenario {id}"));
    let ended = carry_out(scenario).unwrap_or_else(|error| panic!("{error}"));
    let record = ended.transcript.normalised();
    assert_eq!(ended.transcript.status(), Status::Pass, "{id}\n{record}");
    assert!(ended.healthy, "{id} has left something behind\n{record}");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_description(scenario.title);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(id.replace('/', "-"), record));
}

/// Fail if the stage has a scenario that is not among `tested`: it would go unnoticed otherwise.
pub(crate) fn assert_all_tested(stage: &str, tested: &[&str]) {
    let prefix = format!("{stage}/");
    let missing: Vec<_> = stages::all()
        .map(|scenario| scenario.id)
        .filter(|id| id.starts_with(&prefix) && !tested.contains(id))
        .collect();
    assert_eq!(missing, [""; 0]);
}

/// `scenarios! { STAGE; test_name = "stage/CLAUSE-what", ... }`: a test for each.
#[macro_export]
macro_rules! scenarios {
    ($stage:literal; $($name:ident = $id:literal,)*) => {
        $(
            #[test]
            fn $name() {
                common::check($id);
            }
        )*

        #[test]
        fn every_scenario_has_a_test() {
            common::assert_all_tested($stage, &[$($id),*]);
        }
    };
}
