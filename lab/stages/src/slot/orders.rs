// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files that are opened, used, passed on and closed in any order: clauses D1 and D6.

use std::collections::HashMap;

use lab_agent::{Call, Kin};
use lab_scene::{
    LooksAt, Outcome, Program, Scenario, Scene,
    slot_peer::{Held, SlotFile},
    transcript::LineKind,
};

use super::{FOR_ALL, MODULE, STUDENT, any_channel, any_message};

pub(super) const SLOTS_MIXED: Scenario = Scenario {
    id: "message-slot/D1-orders",
    title: "each file keeps its minor, whichever file was opened last",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        scene.insert(MODULE, "")?;
        scene.step(
            "open a file of each of three minors, then choose a channel for each",
            "each writes and reads its own slot",
            |scene| one_after_another(scene, SLOTS, SLOTS),
        )
    },
};

pub(super) const ORDERS: Scenario = Scenario {
    id: "message-slot/D6-orders",
    title: "each file keeps its channel, whatever other files do",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        scene.insert(MODULE, "")?;
        scene.step(
            "open four files of one minor, then choose a channel for each",
            "each writes and reads its own channel",
            |scene| one_after_another(scene, 1, 4),
        )?;
        scene.step(
            "80 calls in a drawn order: open, choose, write, read, dup, pass on, fork, close",
            "each call finds the channel of its file, and the last message of that channel",
            any_order,
        )
    },
};

/// How many minors there are.
const SLOTS: usize = 3;
/// How many calls are made in any order.
const CALLS: usize = 80;
/// How many descriptors are open at most.
const OPEN_MAX: usize = 6;
/// How long messages are, in bytes.
const LENGTHS: std::ops::Range<usize> = 8..16;

/// A descriptor of an open file.
struct Descriptor {
    file: SlotFile,
    /// Index of its process in [`World::actors`].
    actor: usize,
    /// Index of the open file in [`World::chosen`]. Several descriptors may share it.
    open_file: usize,
}

/// What the contract says of all files and slots.
struct World {
    actors: Vec<Program>,
    /// The mailbox of each actor.
    mailboxes: Vec<i32>,
    paths: Vec<String>,
    descriptors: Vec<Descriptor>,
    /// The slot of each open file, and its channel.
    chosen: Vec<(usize, Option<u32>)>,
    /// What was written last, by slot and channel.
    messages: HashMap<(usize, u32), Vec<u8>>,
    /// Few, so that files meet in them.
    channels: [u32; 3],
}

impl World {
    fn new(scene: &mut Scene<'_>, round: usize) -> Outcome<Self> {
        let mut world = World {
            actors: Vec::new(),
            mailboxes: Vec::new(),
            paths: Vec::new(),
            descriptors: Vec::new(),
            chosen: Vec::new(),
            messages: HashMap::new(),
            channels: [(); 3].map(|()| any_channel(scene)),
        };
        for slot in 0..SLOTS {
            // Other minors than those of the rounds before, which hold messages.
            let minor = 10 * round + slot;
            world.paths.push(scene.make_slot(minor as u32, FOR_ALL)?);
        }
        for (name, uid) in [("A", 0), ("B", STUDENT)] {
            let name = format!("{name}{round}");
            let actor = scene.actor(&name, uid)?;
            let mailbox = scene.value(&actor, &Call::Mailbox { name })?;
            world.mailboxes.push(mailbox as i32);
            world.actors.push(actor);
        }
        Ok(world)
    }

    fn open(&mut self, scene: &mut Scene<'_>, slot: usize, actor: usize) -> Outcome {
        let program = self.actors[actor].clone();
        let number = self.chosen.len() + 1;
        let mut file = scene.open_slot(&program, &self.paths[slot])?;
        file.program.name = format!("{}, file {number}", program.name);
        self.descriptors.push(Descriptor {
            file,
            actor,
            open_file: self.chosen.len(),
        });
        self.chosen.push((slot, None));
        Ok(())
    }

    fn choose(&mut self, scene: &mut Scene<'_>, descriptor: usize, channel: u32) -> Outcome {
        let Descriptor {
            file, open_file, ..
        } = &self.descriptors[descriptor];
        scene.choose(file, channel)?;
        self.chosen[*open_file].1 = Some(channel);
        Ok(())
    }

    /// Write, if a channel is chosen.
    fn write(&mut self, scene: &mut Scene<'_>, descriptor: usize) -> Outcome {
        let Descriptor {
            file, open_file, ..
        } = &self.descriptors[descriptor];
        let (slot, Some(channel)) = self.chosen[*open_file] else {
            return Ok(());
        };
        let len = scene.rng.usize(LENGTHS);
        let message = any_message(scene, len);
        scene.put(file, &message)?;
        self.messages.insert((slot, channel), message);
        Ok(())
    }

