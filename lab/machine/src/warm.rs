// SPDX-License-Identifier: MIT OR Apache-2.0
//! Saved machines: a machine that has booted once is saved. Others continue from its state, each
//! with a pristine kernel, a fraction of a second later.
//!
//! The memory of the machine to be saved is a file in memory from the start, and is then written to
//! the disk. A restored machine maps a sealed copy of it privately. So it keeps its writes to
//! itself, several machines share one copy, and no guest can change the state for the next. QEMU
//! itself saves and loads only the devices, a third of a megabyte.

use std::{
    fs::{self, DirBuilder},
    io::ErrorKind,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::fs::{DirBuilderExt, MetadataExt},
    },
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use lab_base::{
    Error, Result,
    paths::{self, Paths},
};
use lab_build::initramfs;
use nix::sys::statvfs::statvfs;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    machine::Machine,
    memory,
    monitor::{self, Monitor},
    probe::{self, ProbeResult},
    qemu::{self, GuestMemory, Launch},
    site::Site,
};

/// Number of states that are kept for one kernel. Older ones belong to other agents or versions of
/// QEMU.
const KEPT: usize = 4;

/// File with the memory of a saved machine.
const RAM: &str = "ram";
/// File with the rest of a saved machine.
const DEVICES: &str = "devices";

/// Bytes that a state takes besides the memory of the machine: devices, console.
const REST_MIB: u64 = 4;

/// How long QEMU may take to quit.
const QUIT_LIMIT: Duration = Duration::from_secs(60);

/// Description of a saved machine; the file `state.toml`, which is written last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct State {
    /// `uname -r`.
    release: String,
    ram: Stamp,
    devices: Stamp,
}

/// Size and times of a file when the state was complete.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Stamp {
    bytes: u64,
    seconds: i64,
    nanoseconds: i64,
}

impl Stamp {
    fn of(file: &Path) -> Result<Self> {
        let meta =
            fs::metadata(file).map_err(Error::io(format!("looking at {}", file.display())))?;
        Ok(Stamp {
            bytes: meta.len(),
            seconds: meta.mtime(),
            nanoseconds: meta.mtime_nsec(),
        })
    }
}

/// The memory of the machine restored last. A program reads it once, instead of once per machine.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept(Arc<Mutex<Option<(State, OwnedFd)>>>);

/// The place for the saved machine of one kernel, which may be empty.
pub(crate) struct SavedMachine<'a> {
    site: &'a Site,
    kept: &'a Kept,
    archive: Vec<u8>,
    directory: PathBuf,
    kvm: bool,
    slowness: f64,
}

impl<'a> SavedMachine<'a> {
    /// The place for this kernel, agent, QEMU and host. Its name depends on everything that a state
    /// depends on.
    ///
    /// # Errors
    /// [`Error::Missing`] for a missing prerequisite.
    pub(crate) fn new(site: &'a Site, kept: &'a Kept, probed: &ProbeResult) -> Result<Self> {
        let (paths, kernel) = (&site.paths, &site.kernel);
        let archive = initramfs::archive(kernel, site.agent())?;
        let memory_mib = kernel.which.memory_mib();
        // The numbers of descriptors are not part of the name.
        let boot = GuestMemory::Boot {
            kernel,
            image: 0,
            initramfs: 0,
        };
        let commands = [boot, GuestMemory::Restore]
            .map(|memory| qemu::direct_command(memory, 0, memory_mib, probed.kvm).join(" "));
        let key = paths::digest([
            probe::key(kernel)?.as_bytes(),
            commands[0].as_bytes(),
            commands[1].as_bytes(),
            &archive,
        ]);
        Ok(SavedMachine {
            site,
            kept,
            archive,
            directory: paths.cache.join(format!("warm-{}-{key}", kernel.which)),
            kvm: probed.kvm,
            slowness: probed.slowness(),
        })
    }

    /// A machine that continues from the saved state. The state is made if it does not exist. A
    /// state that is damaged, or that does not start, is removed and made again, once.
    ///
    /// # Errors
    /// [`Error::Space`] if there is no room for a state; [`Error::Boot`] if the kernel does not
    /// boot, or if the second attempt fails too.
    pub(crate) fn machine(&self) -> Result<Machine> {
        if self.state()?.is_none() {
            self.make()?;
        }
        match self.restore() {
            Err(error) => {
                eprintln!("a saved machine did not start, and is made again: {error}");
                self.discard()?;
                self.make()?;
                self.restore()
            }
            restored => restored,
        }
    }

