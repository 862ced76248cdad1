// SPDX-License-Identifier: MIT OR Apache-2.0
//! Waiting for an observation.

use std::{
    thread,
    time::{Duration, Instant},
};

/// A busy host takes long for the first build.
const PATIENCE: Duration = Duration::from_secs(600);

/// Pause before an observation is repeated.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Repeat `look` until it returns something; `seen` describes what there is instead.
pub(crate) fn until<T>(
    what: &str,
    mut look: impl FnMut() -> Option<T>,
    seen: impl FnOnce() -> String,
) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            Instant::now() < end,
            "expected {what}, found in {} s:\n{}",
            PATIENCE.as_secs(),
            seen()
        );
        thread::sleep(LOOK_AGAIN);
    }
}
