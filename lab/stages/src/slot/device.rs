// SPDX-License-Identifier: MIT OR Apache-2.0
//! The device, its insertion and removal: clauses D1-D3.

use std::fs;

use lab_agent::{Call, Exit, Refusal};
use lab_base::Error;
use lab_scene::{
    LooksAt, Outcome, Scenario, Scene, actor::returned, expect_eq, transcript::LineKind,
};
use nix::{errno::Errno, libc, sys::signal::Signal};

use super::{FOR_ALL, MODULE, STUDENT, all_of, any_channel, any_message};

/// Level of `pr_err()` (linux/kern_levels.h).
const KERN_ERR: u8 = 3;

/// The owner of the major number, by `/proc/devices`.
fn owner(scene: &mut Scene<'_>) -> Outcome<Option<String>> {
    let wanted = scene.slot_edition().major;
    let devices = scene.character_devices()?;
    let owner = devices.into_iter().find(|(major, _)| *major == wanted);
    Ok(owner.map(|(_, name)| name))
}

pub(super) const MINORS: Scenario = Scenario {
    id: "message-slot/D1-minors",
    title: "the major number is taken, and each of 256 minors is a slot of its own",
    looks_at: LooksAt::Module(&[]),
    run: minors,
};

fn minors(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(MODULE, "")?;
    let major = scene.slot_edition().major;
    scene.step(
        "look at /proc/devices",
        &format!("major {major} is taken"),
        |scene| {
            let taken = owner(scene)?.is_some();
            expect_eq(&format!("{major} is registered"), taken, true)
        },
    )?;
    let actor = scene.actor("student", STUDENT)?;
    let channel = any_channel(scene);
    let mut files = Vec::new();
    scene.step(
        "the same channel of five minors",
        "each is empty, and keeps a message of its own",
        |scene| {
            for minor in [0, 1, 127, 128, 255] {
                let path = scene.make_slot(minor, FOR_ALL)?;
                let file = scene.open_slot(&actor, &path)?;
                scene.choose(&file, channel)?;
                scene.expect_empty(&file)?;
                let message = any_message(scene, 8);
                scene.put(&file, &message)?;
                files.push((file, message));
            }
            files
                .iter()
                .try_for_each(|(file, message)| scene.expect_message(file, message))
        },
    )?;
    scene.step(
        "open another node of the first minor",
        "it is the same slot",
        |scene| {
            let (first, message) = &files[0];
            // R6 checks that a message stays when it is read.
            scene.put(first, message)?;
            let path = scene.make_node("/dev/again", 0, FOR_ALL)?;
            let open = Call::Open {
                path: path.clone(),
                flags: libc::O_RDWR,
            };
            // D7 checks that both may be open at once.
            if !scene.counts("D7") && returned(&scene.call(&first.program, &open)?).is_err() {
                scene.close_slot(first)?;
            }
            let again = scene.open_slot(&first.program, &path)?;
            scene.choose(&again, channel)?;
            scene.expect_message(&again, message)
        },
    )?;
    scene.step(
        "write to 32 channels of one minor, each a power of two above channel 5",
        "channel 5 of the next minor is empty: no key of minor and channel is cut",
        |scene| {
            let [file, next] = [2, 3].map(|minor| {
                let path = scene.make_slot(minor, FOR_ALL)?;
                scene.open_slot(&actor, &path)
            });
            let (file, next) = (file?, next?);
            let calls = (0..u32::BITS)
                .flat_map(|k| [file.choose(5 + (1 << k)), file.write(b"other")])
                .collect();
            // I4 checks that each of them is a channel.
            all_of(scene, &file, calls)?;
            scene.note(
                "student",
                LineKind::Does,
                "writes to 32 channels of /dev/slot2",
            );
            scene.choose(&next, 5)?;
            scene.expect_empty(&next)
        },
    )?;
    scene.step("minor 256", "there is no such slot: ENXIO", |scene| {
        let path = scene.make_slot(256, FOR_ALL)?;
        let flags = libc::O_RDWR;
        let opened = scene.call(&actor, &Call::Open { path, flags })?;
        expect_eq("open", returned(&opened), Err(Errno::ENXIO))
    })
}

