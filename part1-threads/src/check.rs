// SPDX-License-Identifier: MIT OR Apache-2.0
//! Checks of the items that consumers get: their order, and that each comes exactly once. Pure.

use crate::{Error, shares::Shares};

/// The items of one consumer so far.
#[derive(Clone, Debug)]
pub struct Tally<'a> {
    shares: &'a Shares,
    /// For each producer: one more than its last item.
    next: Vec<u64>,
    /// With several consumers, a bit for each item. A single consumer needs only `next`, because it
    /// must get every item.
    seen: Option<Vec<u64>>,
}

impl<'a> Tally<'a> {
    /// For a consumer that gets everything: each item must be the next of its producer.
    pub fn of_all(shares: &'a Shares) -> Self {
        Tally {
            shares,
            next: (0..shares.producers())
                .map(|producer| shares.of(producer).start)
                .collect(),
            seen: None,
        }
    }

    /// For one of several consumers: each item must come after the earlier ones of its producer.
    ///
    /// # Errors
    /// [`Error::Memory`].
    pub fn of_some(shares: &'a Shares) -> Result<Self, Error> {
        let no_memory = || Error::Memory(shares.items());
        let words = usize::try_from(shares.items().div_ceil(64)).map_err(|_| no_memory())?;
        let mut seen = Vec::new();
        seen.try_reserve_exact(words).map_err(|_| no_memory())?;
        seen.resize(words, 0);
        Ok(Tally {
            seen: Some(seen),
            ..Tally::of_all(shares)
        })
    }

    /// Note one item.
    ///
    /// # Errors
    /// [`Error::OutOfPlace`], [`Error::Backwards`] or [`Error::Unknown`]; then it is not noted.
    pub fn note(&mut self, data: u64) -> Result<(), Error> {
        // lab:begin tally-note: is it the next item, or a possible one (T2, T3)
        let producer = self.shares.producer_of(data).ok_or(Error::Unknown(data))?;
        let expected = self.next[producer];
        match &mut self.seen {
            None if data != expected => return Err(Error::OutOfPlace { data, expected }),
            None => {}
            Some(_) if data < expected => {
                let least = expected;
                return Err(Error::Backwards { data, least });
            }
            Some(seen) => seen[(data / 64) as usize] |= 1 << (data % 64),
        }
        self.next[producer] = data + 1;
        Ok(())
        // lab:end stub: Err(Error::Unknown(data))
    }

    /// Whether all consumers together got each item exactly once.
    ///
    /// # Errors
    /// [`Error::Twice`] or [`Error::Missing`], with the smallest such item.
    pub fn complete(tallies: &[Tally<'_>]) -> Result<(), Error> {
        let Some((first, others)) = tallies.split_first() else {
            return Ok(());
        };
        let shares = first.shares;
        let Some(mut seen) = first.seen.clone() else {
            let missing = (0..shares.producers())
                .find(|&producer| first.next[producer] != shares.of(producer).end);
            return missing.map_or(Ok(()), |producer| Err(Error::Missing(first.next[producer])));
        };
        for other in others {
            for (index, (seen, &word)) in
                seen.iter_mut().zip(other.seen.iter().flatten()).enumerate()
            {
                let both = *seen & word;
                if both != 0 {
                    return Err(Error::Twice(item(index, both)));
                }
                *seen |= word;
            }
        }
        let missing = seen
            .iter()
            .enumerate()
            .find(|&(_, &word)| word != u64::MAX)
            .map(|(index, &word)| item(index, !word))
            .filter(|&item| item < shares.items());
        missing.map_or(Ok(()), |item| Err(Error::Missing(item)))
    }
}

/// The smallest item in a word of `seen`.
fn item(index: usize, word: u64) -> u64 {
    index as u64 * 64 + u64::from(word.trailing_zeros())
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;

    fn shares(items: u64, producers: usize) -> Shares {
        Shares::new(items, NonZeroUsize::new(producers).unwrap())
    }

    /// The error of several consumers that get these items; empty if there is none.
    fn complaint(shares: &Shares, consumers: &[&[u64]]) -> String {
        let complete = || {
            let mut tallies = Vec::new();
            for items in consumers {
                let mut tally = match consumers.len() {
                    1 => Tally::of_all(shares),
                    _ => Tally::of_some(shares)?,
                };
                items.iter().try_for_each(|&item| tally.note(item))?;
                tallies.push(tally);
            }
            Tally::complete(&tallies)
        };
        complete().map_or_else(|error| error.to_string(), |()| String::new())
    }

    #[test]
    fn a_single_consumer_sees_the_first_that_is_out_of_place() {
        let one = |items: &[u64]| complaint(&shares(4, 1), &[items]);
        assert_eq!(one(&[0, 1, 2, 3]), "");
        assert_eq!(one(&[0, 2, 1, 3]), "ERROR! data 2 should be 1!");
        assert_eq!(one(&[0, 0]), "ERROR! data 0 should be 1!");
        assert_eq!(one(&[0, 1, 2]), "ERROR! data 3 is missing!");
        assert_eq!(one(&[0, 4]), "ERROR! data 4 was never put!");
        let two = |items: &[u64]| complaint(&shares(4, 2), &[items]);
        assert_eq!(two(&[2, 0, 3, 1]), "");
        assert_eq!(two(&[2, 0, 1, 1]), "ERROR! data 1 should be 2!");
        assert_eq!(two(&[3]), "ERROR! data 3 should be 2!");
    }

    #[test]
    fn several_consumers_share_each_item_exactly_once() {
        let several = |consumers: &[&[u64]]| complaint(&shares(130, 2), consumers);
        let all: Vec<u64> = (0..130).collect();
        let (even, odd): (Vec<u64>, Vec<u64>) = (0..130).partition(|item| item % 2 == 0);
        assert_eq!(several(&[&even, &odd]), "");
        assert_eq!(several(&[&all, &[]]), "");
        assert_eq!(several(&[&odd[..64], &even]), "ERROR! data 129 is missing!");
        assert_eq!(several(&[&even[1..], &odd]), "ERROR! data 0 is missing!");
        assert_eq!(several(&[&all, &[77]]), "ERROR! data 77 came twice!");
        let backwards = "ERROR! data 5 should be 8 or more!";
        assert_eq!(several(&[&[7, 65, 5], &[]]), backwards);
        assert_eq!(complaint(&shares(0, 2), &[&[], &[]]), "");
    }
}
