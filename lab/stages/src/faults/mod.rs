// SPDX-License-Identifier: MIT OR Apache-2.0
//! Operations of each module without memory: one allocation or one user copy fails, or memory runs
//! out for good.
//!
//! Only the debug kernel can inject faults. So these scenarios are not among [`super::all`], and
//! each of their clauses has another check.

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
