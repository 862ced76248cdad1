// SPDX-License-Identifier: MIT OR Apache-2.0
//! The step of the message slot: its demonstration and checks.

use lab_agent::{Call, Exit};
use lab_scene::{LooksAt, Outcome, Scenario, Scene};

use super::{
    FOR_ALL, MODULE, STUDENT, TALKATIVE, buffers, channels, device, errnos, memory, orders,
    programs, reading, sharing, writing,
};
use crate::Step;

pub(crate) const STEP: Step = Step {
    name: "slot",
    modules: &[MODULE],
    demonstration: &DEMONSTRATION,
    module_alone: Some(&MODULE_ALONE),
    checks: CHECKS,
};

/// The demonstration of `make message-slot`.
static DEMONSTRATION: Scenario = Scenario {
    id: "message-slot/R6-demonstration",
    title: "a message stays until it is overwritten",
    looks_at: LooksAt::Module(&[]),
    run: demonstration,
};

static MODULE_ALONE: Scenario = Scenario {
    id: "message-slot/R1-module",
    title: "the module keeps a message for the lab's own client",
    looks_at: LooksAt::Module(&[]),
    run: module_alone,
};

/// The checks of the clauses.
static CHECKS: &[Scenario] = &[
    device::MINORS,
    orders::SLOTS_MIXED,
    device::MAJOR_TAKEN,
    device::SECOND_INSERT,
    device::IN_USE,
    memory::FREED,
    memory::BOUNDED,
    memory::REFUSALS,
    sharing::PER_FILE,
    orders::ORDERS,
    sharing::SHARED,
    sharing::WHOLE,
    channels::CHOSEN,
    channels::UNKNOWN,
    channels::ZERO,
    channels::IDS,
    channels::MANY,
    writing::REPLACES,
    writing::NO_CHANNEL,
    writing::LENGTHS,
    writing::UNREADABLE,
    writing::INTACT,
    memory::SCARCE,
    buffers::WRITES,
    reading::EXACT,
    reading::NO_CHANNEL,
    reading::EMPTY,
    reading::SHORT,
    reading::UNWRITABLE,
    buffers::READS,
    reading::OUTLIVES,
    programs::SENDER,
    programs::SENDER_ERRORS,
    programs::READER,
    programs::READER_ERRORS,
];

fn module_alone(scene: &mut Scene<'_>) -> Outcome {
    scene.step("insert the module", "it has major 235", |scene| {
        scene.insert(MODULE, TALKATIVE)
    })?;
    let path = scene.step("make a device node", "minor 3 is a slot", |scene| {
        scene.make_slot(3, FOR_ALL)
    })?;
    let client = scene.actor("client", 0)?;
    let file = scene.step(
        "the lab's own client opens the slot and chooses channel 5",
        "both calls succeed",
        |scene| {
            let file = scene.open_slot(&client, &path)?;
            scene.choose(&file, 5)?;
            Ok(file)
        },
    )?;
    scene.step(
        "write a message, and read it twice",
        "exactly the message; reading does not remove it",
        |scene| {
            scene.put(&file, b"hello")?;
            scene.expect_message(&file, b"hello")?;
            scene.expect_message(&file, b"hello")
        },
    )?;
    scene.step("choose channel 6 and read", "it is empty", |scene| {
        scene.choose(&file, 6)?;
        scene.expect_empty(&file)
    })?;
    scene.step(
        "close the slot, remove the module",
        "it is removed",
        |scene| {
            scene.value(&client, &Call::Close { fd: file.fd })?;
            scene.remove(MODULE)
        },
    )
}

fn demonstration(scene: &mut Scene<'_>) -> Outcome {
    scene.step("insert the module", "it has major 235", |scene| {
        scene.insert(MODULE, TALKATIVE)
    })?;
    let path = scene.step(
        "make a device node for all users",
        "minor 3 is a slot",
        |scene| scene.make_slot(3, FOR_ALL),
    )?;
    scene.step(
        "send a message as root",
        "exit status 0, nothing is printed",
        |scene| {
            let sender = scene.start("sender", &["message_sender", &path, "5", "hello"])?;
            scene.expect_output(&sender, b"")
        },
    )?;
    for round in ["first", "second"] {
        scene.step(
            &format!("read it as an ordinary user, {round} time"),
            "exactly the message; reading does not remove it",
            |scene| {
                let reader = scene.start_as(
                    "reader",
                    &["message_reader", &path, "5"],
                    STUDENT,
                    lab_agent::Stdin::Pipe,
                )?;
                scene.expect_output(&reader, b"hello")
            },
        )?;
    }
    scene.step(
        "overwrite it with a shorter one, and read",
        "nothing of the old message is left",
        |scene| {
            let sender = scene.start("sender", &["message_sender", &path, "5", "bye"])?;
            scene.expect_output(&sender, b"")?;
            let reader = scene.start("reader", &["message_reader", &path, "5"])?;
            scene.expect_output(&reader, b"bye")
        },
    )?;
    scene.step(
        "read another channel of the slot",
        "it is empty: EWOULDBLOCK, which is EAGAIN; exit status 1",
        |scene| {
            let reader = scene.start("reader", &["message_reader", &path, "6"])?;
            scene.expect_complaint(&reader, &["read: EAGAIN", "the channel is empty"])?;
            scene.expect_exit(&reader, Exit::Status(1))
        },
    )?;
    errnos(scene, &path)?;
    scene.step("read the message again", "it is still there", |scene| {
        let reader = scene.start("reader", &["message_reader", &path, "5"])?;
        scene.expect_output(&reader, b"bye")
    })?;
    scene.step(
        "remove the module",
        "it is removed with its messages",
        |scene| scene.remove(MODULE),
    )
}
