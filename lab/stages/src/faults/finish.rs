// SPDX-License-Identifier: MIT OR Apache-2.0
//! The last steps of scenarios without memory.

use lab_scene::{Outcome, Scene};

/// The last step: the module is removed, and no attempt has left memory behind.
pub(super) fn finish(scene: &mut Scene<'_>, module: &str) -> Outcome {
    scene.step("remove the module", "nothing is left behind", |scene| {
        scene.remove(module)?;
        scene.expect_no_leaks()
    })
}

/// The last step if no module is inserted any more.
pub(super) fn finish_removed(scene: &mut Scene<'_>) -> Outcome {
    scene.step(
        "look for memory that is left",
        "nothing",
        Scene::expect_no_leaks,
    )
}
