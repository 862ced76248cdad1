// SPDX-License-Identifier: MIT OR Apache-2.0
//! Building kernel modules with Kbuild, outside their source directory.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::SystemTime,
};

use lab_base::{
    Error, Result, environment, output_of,
    paths::{self, Paths},
    progress,
};
use lab_console::{Place, Source};

use crate::kernels::Kernel;

/// How strict the compiler is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// As Kbuild does. Warnings are shown and are no errors.
    Normal,
    /// As Kbuild does, but a warning is an error.
    Clean,
    /// With `W=1 C=1`: extra warnings and sparse. A warning is an error.
    Strict,
}

/// Build the module in the directory `source` (a `Kbuild` and its C files) for `kernel` and return
/// its `.ko`. Nothing is built again if source, headers and kernel are unchanged.
///
/// This `.ko` is for the guest. Its debug information is twenty times as large as the module and
/// stays on the host, for [`source_of`].
///
/// The include path is `kernel/include` and `kernel/include/uapi`. Nothing is written to the
/// directory of the module.
///
/// # Errors
/// [`Error::Compile`] with the compiler's output; its paths are those of the checkout.
pub fn build(
    paths: &Paths,
    kernel: &Kernel,
    source: &Path,
    strictness: Strictness,
) -> Result<PathBuf> {
    let name = source
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(|| Error::Unexpected(format!("{} names no module", source.display())))?;
    // The same layout as the checkout, because Kbuild files expect ../include.
    let (kind, extra): (_, &[&str]) = match strictness {
        Strictness::Normal => ("modules", &[]),
        Strictness::Clean => ("clean", &[]),
        Strictness::Strict => ("strict", &["W=1", "C=1"]),
    };
    let tree = tree(paths, kernel, kind);
    let headers = paths.checkout.join("kernel/include");
    let _lock = paths::lock(&tree.join(".lock"))?;
    remove_gone(source, &tree.join(name))?;
    remove_gone(&headers, &tree.join("include"))?;
    let mut inputs = copy_sources(source, &tree.join(name))?;
    inputs.extend(copy_sources(&headers, &tree.join("include"))?);
    // Keep line numbers, which a kernel without debug information does not ask for. Show paths in
    // warnings that people understand.
    let mut flags = lenient(kernel);
    flags.push("-g".to_owned());
    flags.push(format!("-fmacro-prefix-map={}/=", tree.display()));
    if compiler(kernel).starts_with("clang") {
        // The same for UBSAN, which keeps the last two parts of the path.
        flags.push("-fsanitize-undefined-strip-path-components=-2".to_owned());
    }
    inputs.extend(flags.iter().map(|flag| flag.clone().into_bytes()));
    let key = paths::digest(inputs.iter().map(Vec::as_slice));

    let built = built(&tree, name);
    let module = tree.join("stripped").join(format!("{name}.ko"));
    let stamp = tree.join(name).join(".built");
    if module.exists() && fs::read(&stamp).is_ok_and(|old| old == key.as_bytes()) {
        return Ok(module);
    }
    let compiler = Compiler::of(paths, kernel)?;
    let output = progress::while_busy(&format!("building {name}.ko for {kernel}"), || {
        let mut make = environment::command("make");
        kbuild(&mut make, kernel, &compiler, &tree.join(name), &flags);
        make.args(extra).stdin(Stdio::null()).output()
    })
    .map_err(Error::io("starting make"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    // The compiler names the copy; people have the original open.
    let said = said
        .replace(
            &tree.join(name).display().to_string(),
            &source.display().to_string(),
        )
        .replace(
            &tree.join("include").display().to_string(),
            &headers.display().to_string(),
        );
    let warns = said.contains("warning:");
    if !output.status.success() || !built.exists() || (warns && strictness != Strictness::Normal) {
        return Err(Error::Compile {
            what: format!("{name}.ko"),
            output: said,
        });
    }
    if warns {
        eprint!("{said}");
    }
    paths::create_dir(&tree.join("stripped"))?;
    let new = module.with_extension("new");
    output_of(
        "taking the debug information off a module",
        environment::command("objcopy")
            .arg("--strip-debug")
            .args([&built, &new]),
    )?;
    // This process may be killed at any moment. A stamp beside another module would be believed.
    let _ = fs::remove_file(&stamp);
    fs::rename(&new, &module).map_err(Error::io(format!("writing {}", module.display())))?;
    paths::write_if_changed(&stamp, key.as_bytes(), 0o644)?;
    Ok(module)
}

/// The directory in which modules for a kernel are built.
fn tree(paths: &Paths, kernel: &Kernel, kind: &str) -> PathBuf {
    paths.build.join(kind).join(&kernel.key)
}

/// The files that Kbuild leaves for the module `name`.
fn built(tree: &Path, name: &str) -> PathBuf {
    tree.join(name).join(format!("{name}.ko"))
}

/// The command with which Kbuild has compiled the only file of a module that is built.
///
/// # Errors
/// [`Error::Io`] if it is not built.
pub fn command_of(paths: &Paths, kernel: &Kernel, name: &str) -> Result<String> {
    let file = tree(paths, kernel, "modules")
        .join(name)
        .join(format!(".{name}.o.cmd"));
    let text =
        fs::read_to_string(&file).map_err(Error::io(format!("reading {}", file.display())))?;
    let first = text.lines().next().unwrap_or_default();
    let command = first
        .split_once(" := ")
        .map_or(first, |(_, command)| command);
    Ok(command.split(" ; ").next().unwrap_or(command).to_owned())
}

/// The source line of a report, found in the current build. `None` if the module is not ours, or
/// was built again since the report was `seen`.
pub fn source_of(
    paths: &Paths,
    kernel: &Kernel,
    place: &Place,
    seen: SystemTime,
) -> Option<Source> {
    let tree = tree(paths, kernel, "modules");
    let ko = built(&tree, &place.module);
    if fs::metadata(&ko).and_then(|meta| meta.modified()).ok()? > seen {
        return None;
    }
    let ko = fs::read(ko).ok()?;
    let copy = lab_console::locate(place, &ko, |file| Path::new(file).starts_with(&tree))?;
    // People have the original open.
    let inside = copy.file.strip_prefix(&tree).ok()?;
    let file = ["kernel", "lab/fixtures"]
        .map(|directory| Path::new(directory).join(inside))
        .into_iter()
        .find(|file| paths.checkout.join(file).exists())?;
    Some(Source { file, ..copy })
}

/// The compiler of modules for a kernel, which is the compiler of the kernel.
pub fn compiler(kernel: &Kernel) -> &'static str {
    let named = |argument: &&'static str| argument.strip_prefix("CC=");
    kernel.toolchain.iter().find_map(named).unwrap_or("gcc")
}

/// Flags with which old and new compilers reject the same modules: a warning of gcc 12 stays a
/// warning. Errors and the C standard that the kernel's Makefiles set stay as they are.
pub fn lenient(kernel: &Kernel) -> Vec<String> {
    // An error from gcc 14 and clang 15 on.
    let mut flags = vec!["-Wno-error=int-conversion".to_owned()];
    if compiler(kernel).starts_with("clang") {
        // The counterpart of the kernel's -Werror=incompatible-pointer-types; gcc has another name
        // for it.
        flags.push("-Wno-error=incompatible-pointer-types-discards-qualifiers".to_owned());
    }
    flags
}

/// A compiler whose answers about supported options are cached.
#[derive(Debug)]
pub struct Compiler {
    /// The compiler itself.
    program: &'static str,
    /// The script that is called in its place.
    pub script: PathBuf,
    /// The directory of its cached answers.
    pub answers: PathBuf,
}

impl Compiler {
    /// The compiler for modules of `kernel`.
    ///
    /// # Errors
    /// If it is not installed.
    pub fn of(paths: &Paths, kernel: &Kernel) -> Result<Self> {
        let program = compiler(kernel);
        let file = Path::new("/usr/bin").join(program);
        let meta = fs::metadata(&file).map_err(|_| Error::Missing {
            what: format!("{} is not installed", file.display()),
            mend: "lab/setup.sh kernel".into(),
        })?;
        // A newer compiler may support other options.
        let key = paths::digest([
            program.as_bytes(),
            &meta.len().to_le_bytes(),
            &meta.mtime().to_le_bytes(),
        ]);
        let answers = paths.cache.join(format!("options-{program}-{key}"));
        paths::create_dir(&answers)?;
        // Copied out of the checkout, because Kbuild does not accept every path.
        let script = paths.build.join("cc.sh");
        paths::write_if_changed(&script, include_bytes!("../../kernels/cc.sh"), 0o755)?;
        Ok(Compiler {
            program,
            script,
            answers,
        })
    }
}

/// Run `make` for the module in `directory`, with extra compiler flags.
pub fn kbuild(
    make: &mut Command,
    kernel: &Kernel,
    compiler: &Compiler,
    directory: &Path,
    flags: &[String],
) {
    let cc = [&compiler.script, &compiler.answers].map(|path| path.display().to_string());
    make.arg("--no-print-directory")
        .arg("-C")
        .arg(&kernel.build)
        .arg(format!("M={}", directory.display()))
        .arg("modules")
        .args(kernel.toolchain)
        .arg(format!("CC={} {}", cc.join(" "), compiler.program))
        .arg(format!("KCFLAGS={}", flags.join(" ")));
}

/// Remove a copy that has a source which the original no longer has. Kbuild would use it, or what it
/// has built from it.
fn remove_gone(source: &Path, copy: &Path) -> Result<()> {
    let is_gone = |entry: &fs::DirEntry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_source = [".c", ".h", ".S"].iter().any(|end| name.ends_with(end));
        // Kbuild writes one file of C.
        is_source && !name.ends_with(".mod.c") && !source.join(&name).exists()
    };
    for entry in fs::read_dir(copy).into_iter().flatten().flatten() {
        let from = source.join(entry.file_name());
        if from.is_dir() {
            remove_gone(&from, &entry.path())?;
        } else if is_gone(&entry) {
            return fs::remove_dir_all(copy)
                .map_err(Error::io(format!("removing {}", copy.display())));
        }
    }
    Ok(())
}

