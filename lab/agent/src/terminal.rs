// SPDX-License-Identifier: MIT OR Apache-2.0
//! A program on a terminal of its own, and its output there.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    process::{Command, ExitCode},
};

use nix::{
    errno::Errno,
    mount::{MsFlags, mount},
    pty::{Winsize, openpty},
    sys::termios::{self, SetArg},
};

/// Directory of terminals (pts(4)).
const TERMINALS: &str = "/dev/pts";

/// `both|stdout|stderr PROGRAM [ARGUMENT]...`: run the program with these of its outputs on a
/// terminal. The terminal's output goes to stdout, or to stderr if only stderr is a terminal.
pub(crate) fn run(mut arguments: impl Iterator<Item = String>) -> ExitCode {
    let (outputs, program) = (arguments.next(), arguments.next());
    let (Some(outputs), Some(program)) = (outputs, program) else {
        eprintln!("terminal: expected both, stdout or stderr, and a program");
        return ExitCode::FAILURE;
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "the guest has no environment to hide"
    )]
    let mut command = Command::new(program);
    command.args(arguments).env("TERM", "xterm");
    show(&outputs, command).unwrap_or_else(|error| {
        eprintln!("terminal: {error}");
        ExitCode::FAILURE
    })
}

fn show(outputs: &str, mut command: Command) -> io::Result<ExitCode> {
    fs::create_dir_all(TERMINALS)?;
    let none: Option<&str> = None;
    match mount(none, TERMINALS, Some("devpts"), MsFlags::empty(), none) {
        // Another order has mounted it.
        Ok(()) | Err(Errno::EBUSY) => {}
        Err(errno) => return Err(errno.into()),
    }
    let size = Winsize {
        ws_row: 24,
        ws_col: 80,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let pty = openpty(&size, None)?;
    // Output is not changed: no "\r" before each "\n".
    let mut raw = termios::tcgetattr(&pty.slave)?;
    termios::cfmakeraw(&mut raw);
    termios::tcsetattr(&pty.slave, SetArg::TCSANOW, &raw)?;
    if outputs != "stderr" {
        command.stdout(pty.slave.try_clone()?);
    }
    if outputs != "stdout" {
        command.stderr(pty.slave.try_clone()?);
    }
    let mut child = command.spawn()?;
    // When all copies of this end are closed, the other end ends.
    drop((command, pty.slave));
    let mut shown: Box<dyn Write> = if outputs == "stderr" {
        Box::new(io::stderr())
    } else {
        Box::new(io::stdout())
    };
    let mut terminal = File::from(pty.master);
    let mut buffer = [0; 4096];
    // A read from a terminal whose other end is closed fails with EIO.
    while let Ok(len @ 1..) = terminal.read(&mut buffer) {
        shown.write_all(&buffer[..len])?;
        shown.flush()?;
    }
    let code = child
        .wait()?
        .code()
        .and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
