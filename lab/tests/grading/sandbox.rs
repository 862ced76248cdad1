// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a command in a sandbox can reach: nothing of the host. It ends in any case.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use lab_base::environment::command;
use lab_grade::{
    build_time::BuildTime,
    sandbox::{self, PATIENCE, Sandbox},
};

use crate::build::shop;

#[test]
fn a_command_in_a_sandbox_reaches_nothing() {
    let outside = tempfile::tempdir().unwrap();
    for has_proc in [false, true] {
        let mut sandbox = Sandbox::new(shop()).unwrap();
        if has_proc {
            sandbox.show_processes().unwrap();
        }
        reaches_nothing(&sandbox, outside.path());
    }
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[test]
fn a_command_in_a_sandbox_reaches_nothing_in_a_chroot_either() {
    let unshare = || {
        let mut unshare = command("unshare");
        unshare.args(["--map-root-user", "--mount"]);
        unshare
    };
    if !unshare().arg("true").status().unwrap().success() {
        // We are in one: it is what the other test has tried.
        Sandbox::new(shop()).unwrap();
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let script = "mount --rbind / \"$1\" && exec chroot \"$1\" \"$2\" --exact \"$3\"";
    let ended = unshare()
        .args(["sh", "-c", script, "sh"])
        .arg(root.path())
        .arg(std::env::current_exe().unwrap())
        .arg("sandbox::a_command_in_a_sandbox_reaches_nothing")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
}

/// As in a container without privileges: `/proc/sys` is read-only, and a part of `/proc` is covered,
/// so that the kernel lets nobody mount a new one.
#[test]
fn a_command_in_a_sandbox_reaches_nothing_in_a_container_either() {
    let script = "mount --rbind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys \
                  && mount -t tmpfs none /proc/fs && exec \"$1\" --exact \"$2\"";
    let ended = command("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", script, "sh"])
        .arg(std::env::current_exe().unwrap())
        .arg("sandbox::a_command_in_a_sandbox_reaches_nothing")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stdout) + String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
}

fn reaches_nothing(sandbox: &Sandbox, outside: &Path) {
    // Whoever shares our network can connect to it.
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listener = socket.local_addr().unwrap().to_string();
    let run = |script: &str| {
        let mut command = sandbox::command("sh");
        command.args(["-c", script]);
        sandbox.run(&command, PATIENCE).unwrap()
    };
    assert!(run("echo x > /w/mine && cat /w/mine").success);
    assert_eq!(
        fs::read_to_string(sandbox.path().join("mine")).unwrap(),
        "x\n"
    );
    // Should the sandbox have a hole, none of these does any harm: they open and do not write.
    for script in [
        format!("touch {}/x", outside.display()),
        ": >> /usr/bin/env".to_owned(),
        ": >> /x".to_owned(),
        ": >> /proc/sys/kernel/core_pattern".to_owned(),
        "ls /root /home".to_owned(),
        ": < /etc/shadow".to_owned(),
        "mount -t tmpfs x /w".to_owned(),
        "unshare --user true".to_owned(),
        "test -b /dev/vda || test -b /dev/sda".to_owned(),
        ": >> /dev/x".to_owned(),
        format!("bash -c ': < /dev/tcp/{}'", listener.replace(':', "/")),
        format!("kill -0 {}", std::process::id()),
    ] {
        let ended = run(&script);
        assert!(!ended.success, "{script}: {}", ended.said);
    }
    // Variables may hold secrets.
    let said = run("env").said;
    assert!(!said.contains("HOME=") && !said.contains("CARGO"), "{said}");
    assert!(run("yes | head -c 9000000").said.len() < 300_000);
    assert!(!run("head -c 200000000 /dev/zero > /w/large").success);
}

#[test]
fn a_command_sees_no_descriptor_and_no_variable_of_the_grader() {
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret");
    fs::write(&secret, "canary").unwrap();
    // As the shell that starts the grader may have it open: without close-on-exec.
    let open = fs::File::open(&secret).unwrap();
    nix::fcntl::fcntl(
        &open,
        nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty()),
    )
    .unwrap();
    let mut sandbox = Sandbox::new(shop()).unwrap();
    sandbox.show_processes().unwrap();
    let mut command = sandbox::command("sh");
    // Of all processes inside, the first one of bubblewrap included.
    let script = "cat /proc/[0-9]*/environ | tr '\\0' '\\n'; ls -l /proc/[0-9]*/fd/";
    command.args(["-c", script]);
    let said = sandbox.run(&command, PATIENCE).unwrap().said;
    let is_secret = |word: &&str| said.contains(*word);
    let secrets = ["canary", "secret", "CARGO", "HOME=", "IPCLAB"];
    assert_eq!(secrets.iter().find(|word| is_secret(word)), None, "{said}");
}

#[test]
fn the_words_of_a_command_are_never_taken_for_those_of_bubblewrap() {
    let sandbox = Sandbox::new(shop()).unwrap();
    for script in ["echo 'bwrap: x' >&2; exit 1", "echo 'bwrap: x'; kill -9 $$"] {
        let mut command = sandbox::command("sh");
        command.args(["-c", script]);
        let ended = sandbox.run(&command, PATIENCE).unwrap();
        assert!(!ended.success && ended.said == "bwrap: x\n", "{ended:?}");
    }
    let missing = sandbox::command("/no/such/program");
    let error = sandbox.run(&missing, PATIENCE).unwrap_err();
    assert!(
        error.to_string().contains("making a sandbox failed"),
        "{error}"
    );
}

#[test]
fn ctrl_c_ends_building() {
    let flag = Arc::new(AtomicBool::new(false));
    let sandbox = Sandbox::new(shop())
        .unwrap()
        .within(&BuildTime::until(flag.clone()));
    let mut command = sandbox::command("sleep");
    command.arg("100000");
    flag.store(true, Ordering::Relaxed);
    let error = sandbox.run(&command, PATIENCE).unwrap_err();
    assert!(matches!(error, lab_base::Error::Interrupted), "{error}");
}

#[test]
fn a_command_that_does_not_end_is_ended() {
    let sandbox = Sandbox::new(shop()).unwrap();
    let mut command = sandbox::command("sh");
    command.args(["-c", "echo begun; sleep 100000 & sleep 100000"]);
    // How long a busy host takes to begin is not known.
    for seconds in [2, 20, 200] {
        let limit = std::time::Duration::from_secs(seconds);
        let ended = sandbox.run(&command, limit).unwrap();
        assert!(ended.late && !ended.success);
        if !ended.said.is_empty() {
            assert_eq!(ended.said, "begun\n");
            return;
        }
    }
    panic!("it has never begun");
}

#[test]
fn a_command_that_fills_the_disk_is_ended() {
    let sandbox = Sandbox::new(shop()).unwrap();
    let mut command = sandbox::command("sh");
    // No file is too long, and all of them are too much.
    let script = "for i in 1 2 3 4 5 6 7 8 9 a b; do fallocate -l 100000000 $i; done; sleep 1000";
    command.args(["-c", script]);
    let ended = sandbox
        .run(&command, std::time::Duration::from_secs(300))
        .unwrap();
    assert!(ended.large && !ended.late && !ended.success, "{ended:?}");
}
