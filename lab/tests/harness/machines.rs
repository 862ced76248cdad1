// SPDX-License-Identifier: MIT OR Apache-2.0
//! Machines that continue from a saved state. A damaged state is noticed, costs one attempt, and
//! has no other effect. The states of these tests are in a cache of their own.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant, SystemTime},
};

use lab_agent::{Answer, Op};
use lab_base::Error;
use lab_machine::{Machine, confine, probe};
use lab_scene::{
    LooksAt, Scenario,
    test_machines::workshop,
    transcript::Status,
    workshop::{Start, Workshop},
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, geteuid},
};

/// A workshop whose saved machines and run directories are in `place`, and are removed with it.
struct Bench {
    place: tempfile::TempDir,
    workshop: Workshop,
}

impl Bench {
    fn new() -> Self {
        let known = workshop().unwrap_or_else(|error| panic!("{error}"));
        // The findings of the first boot are copied.
        known.probed().unwrap_or_else(|error| panic!("{error}"));
        let mut workshop = Workshop::open(Some(known.kernel.which), Start::Warm).unwrap();
        let probed = probe::file(&workshop.paths, &workshop.kernel).unwrap();
        let place = tempfile::tempdir_in(&workshop.paths.build).unwrap();
        let cache = place.path().join("cache");
        fs::create_dir(&cache).unwrap();
        fs::copy(&probed, cache.join(probed.file_name().unwrap())).unwrap();
        workshop.paths.cache = cache;
        workshop.paths.build = place.path().join("build");
        Bench { place, workshop }
    }

    fn machine(&self) -> Machine {
        self.workshop
            .machine()
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// Time of completion of the only state.
    fn made(&self) -> SystemTime {
        let file = self.file("state.toml");
        fs::metadata(file).unwrap().modified().unwrap()
    }

    /// A file of the only state.
    fn file(&self, name: &str) -> PathBuf {
        let states = fs::read_dir(&self.workshop.paths.cache).unwrap();
        let state = states
            .map(|entry| entry.unwrap().path())
            .find(|path| path.join("state.toml").exists());
        state.expect("a saved machine").join(name)
    }
}

/// A machine works, and is unused.
fn assert_pristine(machine: &mut Machine) {
    let mark = "/lab/mark";
    let read = Op::Read { path: mark.into() };
    assert!(machine.order("reading", read.clone()).unwrap().is_err());
    let op = Op::Put {
        path: mark.into(),
        mode: 0o644,
        data: lab_agent::Bytes(b"here".to_vec()),
    };
    assert_eq!(machine.order("writing", op).unwrap(), Ok(Answer::Done));
    assert!(machine.order("reading", read).unwrap().is_ok());
}

#[test]
fn machines_of_one_state_run_at_once_and_share_nothing() {
    let bench = Bench::new();
    let (mut first, mut second) = (bench.machine(), bench.machine());
    assert_pristine(&mut first);
    assert_pristine(&mut second);
    assert_pristine(&mut bench.machine());
}

#[test]
fn a_state_that_is_cut_short_or_changed_is_made_anew() {
    let bench = Bench::new();
    drop(bench.machine());
    for name in ["ram", "devices"] {
        let file = bench.file(name);
        let made = bench.made();
        let len = fs::metadata(&file).unwrap().len();
        fs::File::options()
            .write(true)
            .open(&file)
            .unwrap()
            .set_len(len - 1)
            .unwrap();
        assert_pristine(&mut bench.machine());
        assert_ne!(bench.made(), made, "{name}");
    }
}

#[test]
fn a_state_that_looks_whole_and_is_not_costs_one_attempt() {
    let bench = Bench::new();
    drop(bench.machine());
    let file = bench.file("devices");
    let modified: SystemTime = fs::metadata(&file).unwrap().modified().unwrap();
    let len = fs::metadata(&file).unwrap().len();
    fs::write(&file, vec![0xa5; len as usize]).unwrap();
    fs::File::options()
        .write(true)
        .open(&file)
        .unwrap()
        .set_modified(modified)
        .unwrap();
    assert_pristine(&mut bench.machine());
    assert_ne!(fs::read(bench.file("devices")).unwrap()[0], 0xa5);
}

#[test]
fn two_that_want_a_state_at_once_make_it_once() {
    let bench = Bench::new();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| assert_pristine(&mut bench.machine()));
        }
    });
    let states = fs::read_dir(&bench.workshop.paths.cache).unwrap();
    let directories = states.filter(|entry| entry.as_ref().unwrap().path().is_dir());
    assert_eq!(directories.count(), 1);
}

