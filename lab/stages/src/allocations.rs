// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel's allocations, by its own counters (slabinfo(5)).
//!
//! The counters are those of the whole running kernel, and SLUB counts objects in a processor's
//! local list as allocated. So a leak is visible if each of many operations leaks an object.

use std::{collections::BTreeMap, time::Duration};

use lab_agent::Op;
use lab_build::kernels::Capability;
use lab_scene::{Outcome, Scene, fail, transcript::LineKind};

/// Number of allocated objects that functions of this inserted module have requested. It is exact,
/// from the kernel's trace of each object. Unread socket buffers count, too.
///
/// # Errors
/// [`lab_scene::Halt`].
pub(super) fn held(scene: &mut Scene<'_>, module: &str) -> Outcome<u64> {
    let op = Op::AllocTraces {
        text: format!("[{module}]"),
    };
    let traces = scene.text_of("reading the list of allocations", op)?;
    // For each trace: the name of a cache, then a line that begins with the number of objects.
    let counts = traces.split("\n\n").filter_map(|trace| {
        let mut lines = trace.trim_start().lines().skip(1);
        lines.next()?.split_whitespace().next()?.parse::<u64>().ok()
    });
    Ok(counts.sum())
}

/// How long the numbers must stay the same until nothing more is expected to be freed: some grace
/// periods of RCU.
const SETTLING: Duration = Duration::from_secs(2);

/// A kind of object that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    /// Objects of the general caches, and nodes of xarrays.
    Objects,
    /// Socket buffers of any kind.
    Buffers,
}

impl Count {
    fn what(self) -> &'static str {
        match self {
            Count::Objects => "objects",
            Count::Buffers => "socket buffers",
        }
    }

    /// Whether a cache holds objects of this kind.
    fn has(self, cache: &str) -> bool {
        match self {
            Count::Objects => cache.starts_with("kmalloc-") || cache == "radix_tree_node",
            Count::Buffers => cache == "skbuff_head_cache",
        }
    }

    /// The number of allocated objects.
    ///
    /// # Errors
    /// [`lab_scene::Halt::Fail`] if they are not counted.
    pub(super) fn now(self, scene: &mut Scene<'_>) -> Outcome<Tally> {
        let tally = self.listed(scene)?;
        if !scene.workshop().kernel.which.has(Capability::Quarantine) {
            return Ok(tally);
        }
        give_back(scene, tally.0.keys())?;
        self.listed(scene)
    }

    fn listed(self, scene: &mut Scene<'_>) -> Outcome<Tally> {
        let text = scene.read("/proc/slabinfo")?;
        let row = |line: &str| -> Option<(String, usize)> {
            let mut words = line.split_whitespace();
            let cache = words.next().filter(|cache| self.has(cache))?;
            Some((cache.to_owned(), words.next()?.parse().ok()?))
        };
        let rows: BTreeMap<_, _> = text.lines().filter_map(row).collect();
        if rows.is_empty() {
            let wanted = format!("caches of {} in /proc/slabinfo", self.what());
            return Err(fail(wanted, "none"));
        }
        Ok(Tally(rows))
    }

    /// Expect that at most `allowed` more objects than `before` are allocated. Waits for objects
    /// that the kernel frees late (RCU).
    ///
    /// # Errors
    /// [`Halt::Fail`] with the number of objects.
    pub(super) fn expect_back(
        self,
        scene: &mut Scene<'_>,
        before: &Tally,
        allowed: usize,
    ) -> Outcome {
        let what = self.what();
        scene.note(
            "host",
            LineKind::Does,
            format!("counts {what} before and after"),
        );
        let mut least = usize::MAX;
        let mut settling = scene.machine.patience(Duration::ZERO);
        scene.expect_soon("memory is freed", |scene| {
            let now = self.listed(scene)?;
            let grown = now.total().saturating_sub(before.total());
            if grown > allowed {
                scene.free_delayed()?;
                if scene.workshop().kernel.which.has(Capability::Quarantine) {
                    give_back(scene, now.grown_since(before))?;
                }
            }
            if grown < least {
                least = grown;
                settling = scene.machine.patience(scene.machine.scaled(SETTLING));
            }
            if grown > allowed && settling.is_over() {
                return Err(fail(
                    format!("at most {allowed} {what} more than before"),
                    format!("{grown} more"),
                ));
            }
            Ok(grown <= allowed)
        })
    }
}

/// Number of allocated objects of some caches.
pub(super) struct Tally(BTreeMap<String, usize>);

impl Tally {
    fn total(&self) -> usize {
        self.0.values().sum()
    }

    /// The caches that have more objects than `before`.
    fn grown_since(&self, before: &Tally) -> impl Iterator<Item = &String> {
        let old = |cache| before.0.get(cache).copied().unwrap_or(0);
        let grown = self.0.iter().filter(move |&(cache, &now)| now > old(cache));
        grown.map(|(cache, _)| cache)
    }
}

/// KASAN keeps freed objects, and they count until their cache is shrunk. Shrinking takes 30 ms per
/// cache.
fn give_back<'a>(scene: &mut Scene<'_>, caches: impl Iterator<Item = &'a String>) -> Outcome {
    for cache in caches {
        scene
            .control(&format!("/sys/kernel/slab/{cache}/shrink"), "1")?
            .map_err(|refusal| fail(format!("{cache} shrinks"), refusal.to_string()))?;
    }
    Ok(())
}
