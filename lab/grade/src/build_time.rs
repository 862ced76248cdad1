// SPDX-License-Identifier: MIT OR Apache-2.0
//! The time in which one submission is built, whatever is built of it.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// All of it. A submission of all stages takes a minute, and five on a busy machine.
const IN_ALL: Duration = Duration::from_secs(900);

/// Counts from the first question for its end. Copies share it.
#[derive(Clone, Debug, Default)]
pub struct BuildTime {
    end: Arc<OnceLock<Instant>>,
    interrupted: Arc<AtomicBool>,
}

impl BuildTime {
    /// A new one, which also ends when somebody raises this flag.
    pub fn until(interrupted: Arc<AtomicBool>) -> Self {
        BuildTime {
            end: Arc::default(),
            interrupted,
        }
    }

    /// When no command may run any more.
    pub(crate) fn end(&self) -> Instant {
        *self.end.get_or_init(|| Instant::now() + IN_ALL)
    }

    /// The flag.
    pub(crate) fn flag(&self) -> &Arc<AtomicBool> {
        &self.interrupted
    }

    /// Whether the user has ended it.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}