pub(super) const MAJOR_TAKEN: Scenario = Scenario {
    id: "message-slot/D2-major-taken",
    title: "insmod fails if the major number is taken, and logs it",
    looks_at: LooksAt::Module(&[]),
    run: |scene| {
        scene.step(
            "a major number of another module",
            "EBUSY, a line at level KERN_ERR, and the other keeps the number",
            |scene| {
                let major = format!("major={}", scene.slot_edition().major);
                scene.insert_fixture("major_squatter", &major)?;
                let from = scene.machine.look(|observed| observed.log.len());
                let refused = scene.try_insert(MODULE, "")?;
                let errno = refused.err().map(|refusal| Errno::from_raw(refusal.errno));
                expect_eq("insmod", errno, Some(Errno::EBUSY))?;
                let levels: Vec<u8> = scene
                    .machine
                    .look(|observed| observed.log[from..].iter().map(|line| line.level).collect());
                // In any words, because the contract does not state them.
                let told = levels.contains(&KERN_ERR);
                expect_eq("a line at level KERN_ERR", told, true)?;
                let owner = owner(scene)?;
                expect_eq(
                    "the owner of the number",
                    owner.as_deref(),
                    Some("major_squatter"),
                )
            },
        )?;
        scene.step("the number after it is free again", "works", |scene| {
            scene.remove("major_squatter")?;
            scene.insert(MODULE, "")?;
            scene.remove(MODULE)
        })
    },
};

/// Insert the module again under another name. Under its own name, the kernel would refuse it
/// before its first line runs.
fn try_insert_twin(scene: &mut Scene<'_>) -> Outcome<Result<(), Refusal>> {
    const TWIN: &str = "message_slo2";
    let file = scene.workshop().module(MODULE)?;
    let twin = file.with_file_name(format!("{TWIN}.ko"));
    let mut bytes = fs::read(&file).map_err(Error::io(format!("reading {}", file.display())))?;
    // Replace the name where it is a whole C string; the new name has the same length.
    let [old, new] = [MODULE, TWIN].map(|name| [name.as_bytes(), b"\0"].concat());
    for at in 0..bytes.len() - old.len() {
        if bytes[at..].starts_with(&old) {
            bytes[at..at + new.len()].copy_from_slice(&new);
        }
    }
    fs::write(&twin, bytes).map_err(Error::io(format!("writing {}", twin.display())))?;
    scene.try_insert_file(&twin, "")
}

pub(super) const SECOND_INSERT: Scenario = Scenario {
    id: "message-slot/D2-second-insert",
    title: "a second insert fails, and the first module still works",
    looks_at: LooksAt::Module(&[]),
    run: second_insert,
};

fn second_insert(scene: &mut Scene<'_>) -> Outcome {
    scene.insert(MODULE, "")?;
    let path = scene.make_slot(9, FOR_ALL)?;
    let actor = scene.actor("root", 0)?;
    let file = scene.open_slot(&actor, &path)?;
    let message = any_message(scene, 20);
    scene.choose(&file, 1)?;
    scene.put(&file, &message)?;
    for (title, errno, minor) in [
        ("insert it again", Errno::EEXIST, 10),
        ("insert it under another name", Errno::EBUSY, 11),
    ] {
        scene.step(
            title,
            &format!("{errno:?}; the first still works, with its messages"),
            |scene| {
                let refused = match errno {
                    Errno::EEXIST => scene.try_insert(MODULE, "")?,
                    _ => try_insert_twin(scene)?,
                };
                let refused = refused.err().map(|refusal| Errno::from_raw(refusal.errno));
                expect_eq("insmod", refused, Some(errno))?;
                scene.expect_message(&file, &message)?;
                if scene.counts("D7") {
                    let second = scene.open_slot(&actor, &path)?;
                    scene.choose(&second, 1)?;
                    scene.expect_message(&second, &message)?;
                }
                // The kernel caches the driver of a node that was opened, so a new node is made.
                let fresh = scene.make_slot(minor, FOR_ALL)?;
                let fresh = scene.open_slot(&actor, &fresh)?;
                scene.choose(&fresh, 1)?;
                scene.expect_empty(&fresh)
            },
        )?;
    }
    Ok(())
}

