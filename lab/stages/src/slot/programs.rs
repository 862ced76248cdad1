// SPDX-License-Identifier: MIT OR Apache-2.0
//! The programs `message_sender` and `message_reader`: clauses S1-S2 and P1-P2.

use lab_agent::{Exit, Stdin};
use lab_scene::{LooksAt, Outcome, Scenario, Scene, slot_peer::SlotFile};
use nix::errno::Errno;
use protocol::slot::MESSAGE_MAX;

use super::{FOR_ALL, MODULE, STUDENT};

/// Users of the programs.
const USERS: [(&str, u32); 2] = [("root", 0), ("student", STUDENT)];

/// An ordinary file that all users may use.
const NO_SLOT: &str = "/lab/no-slot";

/// Run a program to its end: exit status 0, and exactly these bytes on stdout.
fn prints(scene: &mut Scene<'_>, uid: u32, command: &[&str], expected: &[u8]) -> Outcome {
    let program = scene.start_as(command[0], command, uid, Stdin::Pipe)?;
    scene.expect_output(&program, expected)
}

/// Run a program to its end: exit status 1, one line on stderr that contains each of `parts`,
/// nothing on stdout.
fn complains(scene: &mut Scene<'_>, uid: u32, command: &[&str], parts: &[&str]) -> Outcome {
    let program = scene.start_as(command[0], command, uid, Stdin::Pipe)?;
    scene.expect_complaint(&program, parts)?;
    scene.expect_exit(&program, Exit::Status(1))
}

/// A file of root that shows the contents of the slot.
fn witness(scene: &mut Scene<'_>, path: &str) -> Outcome<SlotFile> {
    let actor = scene.actor("witness", 0)?;
    scene.open_slot(&actor, path)
}

