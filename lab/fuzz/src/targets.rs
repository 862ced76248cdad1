// SPDX-License-Identifier: MIT OR Apache-2.0
//! The modules that have a model.

use lab_base::Result;
use lab_scene::workshop::Workshop;

use crate::{
    compare::{Enough, Found, Tally, run},
    play::Subject,
    router, slot,
};

/// A module that has a model.
#[derive(Clone, Copy)]
pub struct Target {
    /// `fuzz/MODULE`.
    pub id: &'static str,
    /// The name in `kernel/`.
    pub module: &'static str,
    run: fn(&Workshop, u64, &Tally, Enough<'_>) -> Result<Option<Found>>,
}

/// All of them.
pub static TARGETS: &[Target] = &[
    Target {
        id: <slot::Slot as Subject>::ID,
        module: <slot::Slot as Subject>::MODULE,
        run: run::<slot::Slot>,
    },
    Target {
        id: <router::Router as Subject>::ID,
        module: <router::Router as Subject>::MODULE,
        run: run::<router::Router>,
    },
];

/// A target by its id, or the name of its module.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS
        .iter()
        .find(|target| [target.id, target.module].contains(&name))
}

impl Target {
    /// Compare module and model in one sequence after the other, until `enough` returns true or a
    /// difference is found. The same seed gives the same sequences.
    ///
    /// # Errors
    /// If the machinery fails twice.
    pub fn compare(
        &self,
        workshop: &Workshop,
        seed: u64,
        tally: &Tally,
        enough: Enough<'_>,
    ) -> Result<Option<Found>> {
        (self.run)(workshop, seed, tally, enough)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::tests::draw;

    #[test]
    fn a_seed_gives_the_same_sequences_again() {
        fn words<M: Subject>(seed: u64) -> String {
            format!("{:?}", draw::<M>(seed, 2))
        }
        assert_eq!(words::<slot::Slot>(7), words::<slot::Slot>(7));
        assert_ne!(words::<slot::Slot>(7), words::<slot::Slot>(8));
        assert_eq!(words::<router::Router>(7), words::<router::Router>(7));
    }
}
