// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the kernel has allocated, by its own counters (slabinfo(5)).
//!
//! They count for all of the kernel, which is alive, and SLUB counts what a processor has at hand
//! as allocated: a leak shows if it is one object in each of many operations.

use lab_agent::{Answer, Op};

use crate::{
    kernels::Which,
    machine::Trouble,
    scene::{Halt, Outcome, Scene, fail},
    transcript::Kind,
};

/// How many objects are allocated that functions of this module, which is in, have asked for: exact,
/// from the trace that the kernel keeps of each. Socket buffers that nobody has read count, too.
///
/// # Errors
/// [`Halt`].
pub(super) fn held(scene: &mut Scene<'_>, module: &str) -> Outcome<u64> {
    let op = Op::AllocTraces {
        text: format!("[{module}]"),
    };
    match scene.machine.order("reading what is allocated", op)? {
        // Of each trace the name of a cache, then a line that begins with the number of objects.
        Ok(Answer::Data(data)) => Ok(String::from_utf8_lossy(&data.0)
            .split("\n\n")
            .filter_map(|trace| {
                let mut lines = trace.trim_start().lines().skip(1);
                lines.next()?.split_whitespace().next()?.parse::<u64>().ok()
            })
            .sum()),
        Ok(other) => Err(Trouble::Lost(format!("expected a text, found {other:?}")).into()),
        Err(refusal) => Err(fail("alloc_traces can be read", refusal.to_string())),
    }
}

/// Something that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    /// Objects of the general caches, and nodes of xarrays.
    Objects,
    /// Socket buffers, whatever they carry.
    Buffers,
}

impl Count {
    fn what(self) -> &'static str {
        match self {
            Count::Objects => "objects",
            Count::Buffers => "socket buffers",
        }
    }

    /// Whether a cache is one of these.
    fn has(self, cache: &str) -> bool {
        match self {
            Count::Objects => cache.starts_with("kmalloc-") || cache == "radix_tree_node",
            Count::Buffers => cache == "skbuff_head_cache",
        }
    }

    /// How many are allocated now.
    ///
    /// # Errors
    /// [`Halt::Fail`] if they are not counted.
    pub(super) fn now(self, scene: &mut Scene<'_>) -> Outcome<usize> {
        if scene.workshop().kernel.which == Which::Debug {
            self.give_back(scene)?;
        }
        let text = scene.read("/proc/slabinfo")?;
        let row = |line: &str| -> Option<usize> {
            let mut words = line.split_whitespace();
            self.has(words.next()?)
                .then(|| words.next()?.parse().ok())?
        };
        let rows: Vec<usize> = text.lines().filter_map(row).collect();
        if rows.is_empty() {
            let wanted = format!("caches of {} in /proc/slabinfo", self.what());
            return Err(fail(wanted, "none"));
        }
        Ok(rows.iter().sum())
    }

    /// KASAN keeps freed objects back, and they count, until the cache is to shrink.
    fn give_back(self, scene: &mut Scene<'_>) -> Outcome {
        let text = scene.read("/proc/slabinfo")?;
        let caches = text
            .lines()
            .filter_map(|line| line.split_whitespace().next());
        for cache in caches.filter(|cache| self.has(cache)) {
            scene
                .control(&format!("/sys/kernel/slab/{cache}/shrink"), "1")?
                .map_err(|refusal| fail(format!("{cache} shrinks"), refusal.to_string()))?;
        }
        Ok(())
    }

    /// Expect that soon at most `allowed` more are allocated than there were `before`. What the
    /// kernel frees late (RCU) takes a moment.
    ///
    /// # Errors
    /// [`Halt::Fail`] with how many they are.
    pub(super) fn expect_back(
        self,
        scene: &mut Scene<'_>,
        before: usize,
        allowed: usize,
    ) -> Outcome {
        let what = self.what();
        scene.note(
            "host",
            Kind::Does,
            format!("counts {what} before and after"),
        );
        let mut grown = 0;
        let settled = scene.expect_soon("memory is given back", |scene| {
            grown = self.now(scene)?.saturating_sub(before);
            Ok(grown <= allowed)
        });
        match settled {
            Err(Halt::Fail { .. }) => Err(fail(
                format!("at most {allowed} {what} more than before"),
                format!("{grown} more"),
            )),
            other => other,
        }
    }
}
