// SPDX-License-Identifier: MIT OR Apache-2.0
//! The deadlines of a machine: of one wait, and of all together.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use super::Machine;
use crate::patience::{Patience, Sample, TotalPatience};

impl Machine {
    /// `limit`, scaled for this machine.
    pub fn scaled(&self, limit: Duration) -> Duration {
        limit.mul_f64(self.slowness)
    }

    /// A deadline for this machine: `limit`, which is not scaled, without the time in which the
    /// host has no processor for it.
    pub fn patience(&self, limit: Duration) -> Patience {
        Patience::new(&[self.qemu.pid()], limit)
    }

    /// End every wait after `limit` in total, which is not scaled, or when the flag is raised.
    pub fn limit_all(&mut self, limit: Duration, interrupted: &Arc<AtomicBool>) {
        self.in_all = Some(TotalPatience::new(
            self.patience(limit),
            interrupted.clone(),
        ));
    }

    /// Look at a machine whose total limit may be over: in `look`, only the limits of its waits
    /// count.
    pub fn beyond_limit<T>(&mut self, look: impl FnOnce(&mut Self) -> T) -> T {
        let in_all = self.in_all.take();
        let seen = look(self);
        self.in_all = in_all;
        seen
    }

    /// Time until the total limit is checked again; zero when it is over.
    pub(super) fn left_in_all(&self) -> Duration {
        let in_all = self.in_all.as_ref();
        in_all.map_or(Duration::MAX, TotalPatience::left)
    }

    /// Whether the total limit is over.
    pub fn is_late(&self) -> bool {
        self.left_in_all().is_zero()
    }

    /// How long the machine's threads have waited for a processor of the host.
    pub fn starved(&self) -> Duration {
        Sample::of(&[self.qemu.pid()]).waited()
    }
}