/// Copy sources; files that are the same already are not touched. Returns names and contents of all
/// files, in order: the inputs of the module.
fn copy_sources(from: &Path, to: &Path) -> Result<Vec<Vec<u8>>> {
    let what = || format!("reading {}", from.display());
    let mut entries: Vec<_> = fs::read_dir(from)
        .and_then(Iterator::collect::<std::io::Result<_>>)
        .map_err(Error::io(what()))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    let mut inputs = Vec::new();
    for entry in entries {
        let target = to.join(entry.file_name());
        if entry.file_type().map_err(Error::io(what()))?.is_dir() {
            inputs.extend(copy_sources(&entry.path(), &target)?);
        } else {
            let contents = fs::read(entry.path())
                .map_err(Error::io(format!("reading {}", entry.path().display())))?;
            paths::write_if_changed(&target, &contents, 0o644)?;
            inputs.push(entry.file_name().into_encoded_bytes());
            inputs.push(contents);
        }
    }
    Ok(inputs)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answers of a compiler, here a shell script, when it is asked twice about an option, and
    /// the number of calls.
    fn asked_twice(script: &str) -> ([bool; 2], usize) {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir(at("answers")).unwrap();
        let text = format!("echo x >>{}\n{script}\n", at("calls").display());
        fs::write(at("compiler"), text).unwrap();
        let ask = |number: usize| {
            let object = at(&format!(".tmp_{number}/tmp"));
            let mut cc =
                environment::command(concat!(env!("CARGO_MANIFEST_DIR"), "/../kernels/cc.sh"));
            cc.args([at("answers"), "bash".into(), at("compiler")])
                .args(["-Wsomething", "-c", "-x", "c", "/dev/null", "-o"])
                .arg(object);
            cc.output().unwrap().status.success()
        };
        let answers = [1, 2].map(ask);
        let calls = fs::read_to_string(at("calls")).unwrap().lines().count();
        (answers, calls)
    }

    #[test]
    fn a_source_that_is_gone_is_not_built() {
        let directory = tempfile::tempdir().unwrap();
        let [source, copy] = ["source", "copy"].map(|name| directory.path().join(name));
        fs::create_dir_all(source.join("part")).unwrap();
        for name in ["a.c", "b.c", "part/a.h"] {
            fs::write(source.join(name), name).unwrap();
        }
        copy_sources(&source, &copy).unwrap();
        let built = ["a.mod.c", "b.o", ".b.o.cmd"].map(|name| copy.join(name));
        built.iter().for_each(|file| fs::write(file, "").unwrap());
        remove_gone(&source, &copy).unwrap();
        assert!(built.iter().all(|file| file.exists()));
        fs::remove_file(source.join("part/a.h")).unwrap();
        remove_gone(&source, &copy).unwrap();
        assert!(!copy.join("part").exists() && built[1].exists());
        fs::remove_file(source.join("b.c")).unwrap();
        remove_gone(&source, &copy).unwrap();
        assert!(!copy.exists());
    }

    #[test]
    fn which_options_a_compiler_takes_is_remembered() {
        assert_eq!(asked_twice("exit 0"), ([true; 2], 1));
        let refuses = "echo unknown warning option >&2; exit 1";
        assert_eq!(asked_twice(refuses), ([false; 2], 1));
    }

    #[test]
    fn a_compiler_that_fails_for_another_reason_is_asked_again() {
        assert_eq!(
            asked_twice("echo No space left >&2; exit 1"),
            ([false; 2], 2)
        );
    }
}
