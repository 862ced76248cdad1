// SPDX-License-Identifier: MIT OR Apache-2.0
//! Measures the time of a piece of work.

use std::{
    ops::AddAssign,
    time::{Duration, Instant},
};

use lab_bench::Spent;
use nix::time::{ClockId, clock_gettime};

/// Time by the clock, and time of a processor.
#[derive(Clone, Copy, Default)]
pub(crate) struct Elapsed {
    wall: Duration,
    cpu: Duration,
}

impl AddAssign for Elapsed {
    fn add_assign(&mut self, other: Elapsed) {
        self.wall += other.wall;
        self.cpu += other.cpu;
    }
}

impl From<Elapsed> for Spent {
    fn from(elapsed: Elapsed) -> Self {
        let ns = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        Spent::Time {
            wall_ns: ns(elapsed.wall),
            cpu_ns: Some(ns(elapsed.cpu)),
        }
    }
}

/// Do `work` and return its time.
pub(crate) fn timed(work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Elapsed> {
    let cpu = || clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from);
    let (wall, before) = (Instant::now(), cpu()?);
    work()?;
    Ok(Elapsed {
        cpu: cpu()? - before,
        wall: wall.elapsed(),
    })
}
