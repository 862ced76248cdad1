// SPDX-License-Identifier: MIT OR Apache-2.0
//! No memory: what each operation of each module does when one of its allocations fails, or one
//! of its copies from or to user space, or when memory runs out for good.
//!
//! Only the debug kernel can do that. These scenarios are therefore not among [`super::all`], and
//! no clause is covered by them alone: elsewhere they would have to be left out.

mod finish;
mod hello;
mod inject;
mod insert;
mod pubsub;
mod requests;
mod router;
mod routes;
mod slot;

use lab_scene::Scenario;

/// The scenarios, for the debug kernel.
pub static SCENARIOS: &[Scenario] = &[
    slot::WRITES,
    hello::HELLO,
    hello::GREETING,
    hello::INTERVAL,
    routes::NO_MEMORY,
    pubsub::NO_MEMORY,
    router::NO_MEMORY,
    insert::SLOT,
    insert::HELLO,
    insert::GREETING,
    insert::ROUTES,
    insert::PUBSUB,
    insert::ROUTER,
];

/// A scenario by its id.
pub fn find(id: &str) -> Option<&'static Scenario> {
    SCENARIOS.iter().find(|scenario| scenario.id == id)
}
