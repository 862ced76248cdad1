// SPDX-License-Identifier: MIT OR Apache-2.0
//! Building the lab's own kernels from the distribution's source.
//!
//! Source and objects are kept in the user's cache. The name of the objects' directory is a digest
//! of all inputs, so another checkout with the same inputs finds them. make continues an
//! interrupted build.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use lab_base::{
    Error, Result, environment, output_of,
    paths::{self, Paths},
    progress,
};

use crate::which::Which;

/// Version of Debian's linux-source. Scripts read the same file.
const SOURCE: &str = include_str!("../../kernels/source.txt").trim_ascii();

/// The options of the lab kernel, on top of allnoconfig.
const LAB_CONFIG: &str = include_str!("../../kernels/lab.config");

/// The options of the debug kernel, on top of the lab kernel's.
const DEBUG_CONFIG: &str = include_str!("../../kernels/debug.config");

/// The tool chain, as arguments of make. A kernel's modules are built with the same one. The debug
/// kernel needs clang, because CONFIG_RUST excludes KASAN with any other compiler.
const CLANG: &[&str] = &["CC=clang-19", "LD=ld.lld-19"];

/// The directory of clang's library, which bindgen needs to read headers. The default library may
/// be older.
const LIBCLANG: &str = "/usr/lib/llvm-19/lib";

/// Number of lines that make prints for a whole build; for the progress bar only.
const LINES: u64 = 1900;

/// The inputs and directories of a kernel build.
#[derive(Clone, Debug)]
pub struct Plan {
    which: Which,
    config: String,
    /// Arguments of make that choose the compiler, for the kernel and for its modules.
    pub toolchain: &'static [&'static str],
    /// The distribution's archive.
    archive: PathBuf,
    /// The unpacked source.
    source: PathBuf,
    /// Directory of the objects; modules are built against it.
    pub objects: PathBuf,
    bindgen: PathBuf,
    log: PathBuf,
}

impl Plan {
    /// The plan for the current inputs.
    ///
    /// # Errors
    /// [`Error::Missing`] for a kernel that is not built here, or if the source package or the
    /// compiler is missing.
    pub fn new(paths: &Paths, which: Which) -> Result<Self> {
        let (config, toolchain, compiler) = match which {
            Which::Lab => (LAB_CONFIG.to_owned(), &[][..], ["gcc", "-dumpfullversion"]),
            Which::Debug => {
                let config = format!("{LAB_CONFIG}\n{DEBUG_CONFIG}");
                (config, CLANG, ["clang-19", "--version"])
            }
            Which::Stock => {
                return Err(Error::Missing {
                    what: "the stock kernel is the distribution's and is not built here".into(),
                    mend: "lab/setup.sh".into(),
                });
            }
        };
        let archive = PathBuf::from(format!("/usr/src/linux-source-{SOURCE}.tar.xz"));
        let missing = |_| Error::Missing {
            what: format!("expected the kernel's source in {}", archive.display()),
            mend: "lab/setup.sh kernel".into(),
        };
        let size = fs::metadata(&archive).map_err(missing)?.len().to_le_bytes();
        let compiler = output_of(
            "asking the compiler its version",
            environment::command(compiler[0]).arg(compiler[1]),
        )
        .map_err(|_| Error::Missing {
            what: format!("{} is not installed", compiler[0]),
            mend: "lab/setup.sh kernel".into(),
        })?;
        let source_key = paths::digest([SOURCE.as_bytes(), &size]);
        let key = paths::digest([
            source_key.as_bytes(),
            config.as_bytes(),
            compiler.as_bytes(),
        ]);
        Ok(Plan {
            which,
            config,
            toolchain,
            archive,
            source: paths.cache.join(format!("source-{source_key}")),
            objects: paths.cache.join(format!("kernel-{which}-{key}")),
            bindgen: paths.cache.join("bindgen/bin/bindgen"),
            log: paths.build.join(format!("kernel-{which}.log")),
        })
    }

    /// Whether the kernel is completely built.
    pub fn is_complete(&self) -> bool {
        self.objects.join(".complete").exists()
    }

    /// Build everything that is not built yet.
    ///
    /// # Errors
    /// [`Error::Tool`] with the last lines of the log if unpacking, configuring or compiling
    /// fails; [`Error::Unexpected`] if the source does not know an option of the configuration.
    pub fn build(&self) -> Result<()> {
        let _lock = progress::while_busy("waiting for another build of the kernel", || {
            paths::lock(&self.objects.with_extension("lock"))
        })?;
        if self.is_complete() {
            return Ok(());
        }
        self.unpack()?;
        self.configure()?;
        self.compile()?;
        let release = read_release(&self.objects)?;
        // Not under arch/x86/boot: virtme-run would take the objects for a kernel tree.
        let image = fs::read(self.objects.join("arch/x86/boot/bzImage"))
            .map_err(Error::io("reading the kernel image"))?;
        let boot = self.objects.join(format!("boot/vmlinuz-{release}"));
        paths::write_if_changed(&boot, &image, 0o644)?;
        paths::write_if_changed(&self.objects.join(".complete"), release.as_bytes(), 0o644)
    }

