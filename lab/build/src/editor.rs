// SPDX-License-Identifier: MIT OR Apache-2.0
//! The compilation database of the modules, from which clangd knows how a file is compiled.
//! Format: <https://clang.llvm.org/docs/JSONCompilationDatabase.html>.

use std::{fs, path::PathBuf};

use lab_base::{
    Error, Result,
    paths::{self, Paths},
};
use serde_json::{Value, json};

use crate::{
    kernels::Kernel,
    modules::{self, Strictness},
};

/// A module without a function, from which Kbuild's options are read. It compiles whatever the
/// students' modules do.
const PROBE: &str = "editor_probe";

/// Write `compile_commands.json` to the checkout, for every C file and header in `kernel/`, as they
/// are compiled for this kernel. Returns its path and the number of files in it.
///
/// # Errors
/// As [`modules::build`]; [`Error::Io`] if the checkout cannot be written.
pub fn write(paths: &Paths, kernel: &Kernel) -> Result<(PathBuf, usize)> {
    let options = options(paths, kernel)?;
    let mut files = Vec::new();
    find_sources(&paths.checkout.join("kernel"), &mut files)?;
    let entries: Vec<Value> = files
        .iter()
        .map(|file| {
            let folder = file.parent().and_then(|folder| folder.file_name());
            let name = |part: Option<&std::ffi::OsStr>| {
                part.unwrap_or_default().to_string_lossy().replace('-', "_")
            };
            let mut arguments = options.clone();
            arguments.push(format!("-DKBUILD_MODNAME=\"{}\"", name(folder)));
            arguments.push(format!("-DKBUILD_BASENAME=\"{}\"", name(file.file_stem())));
            arguments.push(format!("-D__KBUILD_MODNAME=kmod_{}", name(folder)));
            arguments.extend(["-xc", "-c"].map(str::to_owned));
            arguments.push(file.display().to_string());
            json!({ "directory": kernel.build, "file": file, "arguments": arguments })
        })
        .collect();
    let database = paths.checkout.join("compile_commands.json");
    let text = format!("{:#}\n", Value::Array(entries));
    paths::write_if_changed(&database, text.as_bytes(), 0o644)?;
    Ok((database, files.len()))
}

/// The options of Kbuild that clang knows and that change how a file is read.
fn options(paths: &Paths, kernel: &Kernel) -> Result<Vec<String>> {
    let source = paths.build.join("editor").join(PROBE);
    let kbuild = format!("obj-m := {PROBE}.o\n");
    let code = "#include <linux/module.h>\nMODULE_LICENSE(\"GPL\");\n";
    paths::write_if_changed(&source.join("Kbuild"), kbuild.as_bytes(), 0o644)?;
    paths::write_if_changed(&source.join(format!("{PROBE}.c")), code.as_bytes(), 0o644)?;
    modules::build(paths, kernel, &source, Strictness::Normal)?;
    let command = modules::command_of(paths, kernel, PROBE)?;
    let mut words = command.split_whitespace();
    let mut options = vec!["clang".to_owned()];
    while let Some(word) = words.next() {
        if word == "-include" {
            options.extend([word, words.next().unwrap_or_default()].map(str::to_owned));
        } else if is_kept(word) {
            options.push(word.to_owned());
        }
    }
    if options.len() == 1 {
        return Err(Error::Unexpected(format!(
            "expected options of a compiler, found {command}"
        )));
    }
    // gcc knows warnings that clang does not.
    options.push("-Wno-unknown-warning-option".to_owned());
    let include = paths.checkout.join("kernel/include");
    options.push(format!("-I{}", include.display()));
    options.push(format!("-I{}", include.join("uapi").display()));
    Ok(options)
}

/// Whether an option says where headers are, what is defined, which language or which data model it
/// is, or what is warned of.
fn is_kept(option: &str) -> bool {
    const BEGINNINGS: [&str; 6] = ["-I", "-D", "-std=", "-nostdinc", "-isystem", "-W"];
    const WHOLE: [&str; 4] = [
        "-fshort-wchar",
        "-funsigned-char",
        "-m64",
        "-mcmodel=kernel",
    ];
    let of_make = option.starts_with("-Wp,") || option.contains("KBUILD");
    !of_make
        && (WHOLE.contains(&option) || BEGINNINGS.iter().any(|begin| option.starts_with(begin)))
}

fn find_sources(directory: &std::path::Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let what = || Error::io(format!("reading {}", directory.display()));
    let mut entries: Vec<_> = fs::read_dir(directory)
        .and_then(Iterator::collect::<std::io::Result<_>>)
        .map_err(what())?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_type().map_err(what())?.is_dir() {
            find_sources(&path, found)?;
        } else if path
            .extension()
            .is_some_and(|kind| kind == "c" || kind == "h")
        {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_clang_does_not_know_are_left_out() {
        for kept in ["-I./include", "-D__KERNEL__", "-std=gnu11", "-Wall", "-m64"] {
            assert!(is_kept(kept), "{kept}");
        }
        for left_out in [
            "-fconserve-stack",
            "-mpreferred-stack-boundary=3",
            "-Wp,-MMD,/x/.a.o.d",
            "-DKBUILD_MODNAME='\"a\"'",
            "gcc",
            "-c",
            "-o",
        ] {
            assert!(!is_kept(left_out), "{left_out}");
        }
    }
}
