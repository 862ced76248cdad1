// SPDX-License-Identifier: MIT OR Apache-2.0
//! Types the commands of the walkthroughs, and compares their output.

use std::{collections::BTreeSet, path::Path};

use lab_scene::{LooksAt, Scenario, test_machines::carry_out, transcript::Status};
use lab_stages::walkthrough::walk;

macro_rules! walkthroughs {
    ($($name:ident,)*) => {
        $(
            #[test]
            fn $name() {
                let scenario = Scenario {
                    id: concat!("walkthrough/", stringify!($name)),
                    title: "a walkthrough",
                    looks_at: LooksAt::Module(&[]),
                    run: |scene| {
                        let name = stringify!($name).replace('_', "-");
                        scene.step("type the commands", "the stated output", |scene| walk(scene, &name))
                    },
                };
                let ended = carry_out(&scenario).unwrap_or_else(|error| panic!("{error}"));
                let record = ended.transcript.normalised();
                assert_eq!(ended.transcript.status(), Status::Pass, "{record}");
            }
        )*

        #[test]
        fn every_walkthrough_is_executed() {
            let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("walkthrough");
            let found: BTreeSet<String> = std::fs::read_dir(directory)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            let executed: BTreeSet<String> = [$(stringify!($name)),*]
                .map(|name| name.replace('_', "-") + ".md")
                .into();
            assert_eq!(found, executed);
        }
    };
}

walkthroughs! {
    message_slot,
    part1,
    part2,
    part3,
}
