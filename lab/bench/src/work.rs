// SPDX-License-Identifier: MIT OR Apache-2.0
//! The amount of work.

/// The amount of work of each test.
pub(crate) struct Work {
    pub(crate) rounds: u64,
    /// Rounds for memory, which varies little and is not freed.
    pub(crate) memory_rounds: u64,
    /// Messages written and read for one sample.
    pub(crate) messages: u64,
    /// Channels chosen and read for one sample.
    pub(crate) lookups: u64,
    /// Sizes of [`lab_bench::Test::Lookup`].
    pub(crate) channels: [u64; 4],
    /// Channels that are filled for [`lab_bench::Test::Memory`]: with the shortest message, with
    /// the longest, and with ids far apart.
    pub(crate) filled: [u64; 3],
    /// Deliveries for one sample.
    pub(crate) deliveries: u64,
    /// Sizes of [`lab_bench::Test::FanOut`].
    pub(crate) subscribers: [u64; 4],
}

impl Work {
    pub(crate) fn new(rounds: u64, quick: bool) -> Self {
        if quick {
            return Work {
                rounds,
                memory_rounds: 1,
                messages: 50,
                lookups: 50,
                channels: [1, 10, 100, 1000],
                filled: [40_000, 10_000, 2_000],
                deliveries: 100,
                subscribers: [1, 2, 3, 4],
            };
        }
        Work {
            rounds,
            memory_rounds: 5,
            messages: 500,
            lookups: 500,
            channels: [1, 1_000, 100_000, 1 << 20],
            // The longest messages take five times the memory, and ids far apart forty times.
            filled: [1 << 20, 1 << 17, 1 << 14],
            deliveries: 320,
            subscribers: [1, 8, 64, 512],
        }
    }
}
