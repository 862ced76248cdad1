// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sockets that are not read: clause N6.

use std::time::Duration;

use lab_agent::Call;
use lab_machine::PATIENCE;
use lab_scene::{
    Outcome, Scene, expect_eq, expect_success, fail,
    peer::{Peer, request},
};
use nix::{errno::Errno, libc};

use super::{Told, errno_of, listener, pass_over, sender};

/// Messages that the slow listener does not read.
const UNREAD: u32 = 100;

/// A module that counts lost messages.
pub(crate) trait Counts: Told {
    /// Expect that of `sent` messages to each, `lost` count as lost for `slow`, and none for
    /// `fast`.
    ///
    /// # Errors
    /// [`lab_scene::Halt::Fail`] if the counters differ.
    fn expect_counted(
        scene: &mut Scene<'_>,
        slow: &Peer,
        fast: &Peer,
        sent: u32,
        lost: u32,
    ) -> Outcome;
}

/// The value of a module's parameter `dropped`. The contract requires a counter of losses, but does
/// not say where. A submitted module may lack this parameter.
pub(crate) fn dropped(scene: &mut Scene<'_>, module: &str) -> Outcome<Option<String>> {
    let path = format!("/sys/module/{module}/parameters/dropped");
    match scene.try_read(&path)? {
        Ok(dropped) => Ok(Some(dropped.trim().to_owned())),
        Err(_) if scene.contract_only() => Ok(None),
        Err(refusal) => Err(fail(format!("{path} can be read"), refusal.to_string())),
    }
}

/// Expect this value of a module's parameter `dropped`.
pub(crate) fn expect_dropped(scene: &mut Scene<'_>, module: &str, lost: u32) -> Outcome {
    match dropped(scene, module)? {
        Some(dropped) => expect_eq("dropped", dropped, lost.to_string()),
        None => {
            pass_over(scene);
            Ok(())
        }
    }
}

/// Give a peer a receive queue that some messages fill.
pub(crate) fn shorten_queue(scene: &mut Scene<'_>, peer: &Peer) -> Outcome {
    let small = Call::SetOption {
        fd: peer.fd,
        level: libc::SOL_SOCKET,
        option: libc::SO_RCVBUF,
        value: 4096,
    };
    scene.value(&peer.program, &small).map(drop)
}

/// Give a peer a receive queue beyond the limit, as only root may (`SO_RCVBUFFORCE`). It holds some
/// thousand short messages.
pub(crate) fn lengthen_queue(scene: &mut Scene<'_>, peer: &Peer) -> Outcome {
    let large = Call::SetOption {
        fd: peer.fd,
        level: libc::SOL_SOCKET,
        option: libc::SO_RCVBUFFORCE,
        value: 16 << 20,
    };
    scene.value(&peer.program, &large).map(drop)
}

pub(crate) fn reader<M: Counts>(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(M::NAME, M::PARAMS)?;
    scene.mute_log();
    let sender = sender::<M>(scene, 0)?;
    let slow = listener::<M>(scene, "slow", 0)?;
    let fast = listener::<M>(scene, "fast", 0)?;
    shorten_queue(scene, &slow)?;
    scene.step(
        "100 messages, one listener reads, one does not",
        "the sender never waits, the reader gets all 100",
        |scene| {
            for n in 1..=UNREAD {
                let (kind, payload) = M::request(n);
                let errno = errno_of(scene, &sender, request(kind, &payload))?;
                expect_success(errno)?;
                let datagram = scene.receive(&fast, PATIENCE)?;
                let datagram = datagram.ok_or_else(|| fail("the reader gets it", "nothing"))?;
                let got = datagram.message()?.header.seq;
                expect_eq("the reader's number", got, n)?;
            }
            Ok(())
        },
    )?;
    let received = scene.step(
        "the slow listener reads",
        "ENOBUFS, then the messages that its queue held, from 1 without a gap",
        |scene| {
            let first = scene.try_receive(&slow, Duration::ZERO)?;
            expect_eq("the first recvmsg", first.err(), Some(Errno::ENOBUFS))?;
            let mut received = 0;
            while let Some(datagram) = scene.receive(&slow, Duration::ZERO)? {
                received += 1;
                expect_eq("its number", datagram.message()?.header.seq, received)?;
            }
            if (1..UNREAD).contains(&received) {
                return Ok(received);
            }
            Err(fail(
                "some, not all of the 100 messages",
                received.to_string(),
            ))
        },
    )?;
    scene.step(
        "one more message",
        "it is number 101 for both, which shows the gap",
        |scene| {
            let (kind, payload) = M::request(UNREAD + 1);
            scene.send(&sender, request(kind, &payload))?;
            M::expect_heard(scene, &sender, &slow, UNREAD + 1)?;
            M::expect_heard(scene, &sender, &fast, UNREAD + 1)
        },
    )?;
    scene.step(
        "the module's counters",
        "the drops of the slow listener match its gap",
        |scene| M::expect_counted(scene, &slow, &fast, UNREAD + 1, UNREAD - received),
    )
}
