// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a submitted message slot is addressed. Its sources say most of it; the rest is tried.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use lab_agent::BufferMemory;
use lab_base::{Error, Result};
use lab_scene::{
    LooksAt, Outcome, Scenario, Scene,
    actor::returned,
    expect_eq, fail,
    slot_peer::SlotFile,
    subject::{Part, SlotEdition, Subject},
    transcript::{Entry, LineKind, Status},
    workshop::Workshop,
};
use nix::errno::Errno;

use super::{
    intake::{PartSource, Submission},
    numbers::Numbers,
    timed::within,
};

/// The place of the slot's module in the starter. A module elsewhere may be written for another
/// edition of the assignment.
const STARTER: &str = "kernel/message_slot/";

/// How a slot is addressed, according to its sources.
pub(super) fn by_sources(submission: &Submission, numbers: &Numbers) -> SlotEdition {
    let of_starter = submission
        .modules
        .get("message_slot")
        .is_some_and(|part| matches!(part, PartSource::C(sources) if sources[0].contains(STARTER)));
    SlotEdition {
        major: numbers.major,
        command: numbers.channel_command,
        by_pointer: false,
        einval_for_bad_buffer: !of_starter,
    }
}

/// How the note begins that says which major number a module has registered.
const MAJOR: &str = "registers major ";

const REGISTERS: Scenario = Scenario {
    id: "message-slot/edition-major",
    title: "which major number is registered",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        scene.step("insert the module", "a number more is taken", |scene| {
            let before = scene.character_devices()?;
            scene.insert("message_slot", "")?;
            let now = scene.character_devices()?;
            let major = now.iter().find(|device| !before.contains(device));
            let (major, _) = major.ok_or_else(|| fail("a new character device", "none"))?;
            scene.note("message_slot", LineKind::Does, format!("{MAJOR}{major}"));
            Ok(())
        })
    },
};

const CHOOSES: Scenario = Scenario {
    id: "message-slot/edition-argument",
    title: "which way the ioctl takes its argument",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        let file = open(scene)?;
        scene.step("choose, write, choose others, read", "works", |scene| {
            scene.choose(&file, 7)?;
            scene.put(&file, b"x")?;
            scene.choose(&file, 8)?;
            scene.choose(&file, 7)?;
            scene.expect_message(&file, b"x")
        })
    },
};

const EINVAL: Scenario = Scenario {
    id: "message-slot/edition-bad-buffer",
    title: "whether a bad buffer is EINVAL",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        let file = open(scene)?;
        scene.step("write from where nothing is", "EINVAL", |scene| {
            scene.choose(&file, 7)?;
            let write = file.write_from(BufferMemory::Unmapped, b"x");
            let observed = scene.call(&file.program, &write)?;
            expect_eq("write", returned(&observed), Err(Errno::EINVAL))
        })
    },
};

fn open(scene: &mut Scene<'_>) -> Outcome<SlotFile> {
    scene.insert("message_slot", "")?;
    let path = scene.make_slot(1, 0o600)?;
    let actor = scene.actor("root", 0)?;
    scene.open_slot(&actor, &path)
}

/// Try out what the sources leave open. If nothing works, the checks will show it. Each trial
/// takes `timeout` at most; if the module does not let itself be inserted in time, nothing more is
/// tried.
///
/// # Errors
/// The machinery failed.
pub(super) fn by_trying(
    workshop: &Workshop,
    modules: &BTreeMap<String, Part>,
    slot: SlotEdition,
    consoles: &Path,
    timeout: Duration,
    interrupted: &Arc<AtomicBool>,
) -> Result<SlotEdition> {
    let carry_out = |slot, scenario| {
        let subject = Subject {
            modules: modules.clone(),
            slot,
            ..Subject::default()
        };
        let workshop = workshop.trying(subject, consoles);
        within(timeout, interrupted, scenario, &workshop, 1)
    };
    let works = |slot, scenario| {
        let (transcript, _) = carry_out(slot, scenario)?;
        Ok::<_, Error>(transcript.status() == Status::Pass)
    };
    let mut slot = slot;
    // The kernel knows better than any reading of the source.
    let (registered, is_late) = carry_out(slot, &REGISTERS)?;
    if is_late || registered.status() == Status::Timeout {
        return Ok(slot);
    }
    let major = registered.entries.iter().find_map(|entry| match entry {
        Entry::Line { text, .. } => text.strip_prefix(MAJOR)?.parse().ok(),
        _ => None,
    });
    slot.major = major.unwrap_or(slot.major);
    let pointer = SlotEdition {
        by_pointer: true,
        ..slot
    };
    if !works(slot, &CHOOSES)? && works(pointer, &CHOOSES)? {
        slot = pointer;
    }
    slot.einval_for_bad_buffer = slot.einval_for_bad_buffer && works(slot, &EINVAL)?;
    Ok(slot)
}