    fn unpack(&self) -> Result<()> {
        let _lock = paths::lock(&self.source.with_extension("lock"))?;
        if self.source.exists() {
            return Ok(());
        }
        // Renamed only when it is complete.
        let partial = self.source.with_extension("partial");
        let _ = fs::remove_dir_all(&partial);
        paths::create_dir(&partial)?;
        progress::while_busy("unpacking the kernel's source (1.5 GB)", || {
            output_of(
                "unpacking the kernel's source",
                environment::command("tar")
                    .args(["--strip-components=1", "-xf"])
                    .args([&self.archive, &PathBuf::from("-C"), &partial]),
            )
        })?;
        fs::rename(&partial, &self.source).map_err(Error::io("renaming the kernel's source"))
    }

    fn make(&self) -> Command {
        let mut make = environment::command("make");
        make.arg("-C")
            .arg(&self.source)
            .arg(format!("O={}", self.objects.display()))
            // The distribution's rustc has the source of the core library beside it; rustup's may
            // not.
            .arg("RUSTC=/usr/bin/rustc")
            .args(self.toolchain)
            .arg(format!("BINDGEN={}", self.bindgen.display()))
            .env("LIBCLANG_PATH", LIBCLANG);
        make
    }

    fn configure(&self) -> Result<()> {
        if self.objects.join(".config").exists() {
            return Ok(());
        }
        paths::create_dir(&self.objects)?;
        let fragment = self.objects.join("fragment.config");
        paths::write_if_changed(&fragment, self.config.as_bytes(), 0o644)?;
        output_of(
            &format!("configuring the {} kernel", self.which),
            self.make()
                .arg(format!("KCONFIG_ALLCONFIG={}", fragment.display()))
                .arg("allnoconfig"),
        )?;
        let config = fs::read_to_string(self.objects.join(".config"))
            .map_err(Error::io("reading the kernel's configuration"))?;
        let refused = refused_options(&self.config, &config);
        if refused.is_empty() {
            return Ok(());
        }
        // The next run must not take this configuration for a good one.
        let _ = fs::remove_file(self.objects.join(".config"));
        Err(Error::Unexpected(format!(
            "the kernel's source does not know these options: {}; if a tool that they need is missing, run lab/setup.sh kernel",
            refused.join(" ")
        )))
    }

    fn compile(&self) -> Result<()> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        if let Some(parent) = self.log.parent() {
            paths::create_dir(parent)?;
        }
        let log_failed = || Error::io(format!("writing {}", self.log.display()));
        let mut log = fs::File::create(&self.log).map_err(log_failed())?;
        let stderr = log.try_clone().map_err(log_failed())?;
        eprintln!(
            "building the {} kernel, 5 to 15 minutes on two cores; log: {}",
            self.which,
            self.log.display()
        );
        let mut make = self
            .make()
            .arg(format!("-j{cores}"))
            .args(["bzImage", "modules"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .map_err(Error::io("starting make"))?;
        let bar = progress::bar(&format!("{} kernel", self.which), LINES);
        if let Some(stdout) = make.stdout.take() {
            for line in BufReader::new(stdout).split(b'\n') {
                let line = line.map_err(Error::io("reading the output of make"))?;
                log.write_all(&line)
                    .and_then(|()| log.write_all(b"\n"))
                    .map_err(log_failed())?;
                bar.inc(1);
            }
        }
        let status = make.wait().map_err(Error::io("waiting for make"))?;
        bar.finish_and_clear();
        if status.success() {
            return Ok(());
        }
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(15)..].join("\n");
        Err(Error::Tool {
            what: format!("building the {} kernel", self.which),
            status: status.to_string(),
            output: format!("{tail}\n  `make kernel` continues from there"),
        })
    }
}

/// Options of the fragment that are missing in the configuration, except those that the fragment
/// itself switches off later.
fn refused_options<'a>(fragment: &'a str, config: &str) -> Vec<&'a str> {
    let has = |text: &str, wanted: &str| text.lines().any(|line| line == wanted);
    let taken_back = |wanted: &str| {
        let name = wanted.split('=').next().unwrap_or_default();
        has(fragment, &format!("# {name} is not set"))
    };
    fragment
        .lines()
        .filter(|line| line.starts_with("CONFIG_"))
        .filter(|wanted| !has(config, wanted) && !taken_back(wanted))
        .collect()
}

/// `uname -r` of the kernel built in `build`.
pub fn read_release(build: &Path) -> Result<String> {
    let file = build.join("include/config/kernel.release");
    let release =
        fs::read_to_string(&file).map_err(Error::io(format!("reading {}", file.display())))?;
    Ok(release.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::refused_options;

    #[test]
    fn an_option_that_was_dropped_is_named() {
        let fragment = "# why\nCONFIG_NET=y\nCONFIG_RUST=y\n";
        let config = "CONFIG_NET=y\n# CONFIG_RUST is not set\n";
        assert_eq!(refused_options(fragment, config), ["CONFIG_RUST=y"]);
        let taken_back = format!("{fragment}# CONFIG_RUST is not set\n");
        assert!(refused_options(&taken_back, config).is_empty());
    }
}
