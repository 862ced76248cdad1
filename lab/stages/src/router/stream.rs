// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rows of messages, sent as fast as they are acknowledged, and read without a loss.

use std::time::Duration;

use lab_agent::Call;
use lab_scene::{Outcome, Scene, fail, peer::Peer, readable};
use protocol::router::{Request, Roles};

use super::{data, encode, member};
use crate::netlink::{body, slow::lengthen_queue};

/// Messages that a publisher sends in a row, all different, each after the previous one was
/// acknowledged.
pub(super) const ROW: u32 = 50;

/// The calls that publish a row.
pub(super) fn row(publisher: &Peer) -> Vec<Call> {
    (1..=ROW)
        .flat_map(|n| {
            let send = publisher.sends(encode(&Request::Publish(&body(n))));
            // The module's answers are queued when the send returns.
            [send, publisher.receives(0)]
        })
        .collect()
}

pub(super) fn batch(rounds: u64, calls: Vec<Call>) -> Call {
    Call::Batch {
        rounds,
        persist: false,
        calls,
    }
}

/// A subscriber that must get every message of publishers that send rows, one after the other.
pub(super) struct Reader {
    pub(super) peer: Peer,
    /// Number of messages read, of all publishers.
    pub(super) read: u32,
    /// Number of messages read, of the present publisher.
    pub(super) present: u32,
}

impl Reader {
    /// A subscriber whose queue holds all messages that are sent before it reads.
    pub(super) fn new(scene: &mut Scene<'_>, name: &str) -> Outcome<Self> {
        let peer = member(scene, name, Roles::SUBSCRIBER)?;
        lengthen_queue(scene, &peer)?;
        Ok(Reader {
            peer,
            read: 0,
            present: 0,
        })
    }

    /// Read up to `most` messages, with at most `limit` between two of them. They must be whole and
    /// in sequence. Returns their number.
    pub(super) fn read(
        &mut self,
        scene: &mut Scene<'_>,
        most: usize,
        limit: Duration,
    ) -> Outcome<usize> {
        let found = scene.receive_row(&self.peer, most, limit)?;
        for datagram in &found {
            let (seq, data) = data(&datagram.message()?)?;
            scene.expect_number(seq, self.read + 1)?;
            let wanted = &body(self.present % ROW + 1)[..];
            // A wrong order costs a submission only the points of its own clause.
            if scene.counts("L3") && !scene.is_body(data.body, wanted) {
                return Err(fail(readable(wanted), readable(data.body)));
            }
            self.read += 1;
            self.present += 1;
        }
        Ok(found.len())
    }

    /// Read all queued messages.
    pub(super) fn read_on(&mut self, scene: &mut Scene<'_>) -> Outcome {
        while self.read(scene, ROW as usize, Duration::ZERO)? > 0 {}
        Ok(())
    }
}