    /// The state, if it exists and is complete.
    fn state(&self) -> Result<Option<State>> {
        let _lock = paths::lock_shared(&self.lock_file())?;
        self.read_state()
    }

    fn read_state(&self) -> Result<Option<State>> {
        let Ok(text) = fs::read_to_string(self.directory.join("state.toml")) else {
            return Ok(None);
        };
        let Ok(state) = toml::from_str::<State>(&text) else {
            return Ok(None);
        };
        let whole = Stamp::of(&self.directory.join(RAM)).is_ok_and(|ram| ram == state.ram)
            && Stamp::of(&self.directory.join(DEVICES))
                .is_ok_and(|devices| devices == state.devices);
        if !whole {
            eprintln!("a saved machine is damaged, and is made again");
        }
        Ok(whole.then_some(state))
    }

    fn lock_file(&self) -> PathBuf {
        self.directory.with_extension("lock")
    }

    /// Disk space of the state's files, in bytes.
    ///
    /// # Errors
    /// [`Error::Io`] if there is none.
    pub(crate) fn bytes(&self) -> Result<u64> {
        /// Unit of `st_blocks` (stat(2)).
        const BLOCK: u64 = 512;
        [RAM, DEVICES].iter().try_fold(0, |sum, name| {
            let file = self.directory.join(name);
            let meta =
                fs::metadata(&file).map_err(Error::io(format!("looking at {}", file.display())))?;
            Ok(sum + meta.blocks() * BLOCK)
        })
    }

    /// A machine that continues from the state.
    ///
    /// # Errors
    /// [`Error::Boot`] if it does not start, [`Error::Unexpected`] if there is no state.
    pub(crate) fn restore(&self) -> Result<Machine> {
        // Until the files have been read, no other run may remove them.
        let _lock = paths::lock_shared(&self.lock_file())?;
        let state = self.read_state()?;
        let state = state.ok_or_else(|| Error::Unexpected("its state has been removed".into()))?;
        let ram = self.ram(&state)?;
        let file = self.directory.join(DEVICES);
        let devices = fs::read(&file).map_err(Error::io(format!("reading {}", file.display())))?;
        let (ours, theirs) = monitor::pair()?;
        let mib = self.site.kernel.which.memory_mib();
        let launch = Launch {
            command: qemu::direct_command(GuestMemory::Restore, ram.as_raw_fd(), mib, self.kvm),
            files: vec![ram],
            monitor: Some(theirs),
        };
        Machine::restore(
            launch,
            self.site.run_directory()?,
            |machine| {
                machine.release = state.release;
                machine.slowness = self.slowness;
                Monitor::connect(ours)?.load(devices)
            },
            &self.site.console_file("restore"),
        )
    }

    /// A sealed descriptor of the memory that belongs to `state`.
    fn ram(&self, state: &State) -> Result<OwnedFd> {
        let mut kept = self.kept.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.as_ref().is_none_or(|(of, _)| of != state) {
            // Dropped first, so that memory does not hold both copies at once.
            *kept = None;
        }
        let ram = match kept.take() {
            Some((_, ram)) => ram,
            None => {
                let file = self.directory.join(RAM);
                memory::load(&file).map_err(Error::io(format!("reading {}", file.display())))?
            }
        };
        let another = ram
            .try_clone()
            .map_err(Error::io("duplicating a descriptor"))?;
        *kept = Some((state.clone(), ram));
        Ok(another)
    }

    /// Remove the state.
    fn discard(&self) -> Result<()> {
        let _lock = paths::lock(&self.lock_file())?;
        remove(&self.directory)
    }

    /// Boot a machine and save it, unless another run has saved one meanwhile.
    fn make(&self) -> Result<()> {
        let _lock = paths::lock(&self.lock_file())?;
        if self.read_state()?.is_some() {
            return Ok(());
        }
        remove(&self.directory)?;
        DirBuilder::new()
            .mode(0o700)
            .create(&self.directory)
            .map_err(Error::io(format!("creating {}", self.directory.display())))?;
        let made = self.find_room().and_then(|()| self.boot_and_save());
        if let Err(error) = made {
            let free_mib = self.free_mib();
            // Disk space of a failed attempt is freed.
            let _ = remove(&self.directory);
            return Err(match error {
                Error::Io { source, .. }
                    if matches!(
                        source.kind(),
                        ErrorKind::StorageFull | ErrorKind::QuotaExceeded
                    ) =>
                {
                    self.no_room(free_mib?)
                }
                _ => error,
            });
        }
        forget_old(&self.site.paths, &self.directory);
        Ok(())
    }

