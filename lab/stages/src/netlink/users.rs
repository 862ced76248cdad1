// SPDX-License-Identifier: MIT OR Apache-2.0
//! Other users and other network namespaces: clauses N8 and N9.

use lab_agent::{Bytes, Call};
use lab_scene::{Outcome, Scene, expect_eq, peer::Peer};
use nix::{errno::Errno, libc};
use protocol::netlink::PortId;

use super::{Module, STUDENT, Told, carry_out, pair};

/// Have a peer join a multicast group.
pub(crate) fn join(scene: &mut Scene<'_>, peer: &Peer, group: u32) -> Outcome {
    let call = Call::SetOption {
        fd: peer.fd,
        level: libc::SOL_NETLINK,
        option: libc::NETLINK_ADD_MEMBERSHIP,
        value: group.cast_signed(),
    };
    scene.value(&peer.program, &call).map(drop)
}

pub(crate) fn any_user<M: Told>(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(M::NAME, M::PARAMS)?;
    let (sender, listener) = scene.step("use it as an ordinary user", "works", |scene| {
        let (sender, listener) = pair::<M>(scene, STUDENT)?;
        carry_out::<M>(scene, &sender, &listener, 1)?;
        M::state(scene, &sender, PortId(0))?;
        Ok((sender, listener))
    })?;
    scene.step("join a multicast group", "works", |scene| {
        join(scene, &listener, 1)
    })?;
    scene.step(
        "send to another user's socket",
        "EPERM, and nothing arrives",
        |scene| {
            let owner = scene.peer("owner", 0)?;
            let (_, data) = M::touch();
            let call = Call::Send {
                fd: sender.fd,
                portid: owner.portid.0,
                data: Bytes(data),
            };
            let refused = scene.call(&sender.program, &call)?;
            let errno = refused.err().map(|refusal| Errno::from_raw(refusal.errno));
            expect_eq("sendto", errno, Some(Errno::EPERM))?;
            scene.expect_nothing(&owner)
        },
    )
}

pub(crate) fn other_namespace<M: Module>(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(M::NAME, M::PARAMS)?;
    scene.step(
        "send from another network namespace",
        "ECONNREFUSED",
        |scene| {
            let actor = scene.actor("outsider", 0)?;
            scene.value(&actor, &Call::LeaveNetwork)?;
            let outsider = scene.open_socket(&actor, PortId(0))?;
            let (_, data) = M::touch();
            let call = Call::Send {
                fd: outsider.fd,
                portid: 0,
                data: Bytes(data),
            };
            let refused = scene.call(&actor, &call)?;
            let errno = refused.err().map(|refusal| Errno::from_raw(refusal.errno));
            expect_eq("sendto", errno, Some(Errno::ECONNREFUSED))
        },
    )
}
