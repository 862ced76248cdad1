// SPDX-License-Identifier: MIT OR Apache-2.0
//! A netlink module with the lab's own client, for students who have not written their programs.

use lab_scene::{Outcome, Scene};

use super::{TALKATIVE, Told, bad_payloads, carry_out, pair, refuse};

/// Two requests that are carried out, and one that is refused.
pub(crate) fn show<M: Told>(scene: &mut Scene<'_>) -> Outcome {
    let parameters = match M::PARAMS {
        "" => TALKATIVE,
        parameters => parameters,
    };
    scene.step(
        "insert the module",
        "it listens on netlink protocol 31",
        |scene| scene.insert(M::NAME, parameters),
    )?;
    let peers = scene.step(
        "the lab's own client opens its sockets",
        "each can send, and gets what it asks for",
        |scene| pair::<M>(scene, 0),
    )?;
    let (sender, listener) = &peers;
    for (title, n) in [("send a request", 1), ("send another request", 2)] {
        scene.step(title, "it is carried out, and acknowledged", |scene| {
            carry_out::<M>(scene, sender, listener, n)
        })?;
    }
    for (what, kind, payload, errno) in bad_payloads::<M>(scene).into_iter().take(1) {
        scene.step(
            &format!("send a wrong request: {what}"),
            &format!("it is refused with {errno:?}"),
            |scene| {
                let data = lab_scene::peer::request(kind, &payload);
                refuse(scene, &peers, data, what, errno)
            },
        )?;
    }
    scene.step(
        "close the sockets, remove the module",
        "it is removed",
        |scene| {
            scene.close(sender)?;
            if !M::SENDER {
                scene.close(listener)?;
            }
            scene.remove(M::NAME)
        },
    )
}

/// The demonstration of a netlink module without its programs: the module, the id, the title.
macro_rules! module_alone {
    ($module:ty, $id:literal, $title:literal) => {
        lab_scene::Scenario {
            id: $id,
            title: $title,
            looks_at: lab_scene::LooksAt::Module(&[]),
            run: $crate::netlink::alone::show::<$module>,
        }
    };
}

pub(crate) use module_alone;