pub(super) const SENDER: Scenario = Scenario {
    id: "message-slot/S1-sender",
    title: "message_sender writes the bytes of its argument, and no NUL",
    looks_at: LooksAt::Programs,
    run: |scene| {
        scene.insert(MODULE, "")?;
        let path = scene.make_slot(11, FOR_ALL)?;
        let witness = witness(scene, &path)?;
        let long = "x".repeat(MESSAGE_MAX);
        for (name, uid) in USERS {
            scene.step(
                &format!("send as {name}"),
                "exit status 0, nothing printed, exactly these bytes in the channel",
                |scene| {
                    let sent = [
                        ("1", "h"),
                        ("2", "two words"),
                        ("4294967295", "größer ✓"),
                        ("2147483648", "-n"),
                        ("5", "--help"),
                        ("6", &long),
                    ];
                    for (channel, message) in sent {
                        let command = ["message_sender", &path, channel, message];
                        prints(scene, uid, &command, b"")?;
                        scene.choose(&witness, channel.parse().unwrap_or_default())?;
                        scene.expect_message(&witness, message.as_bytes())?;
                    }
                    Ok(())
                },
            )?;
            scene.step(
                &format!("send bytes that are not UTF-8 as {name}"),
                "exactly these bytes",
                |scene| {
                    let line = format!(r#"message_sender {path} 7 "$(printf 'a\377\001\200')""#);
                    let program = scene.shell(uid, &line)?;
                    scene.expect_output(&program, b"")?;
                    scene.choose(&witness, 7)?;
                    scene.expect_message(&witness, b"a\xff\x01\x80")?;
                    // The shell removes newlines from the end of a substitution.
                    let line = format!(
                        r#"line=$(printf ' a\n\n.'); message_sender {path} 7 "${{line%.}}""#
                    );
                    let program = scene.shell(uid, &line)?;
                    scene.expect_output(&program, b"")?;
                    scene.expect_message(&witness, b" a\n\n")?;
                    scene.put(&witness, b"in between")
                },
            )?;
        }
        Ok(())
    },
};

pub(super) const READER: Scenario = Scenario {
    id: "message-slot/P1-reader",
    title: "message_reader prints exactly the message",
    looks_at: LooksAt::Programs,
    run: |scene| {
        scene.insert(MODULE, "")?;
        let path = scene.make_slot(12, FOR_ALL)?;
        let witness = witness(scene, &path)?;
        let all: Vec<u8> = (0..=255).collect();
        let messages: [&[u8]; 7] = [
            b"hello",
            b"with a newline\n",
            b"\n",
            b"\0",
            b"a\0b\0",
            &all[..MESSAGE_MAX],
            &all[MESSAGE_MAX..],
        ];
        for (name, uid) in USERS {
            scene.step(
                &format!("read as {name}"),
                "exactly the bytes, no newline, exit status 0",
                |scene| {
                    for (id, message) in (0xffff_fff0..).zip(messages) {
                        scene.choose(&witness, id)?;
                        scene.put(&witness, message)?;
                        let command = ["message_reader", &path, &id.to_string()];
                        prints(scene, uid, &command, message)?;
                    }
                    Ok(())
                },
            )?;
        }
        Ok(())
    },
};

pub(super) const SENDER_ERRORS: Scenario = Scenario {
    id: "message-slot/S2-errors",
    title: "message_sender reports errors on stderr, with exit status 1",
    looks_at: LooksAt::Programs,
    run: |scene| errors(scene, "message_sender", 13, &["x"]),
};

pub(super) const READER_ERRORS: Scenario = Scenario {
    id: "message-slot/P2-errors",
    title: "message_reader reports errors on stderr, with exit status 1",
    looks_at: LooksAt::Programs,
    run: |scene| errors(scene, "message_reader", 14, &[]),
};

/// Arguments that both programs must refuse; `rest` are those after the channel.
fn errors(scene: &mut Scene<'_>, program: &str, minor: u32, rest: &[&str]) -> Outcome {
    let secret = scene.make_slot(minor + 100, 0o600)?;
    let path = scene.make_slot(minor, FOR_ALL)?;
    scene.put_file(NO_SLOT, FOR_ALL)?;
    let command = |slot: &'static str, channel: &'static str| {
        let mut command = vec![program, slot, channel];
        command.extend(rest);
        command
    };
    scene.step("the module is not inserted", "ENXIO", |scene| {
        let mut command = vec![program, &path, "1"];
        command.extend(rest);
        complains(scene, 0, &command, &["No such device or address"])
    })?;
    scene.insert(MODULE, "")?;
    // If a reader took a wrong argument for this channel, it would print a message.
    let witness = witness(scene, &path)?;
    scene.choose(&witness, 1)?;
    scene.put(&witness, b"old")?;
    for (name, uid) in USERS {
        scene.step(
            &format!("wrong numbers of arguments as {name}"),
            "one line, exit status 1",
            |scene| {
                for count in [0, 1, 1 + rest.len(), 3 + rest.len()] {
                    let mut command = vec![program];
                    command.extend([path.as_str(), "1", "x", "y"].iter().take(count));
                    complains(scene, uid, &command, &[])?;
                }
                Ok(())
            },
        )?;
        scene.step(
            &format!("invalid channels, as {name}"),
            "one line, exit status 1",
            |scene| {
                // The last two are channel 1 if a number is truncated to 32 bits.
                for channel in [
                    "0",
                    "five",
                    "1x",
                    "",
                    "4294967296",
                    "4294967297",
                    "-4294967295",
                ] {
                    let mut command = vec![program, &path, channel];
                    command.extend(rest);
                    complains(scene, uid, &command, &[])?;
                }
                Ok(())
            },
        )?;
        scene.step(
            &format!("files that are not slots, as {name}"),
            "the errno",
            |scene| {
                let missing = ["No such file or directory"];
                complains(scene, uid, &command("/dev/no-such-slot", "1"), &missing)?;
                let other = ["Inappropriate ioctl for device"];
                complains(scene, uid, &command(NO_SLOT, "1"), &other)
            },
        )?;
    }
    scene.step("a slot of root's, as student", "EACCES", |scene| {
        let mut command = vec![program, &secret, "1"];
        command.extend(rest);
        complains(scene, STUDENT, &command, &["Permission denied"])
    })?;
    if rest.is_empty() {
        empty_and_full(scene, &path)
    } else {
        lengths(scene, &path, &witness)
    }
}

/// Errors of the sender only.
fn lengths(scene: &mut Scene<'_>, path: &str, witness: &SlotFile) -> Outcome {
    scene.step(
        "messages of 0 and of 129 bytes",
        "EMSGSIZE, and the old message stays",
        |scene| {
            let long = "x".repeat(MESSAGE_MAX + 1);
            for message in ["", &long] {
                let command = ["message_sender", path, "1", message];
                complains(scene, STUDENT, &command, &["Message too long"])?;
            }
            scene.expect_message(witness, b"old")
        },
    )
}

/// Errors of the reader only.
fn empty_and_full(scene: &mut Scene<'_>, path: &str) -> Outcome {
    scene.step(
        "an empty channel",
        "EWOULDBLOCK, which is EAGAIN",
        |scene| {
            let command = ["message_reader", path, "2"];
            let parts = ["Resource temporarily unavailable"];
            complains(scene, STUDENT, &command, &parts)
        },
    )?;
    scene.step("stdout is full", "ENOSPC, exit status 1", |scene| {
        let line = format!("message_reader {path} 1 > /dev/full");
        let program = scene.shell(0, &line)?;
        scene.expect_complaint(&program, &[Errno::ENOSPC.desc()])?;
        scene.expect_exit(&program, Exit::Status(1))
    })
}
