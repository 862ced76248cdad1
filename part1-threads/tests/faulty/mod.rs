// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ends of any buffer with a fault.

use part1_threads::buffer::{Closed, Put, Take};

/// A fault that happens once, at one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// The item changes places with the next.
    Swap(u64),
    /// The item is lost.
    Lose(u64),
    /// The item comes twice.
    Repeat(u64),
    /// The consumer gets a false end before the item.
    EndBefore(u64),
    /// The producer panics instead of putting the item.
    PanicInPut(u64),
    /// The consumer panics after it has taken the item.
    PanicInTake(u64),
}

#[derive(Clone)]
pub(crate) struct FaultyPut<P> {
    end: P,
    fault: Fault,
    /// An item that is put after the next one.
    held: Option<u64>,
}

#[derive(Clone)]
pub(crate) struct FaultyTake<T> {
    end: T,
    fault: Fault,
    /// The false end comes once.
    ended: bool,
    /// An item that was taken and not handed out.
    held: Option<u64>,
}

pub(crate) fn ends<P, T>((putter, taker): (P, T), fault: Fault) -> (FaultyPut<P>, FaultyTake<T>) {
    (
        FaultyPut {
            end: putter,
            fault,
            held: None,
        },
        FaultyTake {
            end: taker,
            fault,
            ended: false,
            held: None,
        },
    )
}

impl<P: Put<u64>> Put<u64> for FaultyPut<P> {
    fn put(&mut self, item: u64) -> Result<(), Closed<u64>> {
        match self.fault {
            Fault::Swap(at) if item == at => {
                self.held = Some(item);
                return Ok(());
            }
            Fault::Lose(at) if item == at => return Ok(()),
            Fault::Repeat(at) if item == at => self.end.put(item)?,
            Fault::PanicInPut(at) if item == at => panic!("put {item}"),
            _ => {}
        }
        self.end.put(item)?;
        self.held.take().map_or(Ok(()), |held| self.end.put(held))
    }

    fn close(&mut self) {
        self.end.close();
    }
}

impl<T: Take<u64>> Take<u64> for FaultyTake<T> {
    fn take(&mut self) -> Option<u64> {
        let item = match self.held.take() {
            Some(item) => item,
            None => self.end.take()?,
        };
        match self.fault {
            Fault::EndBefore(at) if item == at && !self.ended => {
                self.ended = true;
                self.held = Some(item);
                None
            }
            Fault::PanicInTake(at) if item == at => panic!("took {item}"),
            _ => Some(item),
        }
    }
}