    fn read(&self, scene: &mut Scene<'_>, descriptor: usize) -> Outcome {
        let Descriptor {
            file, open_file, ..
        } = &self.descriptors[descriptor];
        let held = match self.chosen[*open_file] {
            (_, None) => Held::NoChannel,
            (slot, Some(channel)) => match self.messages.get(&(slot, channel)) {
                Some(message) => Held::Message(message),
                None => Held::Nothing,
            },
        };
        scene.expect_held(file, held)
    }

    /// One more descriptor of an open file, in the same process or in the other.
    fn duplicate(&mut self, scene: &mut Scene<'_>, descriptor: usize, pass_on: bool) -> Outcome {
        let Descriptor {
            file,
            actor,
            open_file,
        } = &self.descriptors[descriptor];
        let (open_file, mut actor) = (*open_file, *actor);
        let mut new = file.clone();
        if pass_on {
            actor = 1 - actor;
            let name = self.actors[actor].name.clone();
            scene.note(
                &file.program.name,
                LineKind::Does,
                format!("is passed on to {name} (SCM_RIGHTS)"),
            );
            let call = Call::SendFile {
                fd: file.fd,
                to: name.clone(),
            };
            scene.value(&file.program, &call)?;
            let mailbox = self.mailboxes[actor];
            new.fd = scene.value(&self.actors[actor], &Call::ReceiveFile { mailbox })? as i32;
            new.program = self.actors[actor].clone();
            new.program.name = format!("{name}, file {}", open_file + 1);
        } else {
            scene.note(&file.program.name, LineKind::Does, "is duplicated (dup)");
            new.fd = scene.value(&file.program, &Call::Duplicate { fd: file.fd })? as i32;
        }
        self.descriptors.push(Descriptor {
            file: new,
            actor,
            open_file,
        });
        Ok(())
    }

    fn close(&mut self, scene: &mut Scene<'_>, descriptor: usize) -> Outcome {
        scene.close_slot(&self.descriptors.remove(descriptor).file)
    }
}

fn shuffled(scene: &mut Scene<'_>, len: usize) -> Vec<usize> {
    let mut order: Vec<_> = (0..len).collect();
    scene.rng.shuffle(&mut order);
    order
}

/// What goes wrong where the state of a file is kept for the slot, or for the file opened last.
fn one_after_another(scene: &mut Scene<'_>, slots: usize, files: usize) -> Outcome {
    let mut world = World::new(scene, slots)?;
    // The same channel of different slots, different channels of the same slot.
    let channels = [(); 4].map(|()| any_channel(scene));
    for number in shuffled(scene, files) {
        world.open(scene, number % slots, number % 2)?;
    }
    for descriptor in shuffled(scene, files) {
        let channel = channels[if slots == 1 { descriptor } else { 0 }];
        world.choose(scene, descriptor, channel)?;
    }
    for descriptor in shuffled(scene, files) {
        world.write(scene, descriptor)?;
    }
    for descriptor in shuffled(scene, files) {
        world.read(scene, descriptor)?;
    }
    for descriptor in (0..files).rev() {
        world.close(scene, descriptor)?;
    }
    Ok(())
}

fn any_order(scene: &mut Scene<'_>) -> Outcome {
    let mut world = World::new(scene, SLOTS + 1)?;
    for _ in 0..CALLS {
        let open = world.descriptors.len();
        let draw = scene.rng.u8(0..20);
        if open == 0 || (draw < 3 && open < OPEN_MAX) {
            let (slot, actor) = (scene.rng.usize(0..SLOTS), scene.rng.usize(0..2));
            world.open(scene, slot, actor)?;
            continue;
        }
        let descriptor = scene.rng.usize(0..open);
        match draw {
            0..7 => {
                let channel = world.channels[scene.rng.usize(0..3)];
                world.choose(scene, descriptor, channel)?;
            }
            7..11 => world.write(scene, descriptor)?,
            11..16 => world.read(scene, descriptor)?,
            16 | 17 if open < OPEN_MAX => {
                world.duplicate(scene, descriptor, draw == 17)?;
            }
            18 => {
                let actor = world.actors[scene.rng.usize(0..2)].clone();
                scene.note(&actor.name, LineKind::Does, "forks, and the parent ends");
                scene.value(&actor, &Call::Fork { stays: Kin::Child })?;
            }
            _ => world.close(scene, descriptor)?,
        }
    }
    for descriptor in 0..world.descriptors.len() {
        world.read(scene, descriptor)?;
    }
    Ok(())
}