#[test]
fn a_kernel_that_does_not_boot_is_no_fault_of_a_state() {
    let mut bench = Bench::new();
    let image = bench.place.path().join("vmlinuz");
    fs::write(&image, b"no kernel").unwrap();
    bench.workshop.kernel.image = image;
    // virtme-ng looks for modules beside the image.
    bench.workshop.kernel.needs_modules = false;
    let error = bench.workshop.machine().err().expect("no machine");
    assert!(matches!(error, Error::Boot { .. }), "{error}");
    let left = fs::read_dir(&bench.workshop.paths.cache).unwrap();
    assert!(
        !left
            .map(|entry| entry.unwrap().path())
            .any(|path| path.is_dir())
    );
}

/// A machine of this workshop, named after its directory.
fn machine_in(workshop: &Workshop) -> Option<Pid> {
    let places = fs::read_dir(workshop.paths.build.join("run")).ok()?;
    let names: Vec<String> = places
        .flatten()
        .map(|place| format!("\0-name\0{}\0", place.file_name().display()))
        .collect();
    fs::read_dir("/proc").unwrap().flatten().find_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let command = fs::read_to_string(entry.path().join("cmdline")).ok()?;
        names
            .iter()
            .any(|name| command.contains(name))
            .then_some(Pid::from_raw(pid))
    })
}

/// A field of a process in `/proc/PID/status`.
fn status_of(pid: Pid, name: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_default()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn qemu_has_no_rights_and_no_way_to_the_saved_state() {
    let bench = Bench::new();
    let mut cold = bench.workshop.clone();
    cold.start = Start::Cold;
    // virtme-ng is installed.
    cold.paths.cache = workshop().unwrap().paths.cache.clone();
    let us = geteuid().as_raw();
    let uid = if confine::is_apart().is_ok() {
        confine::USER
    } else {
        us
    };
    for workshop in [&bench.workshop, &cold] {
        let mut machine = workshop.machine().unwrap_or_else(|error| panic!("{error}"));
        let pid = machine_in(workshop).expect("a machine");
        for (name, expected) in [
            ("Uid", format!("{uid} {uid} {uid} {uid}")),
            ("Seccomp", "2".into()),
            ("NoNewPrivs", "1".into()),
        ] {
            assert_eq!(status_of(pid, name), expected, "{name}");
        }
        if uid != us {
            assert_eq!(status_of(pid, "Gid"), format!("{uid} {uid} {uid} {uid}"));
            for name in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
                assert_eq!(status_of(pid, name), "0000000000000000", "{name}");
            }
        }
        reaches_nothing(pid, workshop);
        assert_pristine(&mut machine);
    }
    for (file, mode) in [(".", 0o700), ("ram", 0o600), ("devices", 0o600)] {
        let meta = fs::metadata(bench.file(file)).unwrap();
        assert_eq!(meta.mode() & 0o777, mode, "{file}");
        assert_eq!(meta.uid(), us, "{file}");
    }
}

/// Of the host, a process of QEMU has the variable PATH, and no descriptor but those that it was
/// given: pipes, sockets, what the kernel makes for it, and files of its machine.
fn reaches_nothing(pid: Pid, workshop: &Workshop) {
    let process = PathBuf::from(format!("/proc/{pid}"));
    let variables = fs::read(process.join("environ")).unwrap();
    let variables: Vec<_> = variables.split(|byte| *byte == 0).collect();
    let others = |variable: &&&[u8]| !variable.is_empty() && !variable.starts_with(b"PATH=");
    assert_eq!(variables.iter().find(others), None);
    let arguments = fs::read_to_string(process.join("cmdline")).unwrap();
    for device in ["-netdev", "-nic", "-drive", "-blockdev", "hostfwd"] {
        assert!(!arguments.contains(device), "{device}: {arguments}");
    }
    for entry in fs::read_dir(process.join("fd")).unwrap() {
        let target = fs::read_link(entry.unwrap().path()).unwrap();
        let shown = target.to_string_lossy();
        let kinds = [
            "pipe:",
            "socket:",
            "anon_inode:",
            "/memfd:",
            "/dev/null",
            "/dev/kvm",
        ];
        let is_given = kinds.iter().any(|kind| shown.starts_with(kind));
        let own = [&workshop.paths.build, &workshop.paths.cache];
        let is_of_machine = own.into_iter().any(|path| target.starts_with(path));
        assert!(is_given || is_of_machine, "{shown}");
    }
}

