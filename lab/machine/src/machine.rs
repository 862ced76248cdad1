// SPDX-License-Identifier: MIT OR Apache-2.0
//! A running machine: orders to its agent, and waiting for the results.

mod limits;

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    net::Shutdown,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError},
    thread,
    time::{Duration, Instant},
};

use lab_agent::{Answer, Bytes, CallResult, Op, Order, ProcessId, Stdin, WORK_DIR};
use lab_base::{Error, Result, random::draw_key, run_directory::RunDirectory};

use crate::{
    observed::{Observed, Process, Shared, Trouble, listen},
    patience::{Sample, TotalPatience},
    qemu::{Launch, Qemu},
};

/// Deadline of an action on a machine with speed factor 1. Such a machine boots the lab kernel in
/// [`crate::probe::REFERENCE_BOOT`].
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A machine whose agent has said hello.
pub struct Machine {
    // Dropped first: QEMU ends before its directory is removed.
    qemu: Qemu,
    /// Removed with the machine.
    _directory: RunDirectory,
    to_agent: UnixStream,
    shared: Arc<Shared>,
    /// The beginning of each line of the agent.
    key: String,
    next: u64,
    /// Files that were copied into this machine already, by their path in the guest.
    put: BTreeMap<String, PathBuf>,
    /// Time from the start of QEMU to the agent's hello, or to its first answer after a restore.
    pub start_time: Duration,
    /// The same, without the time in which the host had no processor for the machine.
    pub(crate) start_effort: Duration,
    /// `uname -r`, as the guest reports it.
    pub release: String,
    /// Factor of all deadlines; at least 1.
    pub slowness: f64,
    /// After this time every wait ends, whatever its own limit.
    in_all: Option<TotalPatience>,
}

impl Machine {
    /// Start QEMU, and listen for its agent.
    fn launch(launch: Launch, directory: RunDirectory) -> Result<Self> {
        let (to_agent, theirs) = UnixStream::pair().map_err(Error::io("creating a socket pair"))?;
        let shared = Arc::new(Shared::default());
        let key = draw_key()?;
        let expected = key.clone();
        let (on_console, on_end) = (shared.clone(), shared.clone());
        let qemu = Qemu::start(
            launch,
            theirs.into(),
            directory.path(),
            move |bytes| on_console.update(|observed| observed.add_to_console(bytes)),
            move |why, killed| {
                on_end.update(|observed| observed.trouble = Some(Trouble::Ended { why, killed }));
            },
        )?;
        let from_agent = to_agent
            .try_clone()
            .map_err(Error::io("duplicating a socket"))?;
        let reports = shared.clone();
        thread::Builder::new()
            .name("agent".into())
            .spawn(move || listen(from_agent, &expected, &reports))
            .map_err(Error::io("starting a thread"))?;
        Ok(Machine {
            qemu,
            _directory: directory,
            to_agent,
            shared,
            key,
            next: 0,
            put: BTreeMap::new(),
            start_time: Duration::ZERO,
            start_effort: Duration::ZERO,
            release: String::new(),
            slowness: 1.0,
            in_all: None,
        })
    }

    /// Boot a kernel and wait until the agent says hello.
    ///
    /// # Errors
    /// [`Error::Boot`] if the machine ends, or if the agent says nothing within `limit`.
    pub fn boot(
        launch: Launch,
        directory: RunDirectory,
        limit: Duration,
        keep_console: &Path,
    ) -> Result<Self> {
        let begin = Instant::now();
        let mut machine = Machine::launch(launch, directory)?;
        match machine.wait(limit, |observed| observed.release.clone()) {
            Ok(Some(release)) => machine.release = release,
            Ok(None) => {
                let why = format!("its agent said nothing for {} s", limit.as_secs());
                return Err(machine.boot_error(why, keep_console));
            }
            Err(trouble) => return Err(machine.boot_error(trouble.to_string(), keep_console)),
        }
        machine.start_time = begin.elapsed();
        machine.start_effort = Sample::of(&[machine.qemu.pid()]).counted(machine.start_time);
        machine.authenticate(keep_console)?;
        Ok(machine)
    }

