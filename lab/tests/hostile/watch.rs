// SPDX-License-Identifier: MIT OR Apache-2.0
//! Watching a run of the grader: its own memory, and the processes that it has started.

use std::{
    collections::HashSet,
    fs,
    io::Read,
    os::fd::AsFd,
    process::{Child, ChildStdout, ExitStatus},
    time::{Duration, Instant},
};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// No row may take longer, however busy the host is. Building has 15 minutes, and rows have few
/// checks.
const LIMIT: Duration = Duration::from_secs(2700);

/// How often processes are looked at.
const LOOK_MS: u16 = 100;

/// How long a killed process may take to end on a busy host.
const DYING: Duration = Duration::from_secs(120);

/// What was seen of a run.
pub(crate) struct Watched {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    /// The most memory of the grader itself, in KiB. That of compilers and machines is limited
    /// elsewhere, and wait4(2) would count it.
    pub(crate) peak_kib: u64,
    /// Processes of the run that live on: their names.
    pub(crate) left: Vec<String>,
    pub(crate) is_late: bool,
}

/// A process: its id, and its start, so that another with the same id is not taken for it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Process {
    pid: u32,
    start: u64,
}

/// Wait for the end of the grader.
pub(crate) fn watch(mut child: Child) -> Watched {
    let mut pipe = child.stdout.take().unwrap();
    let end = Instant::now() + LIMIT;
    let mut stdout = Vec::new();
    let mut seen = HashSet::new();
    let mut peak_kib = 0;
    let mut is_late = false;
    while !read_on(&mut pipe, &mut stdout) {
        peak_kib = peak_kib.max(memory_of(child.id()));
        seen.extend(descendants(child.id()));
        if Instant::now() > end {
            is_late = true;
            child.kill().unwrap();
            break;
        }
    }
    let status = child.wait().unwrap();
    Watched {
        status,
        stdout,
        peak_kib,
        left: left(&seen),
        is_late,
    }
}

/// Read what is there; says whether it was the end.
fn read_on(pipe: &mut ChildStdout, stdout: &mut Vec<u8>) -> bool {
    let mut fds = [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)];
    if poll(&mut fds, PollTimeout::from(LOOK_MS)).unwrap_or(0) == 0 {
        return false;
    }
    let mut buffer = [0; 65536];
    let count = pipe.read(&mut buffer).unwrap();
    stdout.extend_from_slice(&buffer[..count]);
    count == 0
}

/// The high-water mark of a process's memory in KiB (proc_pid_status(5)).
fn memory_of(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|it| it.parse().ok()).unwrap_or(0)
}

/// State, parent and start of a process (proc_pid_stat(5)), and its name.
fn stat(pid: u32) -> Option<(char, u32, u64, String)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // A name may contain anything.
    let (before, after) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = after.split_whitespace().collect();
    let name = before.split_once('(')?.1.to_owned();
    Some((
        fields[0].chars().next()?,
        fields[1].parse().ok()?,
        fields[19].parse().ok()?,
        name,
    ))
}

/// All processes below one.
fn descendants(root: u32) -> HashSet<Process> {
    let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let name = entry.ok()?.file_name();
        name.to_str()?.parse::<u32>().ok()
    });
    let all: Vec<(Process, u32)> = pids
        .filter_map(|pid| {
            let (_, parent, start, _) = stat(pid)?;
            Some((Process { pid, start }, parent))
        })
        .collect();
    let mut parents = vec![root];
    let mut found = HashSet::new();
    while let Some(parent) = parents.pop() {
        for (process, of) in &all {
            if *of == parent && found.insert(*process) {
                parents.push(process.pid);
            }
        }
    }
    found
}

/// Which of these processes live, when the killed ones had time to end.
fn left(seen: &HashSet<Process>) -> Vec<String> {
    let end = Instant::now() + DYING;
    loop {
        let lives = |process: &Process| match stat(process.pid) {
            Some((state, _, start, name)) if start == process.start => {
                (!matches!(state, 'Z' | 'X')).then(|| format!("{name} ({})", process.pid))
            }
            _ => None,
        };
        let living: Vec<String> = seen.iter().filter_map(lives).collect();
        if living.is_empty() || Instant::now() > end {
            return living;
        }
        let none = &mut [];
        let _ = poll(none, PollTimeout::from(LOOK_MS));
    }
}
