// SPDX-License-Identifier: MIT OR Apache-2.0
//! How scenarios without memory end.

use lab_scene::{Outcome, Scene};

/// The last step: the module goes, and nothing is left of all those attempts.
pub(super) fn finish(scene: &mut Scene<'_>, module: &str) -> Outcome {
    scene.step("remove the module", "nothing is left behind", |scene| {
        scene.remove(module)?;
        scene.expect_no_leaks()
    })
}

/// The last step where no module is in any more.
pub(super) fn finish_removed(scene: &mut Scene<'_>) -> Outcome {
    scene.step("look at what is left", "nothing", Scene::expect_no_leaks)
}
