// SPDX-License-Identifier: MIT OR Apache-2.0
//! Divides items among producers. Pure.

use std::{num::NonZeroUsize, ops::Range};

/// The items 0..N, divided among producers. Each puts a range of its own, in ascending order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shares {
    /// First item of each producer, and N at the end.
    bounds: Vec<u64>,
}

impl Shares {
    /// Divide `items` as evenly as possible; the first producers may put one more than the last.
    pub fn new(items: u64, producers: NonZeroUsize) -> Self {
        let count = producers.get() as u64;
        let (each, rest) = (items / count, items % count);
        Shares {
            bounds: (0..=count)
                .map(|producer| producer * each + producer.min(rest))
                .collect(),
        }
    }

    /// Number of items in total.
    pub fn items(&self) -> u64 {
        self.bounds[self.producers()]
    }

    /// Number of producers.
    pub fn producers(&self) -> usize {
        self.bounds.len() - 1
    }

    /// The items of a producer; producers count from 0.
    ///
    /// # Panics
    /// If the producer does not exist.
    pub fn of(&self, producer: usize) -> Range<u64> {
        self.bounds[producer]..self.bounds[producer + 1]
    }

    /// The producer of an item; `None` for an item out of range.
    pub fn producer_of(&self, item: u64) -> Option<usize> {
        if item >= self.items() {
            return None;
        }
        // The last producer whose first item is not greater. Producers without items are skipped.
        Some(self.bounds.partition_point(|&first| first <= item) - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(items: u64, producers: usize) -> Shares {
        Shares::new(items, NonZeroUsize::new(producers).unwrap())
    }

    #[test]
    fn shares_are_even_and_leave_nothing_out() {
        let ten = shares(10, 3);
        assert_eq!([ten.of(0), ten.of(1), ten.of(2)], [0..4, 4..7, 7..10]);
        let two = shares(2, 3);
        assert_eq!([two.of(0), two.of(1), two.of(2)], [0..1, 1..2, 2..2]);
        assert_eq!(shares(u64::MAX, 7).items(), u64::MAX);
    }

    #[test]
    fn each_item_is_its_producers() {
        for (items, producers) in [(10, 3), (2, 3), (5, 1), (1000, 7)] {
            let shares = shares(items, producers);
            for producer in 0..producers {
                for item in shares.of(producer) {
                    assert_eq!(shares.producer_of(item), Some(producer));
                }
            }
            assert_eq!(shares.producer_of(items), None);
        }
    }
}
