// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the modules do without memory. Only the debug kernel can show it: `make test KERNEL=debug`.

use lab::{
    kernels::Which,
    peer::request,
    scene::{Scenario, fail},
    stages::faults,
    testing,
    transcript::Status,
};

/// Carry out one scenario.
fn check(id: &str) {
    let workshop = testing::workshop().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        workshop.kernel.which,
        Which::Debug,
        "faults can be injected into the debug kernel only: KERNEL=debug"
    );
    let scenario = faults::find(id).unwrap_or_else(|| panic!("there is no scenario {id}"));
    let ended = testing::carry_out(scenario).unwrap_or_else(|error| panic!("{error}"));
    let record = ended.transcript.normalised();
    assert_eq!(ended.transcript.status(), Status::Pass, "{id}\n{record}");
    assert!(ended.healthy, "{id} has left something behind\n{record}");
    println!("{record}");
}

/// A test for each, and one that none is missing.
macro_rules! scenarios {
    ($($name:ident = $id:literal,)*) => {
        $(
            #[test]
            fn $name() {
                check($id);
            }
        )*

        #[test]
        fn every_scenario_has_a_test() {
            let ids: Vec<_> = faults::SCENARIOS.iter().map(|scenario| scenario.id).collect();
            assert_eq!(ids, [$($id),*]);
        }
    };
}

scenarios! {
    message_slot = "message-slot/W5-no-memory",
    hello = "part2/N5-hello-no-memory",
    greeting = "part2/N5-greeting-no-memory",
    greeting_interval = "part2/N5-greeting-interval-no-memory",
    routes = "part2/N5-routes-no-memory",
    pubsub = "part2/N5-pubsub-no-memory",
    router = "part3/N5-no-memory",
    insert_message_slot = "message-slot/D2-no-memory",
    insert_hello = "part2/N7-hello-no-memory",
    insert_greeting = "part2/N7-greeting-no-memory",
    insert_routes = "part2/N7-routes-no-memory",
    insert_pubsub = "part2/N7-pubsub-no-memory",
    insert_router = "part3/N7-no-memory",
}

/// SLUB keeps no record of what is too large for its caches, and kmemleak does. It sees only what
/// no old pointer on some stack still points to: one life in eight it saw nothing here.
#[test]
fn a_leak_of_whole_pages_is_noticed_by_kmemleak() {
    const LIVES: usize = 4;
    let leak = "of 16384 bytes, allocated in leak_rcv [nl_leak]";
    let mut lives = (0..LIVES).map(|_| a_life_that_leaks_pages());
    assert!(lives.any(|record| record.contains(leak)));
}

fn a_life_that_leaks_pages() -> String {
    const MESSAGES: usize = 8;
    let ended = testing::carry_out(&Scenario {
        id: "leaks/pages",
        title: "a module that leaks pages",
        run: |scene| {
            scene.step("in, used, out", "leaves nothing behind", |scene| {
                scene.watch_leaks()?;
                scene
                    .try_insert_fixture("nl_leak", "bytes=16384")?
                    .map_err(|refusal| fail("nl_leak is inserted", refusal.to_string()))?;
                let peer = scene.peer("A", 0)?;
                for _ in 0..MESSAGES {
                    scene.send(&peer, request(0x10, b"hello"))?;
                }
                scene.close(&peer)?;
                scene.remove("nl_leak")?;
                scene.expect_no_leaks()
            })
        },
    });
    let transcript = ended.unwrap_or_else(|error| panic!("{error}")).transcript;
    transcript.normalised()
}