    /// Give the agent the key of this machine, before any other code can run in the guest.
    fn authenticate(&mut self, keep_console: &Path) -> Result<()> {
        let key = self.key.clone();
        let why = match self.order("the first order", Op::Ping { key }) {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(refusal)) => refusal.to_string(),
            Err(trouble) => trouble.to_string(),
        };
        Err(self.boot_error(why, keep_console))
    }

    /// Make `load` fill a machine that waits for a saved state. Wait until the agent answers; it
    /// has said hello before the state was saved.
    ///
    /// # Errors
    /// [`Error::Boot`] if the machine ends, or does not answer within [`PATIENCE`], scaled.
    pub(crate) fn restore(
        launch: Launch,
        directory: RunDirectory,
        load: impl FnOnce(&mut Self) -> Result<()>,
        keep_console: &Path,
    ) -> Result<Self> {
        let begin = Instant::now();
        let mut machine = Machine::launch(launch, directory)?;
        load(&mut machine)?;
        machine.authenticate(keep_console)?;
        machine.start_time = begin.elapsed();
        Ok(machine)
    }

    /// Wait until QEMU has ended after an order to quit; `false` if it has not ended within
    /// `limit`.
    pub(crate) fn wait_for_end(&self, limit: Duration) -> bool {
        self.wait(limit, |_| None::<()>).is_err()
    }

    fn boot_error(&self, why: String, keep_console: &Path) -> Error {
        let text = self.console();
        let excerpt = lab_console::first_report(&text)
            .map_or_else(|| lab_console::tail(&text, 15), |report| report.excerpt);
        let console = match self.keep_console(keep_console) {
            Ok(()) => keep_console.to_owned(),
            Err(error) => return error,
        };
        Error::Boot {
            why,
            excerpt: indent(&excerpt),
            console,
        }
    }

    /// Copy the whole console to a file that outlives the machine.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn keep_console(&self, file: &Path) -> Result<()> {
        lab_base::paths::write_if_changed(file, self.console().as_bytes(), 0o644)
    }

    /// The whole console.
    pub fn console(&self) -> String {
        String::from_utf8_lossy(&self.shared.lock().console).into_owned()
    }

    /// Read the observations made so far.
    pub fn look<T>(&self, at: impl FnOnce(&Observed) -> T) -> T {
        at(&self.shared.lock())
    }

    /// Wait until `find` finds something in the observations, for at most `limit`, which is not
    /// scaled. Time in which the host is busy does not count. `None` after that.
    ///
    /// # Errors
    /// The [`Trouble`] of the machine. Earlier observations are searched first.
    pub fn wait<T>(
        &self,
        limit: Duration,
        mut find: impl FnMut(&mut Observed) -> Option<T>,
    ) -> Result<Option<T>, Trouble> {
        let mut patience = self.patience(limit);
        let mut observed = self.shared.lock();
        loop {
            if let Some(found) = find(&mut observed) {
                return Ok(Some(found));
            }
            if let Some(trouble) = &observed.trouble {
                return Err(trouble.clone());
            }
            let left = patience.left().min(self.left_in_all());
            if left.is_zero() {
                return Ok(None);
            }
            let (guard, _) = self
                .shared
                .changed
                .wait_timeout(observed, left)
                .unwrap_or_else(PoisonError::into_inner);
            observed = guard;
        }
    }

    /// Give the agent an order and wait for its answer.
    ///
    /// # Errors
    /// [`Trouble::Hung`] if there is none within [`PATIENCE`], scaled.
    pub fn order(&mut self, what: &str, op: Op) -> Result<CallResult, Trouble> {
        self.order_within(self.scaled(PATIENCE), what, op)
    }

    /// The same with another limit, which is not scaled.
    ///
    /// # Errors
    /// [`Trouble::Hung`].
    pub fn order_within(
        &mut self,
        after: Duration,
        what: &str,
        op: Op,
    ) -> Result<CallResult, Trouble> {
        self.next += 1;
        let id = self.next;
        self.shared.lock().asked.insert(id);
        self.send(&Order { id, op })?;
        self.wait(after, |observed| observed.answers.remove(&id))?
            .ok_or(Trouble::Hung {
                what: what.to_owned(),
                after,
            })
    }

    fn send(&mut self, order: &Order) -> Result<(), Trouble> {
        let lost = |error: &dyn std::fmt::Display| Trouble::Host(error.to_string());
        let mut line = serde_json::to_vec(order).map_err(|error| lost(&error))?;
        line.push(b'\n');
        if let Err(error) = self.to_agent.write_all(&line) {
            // If QEMU has ended, this is the better reason. It is noticed a moment later.
            self.wait(Duration::from_secs(5), |_| None::<()>)?;
            return Err(lost(&error));
        }
        Ok(())
    }

    /// Copy a host file into the guest's work directory and return its path there. A file that has
    /// not changed since the last copy is not sent again.
    ///
    /// # Errors
    /// [`Trouble`]; [`Trouble::Host`] if a file cannot be read here, [`Trouble::Lost`] if it cannot be
    /// written in the guest.
    pub fn put(&mut self, file: &Path) -> Result<String, Trouble> {
        let name = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let path = format!("{WORK_DIR}/{name}");
        if self.put.get(&path).is_some_and(|from| from == file) {
            return Ok(path);
        }
        let data = fs::read(file)
            .map_err(|error| Trouble::Host(format!("reading {}: {error}", file.display())))?;
        let op = Op::Put {
            path: path.clone(),
            mode: 0o755,
            data: Bytes(data),
        };
        match self.order(&format!("sending {name}"), op)? {
            Ok(_) => {
                self.put.insert(path.clone(), file.to_owned());
                Ok(path)
            }
            Err(refusal) => Err(Trouble::Lost(format!("sending {name}: {refusal}"))),
        }
    }

    /// Start a process in the guest: its number, and its pid or the refusal.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn spawn(
        &mut self,
        argv: Vec<String>,
        uid: u32,
        stdin: Stdin,
    ) -> Result<(ProcessId, Result<u32, lab_agent::Refusal>), Trouble> {
        self.next += 1;
        let process = self.next;
        self.shared
            .lock()
            .processes
            .insert(process, Process::default());
        let what = format!("starting {}", argv.join(" "));
        let answer = self.order(
            &what,
            Op::Spawn {
                process,
                argv,
                uid,
                stdin,
            },
        )?;
        match answer {
            Ok(Answer::Started { pid }) => Ok((process, Ok(pid))),
            Ok(other) => Err(Trouble::Lost(format!(
                "{what}: expected a pid, found {other:?}"
            ))),
            Err(refusal) => Ok((process, Err(refusal))),
        }
    }

    /// The present length of the kernel's log. After the call, [`Observed::log`] has everything
    /// that was logged before it: a mark is written into the log and awaited.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn sync_log(&mut self) -> Result<usize, Trouble> {
        let mark = format!("{MARK}{}", self.next + 1);
        let outcome = self.order(
            "writing a mark into the log",
            Op::Mark { text: mark.clone() },
        )?;
        outcome.map_err(|refusal| Trouble::Lost(refusal.to_string()))?;
        let after = self.scaled(PATIENCE);
        let found = self.wait(after, |observed| {
            observed.log.iter().rposition(|line| line.text == mark)
        })?;
        found.ok_or(Trouble::Hung {
            what: "the kernel's log".into(),
            after,
        })
    }
}

/// Prefix of the marks that [`Machine::sync_log`] writes into the log.
pub const MARK: &str = "ipclab: mark ";

impl Drop for Machine {
    fn drop(&mut self) {
        // The agent's thread ends with the socket.
        let _ = self.to_agent.shutdown(Shutdown::Both);
    }
}

/// Indent every line by two spaces, with a newline at the end.
fn indent(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}