    /// Whether there is room for all of a machine's memory. A machine uses only a part of it before
    /// it is saved, but the size of this part is unknown. Booting in vain would cost more.
    fn find_room(&self) -> Result<()> {
        let free_mib = self.free_mib()?;
        if free_mib < self.site.kernel.which.memory_mib() + REST_MIB {
            return Err(self.no_room(free_mib));
        }
        Ok(())
    }

    fn no_room(&self, free_mib: u64) -> Error {
        Error::Space {
            what: "a saved machine".into(),
            needed_mib: self.site.kernel.which.memory_mib() + REST_MIB,
            free_mib,
            place: self.directory.clone(),
        }
    }

    fn free_mib(&self) -> Result<u64> {
        let stat = statvfs(&self.directory)
            .map_err(|errno| Error::io("asking for free space")(errno.into()))?;
        Ok((stat.blocks_available() * stat.fragment_size()) >> 20)
    }

    fn boot_and_save(&self) -> Result<()> {
        let file = |name: &str| self.directory.join(name);
        let kernel = &self.site.kernel;
        let image = memory::load(&kernel.image)
            .map_err(Error::io(format!("reading {}", kernel.image.display())))?;
        let what = "creating a file in memory";
        let initramfs = memory::sealed(&self.archive).map_err(Error::io(what))?;
        let ram = memory::zeroed(kernel.which.memory_mib() << 20).map_err(Error::io(what))?;
        let boot = GuestMemory::Boot {
            kernel,
            image: image.as_raw_fd(),
            initramfs: initramfs.as_raw_fd(),
        };
        let theirs = ram
            .try_clone()
            .map_err(Error::io("duplicating a descriptor"))?;
        let command = qemu::direct_command(
            boot,
            theirs.as_raw_fd(),
            kernel.which.memory_mib(),
            self.kvm,
        );
        let (ours, monitor) = monitor::pair()?;
        let launch = Launch {
            command,
            files: vec![image, initramfs, theirs.into()],
            monitor: Some(monitor),
        };
        let machine = Machine::boot(
            launch,
            self.site.run_directory()?,
            probe::FIRST_LIMIT,
            &self.site.console_file("boot"),
        )?;
        let mut monitor = Monitor::connect(ours)?;
        let devices = monitor.save()?;
        monitor.execute("quit", &json!({}))?;
        if !machine.wait_for_end(QUIT_LIMIT) {
            return Err(Error::Unexpected("QEMU does not quit".into()));
        }
        let _ = machine.keep_console(&file("console.log"));
        memory::save(&ram, &file(RAM))
            .map_err(Error::io(format!("writing {}", file(RAM).display())))?;
        paths::write_if_changed(&file(DEVICES), &devices, 0o600)?;
        let state = State {
            release: machine.release.clone(),
            ram: Stamp::of(&file(RAM))?,
            devices: Stamp::of(&file(DEVICES))?,
        };
        let text = toml::to_string(&state)
            .map_err(|error| Error::Unexpected(format!("writing the state: {error}")))?;
        paths::write_if_changed(&file("state.toml"), text.as_bytes(), 0o600)
    }
}

fn remove(directory: &Path) -> Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(format!(
            "removing {}",
            directory.display()
        ))(error)),
        _ => Ok(()),
    }
}

/// Remove the oldest states of the same kernel, all but [`KEPT`].
fn forget_old(paths: &Paths, newest: &Path) {
    let name = newest.file_name().unwrap_or_default().to_string_lossy();
    let Some((kind, _)) = name.rsplit_once('-') else {
        return;
    };
    let mut states: Vec<_> = fs::read_dir(&paths.cache)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name.starts_with(kind) && entry.path().is_dir()
        })
        .map(|entry| {
            (
                entry.metadata().and_then(|meta| meta.modified()).ok(),
                entry.path(),
            )
        })
        .collect();
    states.sort();
    for (_, path) in states.iter().rev().skip(KEPT) {
        let _lock = paths::lock(&path.with_extension("lock"));
        let _ = remove(path);
    }
}
