// SPDX-License-Identifier: MIT OR Apache-2.0
//! The agent: a static binary that runs inside the virtual machine, takes orders from the host and
//! reports observations. It decides nothing. `lib.rs` defines the lines.

mod actor;
mod faults;
mod kernel;
mod memory;
mod passing;
mod processes;
mod protect;
mod reporter;
mod stacks;
mod terminal;

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::{fd::AsRawFd, unix::fs::PermissionsExt},
    process::ExitCode,
    thread,
};

use lab_agent::{AgentReport, Answer, CallResult, Op, Order, PORT_NAME, Refusal, WORK_DIR};
use nix::{
    errno::Errno,
    sys::socket::{
        AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, socket,
    },
};

use reporter::Reporter;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("actor") => return actor::run(),
        Some("terminal") => return terminal::run(arguments),
        _ => {}
    }
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("agent: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Find the port, say hello, carry out orders until the host hangs up.
fn serve() -> std::io::Result<()> {
    nix::mount::mount(
        Some("lab"),
        WORK_DIR,
        Some("tmpfs"),
        nix::mount::MsFlags::empty(),
        Some("mode=755"),
    )?;
    protect::settings();
    let port = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(wait_for_port()?)?;
    let orders = BufReader::new(port.try_clone()?);
    let reporter = Reporter::new(port);
    let processes = processes::Processes::new(reporter.clone());

    kernel::follow_log(reporter.clone())?;
    let release = nix::sys::utsname::uname()?
        .release()
        .to_string_lossy()
        .into_owned();
    reporter.report(&AgentReport::Hello { release });

    for line in orders.lines() {
        let Ok(Order { id, op }) = serde_json::from_str(&line?) else {
            eprintln!("agent: an order cannot be parsed");
            continue;
        };
        // A thread for each order, because one that hangs in the kernel must not stop the others.
        let (reporter, processes) = (reporter.clone(), processes.clone());
        thread::Builder::new()
            .name(format!("order-{id}"))
            .spawn(move || {
                let outcome = carry_out(op, &processes, &reporter);
                reporter.report(&AgentReport::Answer { id, outcome });
            })?;
    }
    Ok(())
}

/// Wait for the lab's virtio-serial port and return its device node. QEMU announces the port, and
/// later its name, after the driver has started. On a busy host this is later than the start of the
/// agent.
fn wait_for_port() -> std::io::Result<String> {
    let events = socket(
        AddressFamily::Netlink,
        SockType::Datagram,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::NetlinkKObjectUEvent,
    )?;
    // Events of the kernel itself, not those that udev passes on.
    bind(events.as_raw_fd(), &NetlinkAddr::new(0, 1))?;
    loop {
        if let Some(port) = find_port()? {
            return Ok(port);
        }
        match recv(events.as_raw_fd(), &mut [0; 1], MsgFlags::empty()) {
            // Lost events may have included that of the port.
            Ok(_) | Err(Errno::ENOBUFS | Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// Device node of the lab's virtio-serial port. The guest has no udev that would make a link by
/// name.
fn find_port() -> std::io::Result<Option<String>> {
    for entry in fs::read_dir("/sys/class/virtio-ports")? {
        let entry = entry?;
        let name = fs::read_to_string(entry.path().join("name")).unwrap_or_default();
        if name.trim() == PORT_NAME {
            let name = entry.file_name();
            return Ok(Some(format!("/dev/{}", name.to_string_lossy())));
        }
    }
    Ok(None)
}

fn carry_out(op: Op, processes: &processes::Processes, reporter: &Reporter) -> CallResult {
    match op {
        Op::Ping { key } => {
            reporter.use_key(key);
            Ok(Answer::Done)
        }
        Op::Put { path, mode, data } => fs::write(&path, &data.0)
            .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(mode)))
            .map(|()| Answer::Done)
            .map_err(|error| Refusal::io("write", &error)),
        Op::Control { path, text } => fs::OpenOptions::new()
            .write(true)
            .open(&path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .map(|()| Answer::Done)
            .map_err(|error| Refusal::io("write", &error)),
        Op::MakeDevice {
            path,
            major,
            minor,
            mode,
        } => kernel::make_device(&path, major, minor, mode),
        Op::Read { path } => fs::read(&path)
            .map(|data| Answer::Data(lab_agent::Bytes(data)))
            .map_err(|error| Refusal::io("read", &error)),
        Op::Lines { path, text } => kernel::lines(&path, &text)
            .map(|data| Answer::Data(lab_agent::Bytes(data)))
            .map_err(|error| Refusal::io("read", &error)),
        Op::AllocTraces { text } => kernel::alloc_traces(&text)
            .map(|data| Answer::Data(lab_agent::Bytes(data)))
            .map_err(|error| Refusal::io("read", &error)),
        Op::Stacks => stacks::of_all()
            .map(|data| Answer::Data(lab_agent::Bytes(data)))
            .map_err(|error| Refusal::io("read", &error)),
        Op::Insert { path, params } => kernel::insert(&path, &params),
        Op::Remove { name } => kernel::remove(&name),
        // Without the newline, the record stays open and cannot be read until the next one.
        Op::Mark { text } => fs::write("/dev/kmsg", format!("<6>{text}\n"))
            .map(|()| Answer::Done)
            .map_err(|error| Refusal::io("write", &error)),
        Op::Spawn {
            process,
            argv,
            uid,
            stdin,
        } => processes.spawn(process, &argv, uid, stdin),
        Op::Write { process, data } => processes.write(process, &data.0),
        Op::CloseStdin { process } => processes.close_stdin(process),
        Op::Signal { process, signal } => processes.signal(process, signal),
        Op::PowerOff => {
            match nix::sys::reboot::reboot(nix::sys::reboot::RebootMode::RB_POWER_OFF) {
                Ok(never) => match never {},
                Err(errno) => Err(Refusal::new("reboot", errno)),
            }
        }
    }
}