pub(super) const IN_USE: Scenario = Scenario {
    id: "message-slot/D3-in-use",
    title: "not removable while a file is open, removable after the last close",
    looks_at: LooksAt::Module(&[]),
    run: in_use,
};

fn in_use(scene: &mut Scene<'_>) -> Outcome {
    let refused = |scene: &mut Scene<'_>| {
        let refused = scene.try_remove(MODULE)?;
        let errno = refused.err().map(|refusal| Errno::from_raw(refusal.errno));
        expect_eq("rmmod", errno, Some(Errno::EAGAIN))
    };
    scene.step(
        "insert, a refused write and a refused read, close the file",
        "neither pins the module: rmmod succeeds",
        |scene| {
            scene.insert(MODULE, "")?;
            let path = scene.make_slot(50, FOR_ALL)?;
            let root = scene.actor("root", 0)?;
            let file = scene.open_slot(&root, &path)?;
            // Other clauses check the errno, and crashes without a channel, a message or memory.
            let calls = vec![
                file.choose(1),
                file.write(b"a message"),
                file.write(b""),
                file.read(1),
            ];
            all_of(scene, &file, calls)?;
            scene.note(
                "root",
                LineKind::Does,
                "writes 0 bytes, and reads a message into 1 byte",
            );
            scene.close_slot(&file)?;
            scene.remove(MODULE)
        },
    )?;
    for round in ["first", "second"] {
        scene.step(
            &format!("insert, open two files, {round} time"),
            "rmmod is refused until both are closed; the files work",
            |scene| {
                scene.insert(MODULE, "")?;
                let minor = if scene.counts("D1") { 200 } else { 100 };
                let path = scene.make_slot(minor, FOR_ALL)?;
                let root = scene.actor("root", 0)?;
                let student = scene.actor("student", STUDENT)?;
                let first = scene.open_slot(&root, &path)?;
                // D7 checks that both may be of one slot.
                let one = scene.counts("D7");
                let path = if one {
                    path
                } else {
                    scene.make_slot(minor + 1, FOR_ALL)?
                };
                let second = scene.open_slot(&student, &path)?;
                refused(scene)?;
                scene.choose(&first, 1)?;
                scene.put(&first, b"still here")?;
                scene.close_slot(&first)?;
                refused(scene)?;
                scene.choose(&second, 1)?;
                if !one {
                    scene.put(&second, b"still here")?;
                }
                scene.expect_message(&second, b"still here")?;
                scene.note("student", LineKind::Does, "is killed with its file open");
                scene.signal(&student, Signal::SIGKILL)?;
                scene.expect_exit(&student, Exit::Signal(9))?;
                scene.remove(MODULE)
            },
        )?;
    }
    // D4 begins with this step.
    if scene.counts("D4") {
        scene.step("remove right after the insertion", "works", |scene| {
            scene.insert(MODULE, "")?;
            scene.remove(MODULE)
        })?;
    }
    scene.step(
        "open the node afterwards",
        "no device is registered",
        |scene| {
            let path = scene.make_slot(200, FOR_ALL)?;
            let root = scene.actor("late", 0)?;
            let flags = libc::O_RDWR;
            let opened = scene.call(&root, &Call::Open { path, flags })?;
            expect_eq("open", returned(&opened), Err(Errno::ENXIO))
        },
    )
}