#[test]
fn qemu_that_is_killed_in_mid_restore_costs_one_attempt() {
    let bench = Bench::new();
    drop(bench.machine());
    let made = bench.made();
    let deadline = Instant::now() + Duration::from_secs(600);
    let find = || {
        assert!(Instant::now() < deadline, "no process was killed in time");
        machine_in(&bench.workshop)
    };
    while bench.made() == made {
        // The previous process was killed and may not have ended yet.
        while find().is_some() {}
        // On a busy host the machine may start before it is found; then there is another attempt.
        let mut machine = std::thread::scope(|scope| {
            scope.spawn(|| while find().is_none_or(|pid| kill(pid, Signal::SIGKILL).is_err()) {});
            bench.machine()
        });
        if bench.made() != made {
            assert_pristine(&mut machine);
        }
    }
}

#[test]
fn a_machine_that_is_lost_is_replaced_once_and_then_an_error() {
    static LOST: AtomicBool = AtomicBool::new(false);
    let lost_once = Scenario {
        id: "machines/lost-once",
        title: "the first machine is lost",
        looks_at: LooksAt::Module(&[]),
        run: |scene| {
            if !LOST.swap(true, Ordering::Relaxed) {
                return Err(lab_machine::Trouble::Lost("on purpose".into()).into());
            }
            scene.step("look", "there is a file", |scene| {
                scene.read("/proc/version").map(drop)
            })
        },
    };
    let workshop = workshop().unwrap_or_else(|error| panic!("{error}"));
    let machine = workshop.machine().unwrap_or_else(|error| panic!("{error}"));
    let mut kept = Some(machine);
    let mut carry_out = |scenario| {
        let ended = workshop.carry_out_on(&mut kept, scenario, 1, &mut |_| ());
        (ended.unwrap(), kept.is_some())
    };
    let (ended, is_kept) = carry_out(&lost_once);
    assert_eq!(ended.transcript.status(), Status::Pass);
    assert!(is_kept, "the second machine can be used again");

    let always_lost = Scenario {
        id: "machines/lost",
        title: "the agent is stopped",
        looks_at: LooksAt::Module(&[]),
        run: |scene| {
            scene.shell(0, "kill -STOP $(pidof lab-agent)")?;
            scene.read("/proc/version").map(drop)
        },
    };
    let (ended, is_kept) = carry_out(&always_lost);
    assert_eq!(
        ended.transcript.status(),
        Status::Error,
        "{}",
        ended.transcript.normalised()
    );
    assert!(!is_kept);
    let record = ended.transcript.normalised();
    assert!(!record.contains("is not built"), "{record}");
}

#[test]
fn what_a_kernel_says_by_itself_is_not_in_its_log() {
    let workshop = workshop().unwrap_or_else(|error| panic!("{error}"));
    let mut machine = workshop.machine().unwrap_or_else(|error| panic!("{error}"));
    for text in [
        "hrtimer: interrupt handler installed",
        "hrtimer: interrupt took 93320103 ns",
    ] {
        let op = Op::Mark { text: text.into() };
        assert_eq!(machine.order("logging", op).unwrap(), Ok(Answer::Done));
    }
    machine.sync_log().unwrap();
    let logged = machine.look(|observed| {
        let lines = observed.log.iter().map(|line| line.text.clone());
        lines
            .filter(|text| text.starts_with("hrtimer: "))
            .collect::<Vec<_>>()
    });
    assert_eq!(logged, ["hrtimer: interrupt handler installed"]);
}

#[test]
fn scenarios_cannot_tell_how_a_machine_came_to_life() {
    let known = workshop().unwrap_or_else(|error| panic!("{error}"));
    let which = Some(known.kernel.which);
    let records = [Start::Cold, Start::Warm].map(|start| {
        let workshop = Workshop::open(which, start).unwrap();
        let mut machine = workshop.machine().unwrap_or_else(|error| panic!("{error}"));
        [
            "part2/H1-demonstration",
            "part3/L1-demonstration",
            "message-slot/R6-demonstration",
        ]
        .map(|id| {
            let scenario = lab_stages::find(id).unwrap_or_else(|| panic!("unknown scenario {id}"));
            let ended = lab_scene::perform(scenario, &workshop, &mut machine, 1, &mut |_| ());
            assert_eq!(ended.transcript.status(), Status::Pass);
            ended.transcript.normalised()
        })
    });
    assert_eq!(records[0], records[1]);
}
