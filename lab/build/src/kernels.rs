// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernels that machines can boot, and their files.

use std::{fmt, fs, path::PathBuf};

use crate::kernel_build::{self, read_release};
pub use crate::which::{Capability, Which};
use lab_base::{Error, Result, paths::Paths};

/// A kernel that is ready to boot, and against which modules can be built.
#[derive(Clone, Debug)]
pub struct Kernel {
    /// Its flavour.
    pub which: Which,
    /// `uname -r`.
    pub release: String,
    /// Its image. If the kernel needs modules to boot, they are in `lib/modules/RELEASE` of the
    /// directory above the image's.
    pub image: PathBuf,
    /// The directory against which modules are built (`make -C`).
    pub build: PathBuf,
    /// Arguments of make that choose the compiler of this kernel.
    pub toolchain: &'static [&'static str],
    /// Whether it needs modules, and so an initramfs, to mount its root.
    pub needs_modules: bool,
    /// Changes whenever image or release change. Directories are named after it.
    pub key: String,
}

impl Kernel {
    /// The requested kernel; by default `lab` if it is built, otherwise `stock`.
    ///
    /// # Errors
    /// [`Error::Missing`] with the command that provides it.
    pub fn find(paths: &Paths, which: Option<Which>) -> Result<Self> {
        match which {
            Some(Which::Stock) => Kernel::stock(paths),
            Some(built) => Kernel::built(paths, built),
            None => Kernel::built(paths, Which::Lab).or_else(|_| Kernel::stock(paths)),
        }
    }

    fn built(paths: &Paths, which: Which) -> Result<Self> {
        let missing = || Error::Missing {
            what: format!("the {which} kernel is not built"),
            mend: format!("make kernel KERNEL={which}"),
        };
        let plan = kernel_build::Plan::new(paths, which).map_err(|_| missing())?;
        if !plan.is_complete() {
            return Err(missing());
        }
        let build = plan.objects;
        let release = read_release(&build)?;
        let image = build.join(format!("boot/vmlinuz-{release}"));
        Kernel::from_files(which, release, image, build, plan.toolchain)
    }

    /// The newest one that `lab/setup.sh` has unpacked into the cache.
    fn stock(paths: &Paths) -> Result<Self> {
        let missing = || Error::Missing {
            what: "the stock kernel is not unpacked".into(),
            mend: "lab/setup.sh".into(),
        };
        let unpacked = fs::read_dir(&paths.cache).map_err(|_| missing())?;
        let mut releases: Vec<String> = unpacked
            .filter_map(|entry| {
                let name = entry.ok()?.file_name().into_string().ok()?;
                Some(name.strip_prefix("stock-")?.to_owned())
            })
            .collect();
        releases.sort_by_key(|release| numbers(release));
        for release in releases.into_iter().rev() {
            let root = paths.cache.join(format!("stock-{release}"));
            let build = root.join(format!("usr/src/linux-headers-{release}"));
            let image = root.join(format!("boot/vmlinuz-{release}"));
            if image.exists() && build.join("Makefile").exists() {
                return Kernel::from_files(Which::Stock, release, image, build, &[]);
            }
        }
        Err(missing())
    }

    fn from_files(
        which: Which,
        release: String,
        image: PathBuf,
        build: PathBuf,
        toolchain: &'static [&'static str],
    ) -> Result<Self> {
        use std::os::unix::fs::MetadataExt;
        let meta = fs::metadata(&image)
            .map_err(Error::io(format!("the kernel image {}", image.display())))?;
        let key = lab_base::paths::digest([
            release.as_bytes(),
            &meta.size().to_le_bytes(),
            &meta.mtime().to_le_bytes(),
            &meta.mtime_nsec().to_le_bytes(),
        ]);
        Ok(Kernel {
            key: format!("{which}-{key}"),
            which,
            release,
            image,
            build,
            toolchain,
            needs_modules: which.has(Capability::Modules),
        })
    }
}

impl Kernel {
    /// Kernel command line of a machine with an agent.
    pub fn options(&self) -> Vec<&'static str> {
        let mut options = [&OPTIONS[..], BUSY_HOST].concat();
        if self.which.has(Capability::Slow) {
            // The debug kernel's ticks are slow, so rmmod spends most of its time waiting for grace
            // periods.
            options.push("rcupdate.rcu_expedited=1");
        }
        options
    }

    /// Kernel command line of a machine for measurements. It does not record allocations, because
    /// that costs more than the allocations themselves.
    pub fn measured_options(&self) -> Vec<&'static str> {
        let mut options = self.options();
        options.retain(|option| !option.starts_with("slub_debug"));
        options
    }

    /// The files that building a module for it reads, besides the system's programs.
    pub fn build_files(&self) -> Vec<PathBuf> {
        if self.which == Which::Stock {
            // The headers contain links into the directory above, as in the distribution's /usr.
            let usr = self.build.ancestors().nth(2);
            return usr.map(PathBuf::from).into_iter().collect();
        }
        // A kernel that was built outside its source has a link to the source.
        let source = self.build.join("source").canonicalize();
        [self.build.clone()].into_iter().chain(source).collect()
    }

    /// The directory of the modules that came with it.
    pub fn modules_directory(&self) -> PathBuf {
        let mut directory = self.image.clone();
        directory.pop();
        directory.pop();
        directory.join("lib/modules").join(&self.release)
    }
}

/// Memory of a machine for measurements, in MiB: a slot with 2^20 channels needs much of it.
pub const MEASURED_MIB: u64 = 1024;

/// Processors of a machine: two, because many races need two.
pub const CPUS: &str = "2";

/// Kernel options of every machine that prevent wrong alarms on a busy host.
pub const BUSY_HOST: &[&str] = &[
    // On a busy host an emulated timer looks broken, and the kernel would panic.
    "no_timer_check",
    // On a busy host the time stamp counter looks unstable. The kernel would log this and use a
    // slower clock.
    "tsc=nowatchdog",
];

/// Kernel options of every machine with an agent.
const OPTIONS: [&str; 5] = [
    "loglevel=7",
    // An oops or a warning ends the machine with its report on the console. Neither may pass for
    // success.
    "oops=panic",
    "panic_on_warn=1",
    // The agent's lines in the log must not be rate-limited.
    "printk.devkmsg=on",
    // SLUB records the function of each allocation, so the report of a leak can name it.
    "slub_debug=U",
];

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.which, self.release)
    }
}

/// The numbers in a release, so that 6.1.0-9 sorts before 6.1.0-56.
fn numbers(release: &str) -> Vec<u64> {
    release
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|part| part.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::numbers;

    #[test]
    fn releases_are_compared_by_number() {
        assert!(numbers("6.1.0-9-amd64") < numbers("6.1.0-56-amd64"));
        assert!(numbers("6.1.0-56-amd64") < numbers("6.12.9-amd64"));
    }
}
