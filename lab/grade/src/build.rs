// SPDX-License-Identifier: MIT OR Apache-2.0
//! Building the C of a submission, in a sandbox: modules with a Kbuild of ours, programs with gcc.
//! Their own Makefiles are of no interest.

use std::{
    fs,
    path::{Path, PathBuf},
};

use lab_base::{Result, environment, output_of};
use lab_build::modules::{Compiler, kbuild, lenient};
use lab_machine::Site;

use super::{
    headers::Headers,
    intake::{PartSource, Submission},
    layout::Layout,
    sandbox::{self, INSIDE, PATIENCE, Sandbox, SandboxOutput},
    unpack::SubmittedFile,
};

/// Lines of a compiler that are shown.
const LINES_MAX: usize = 20;
/// Length of each, in characters.
const LINE_MAX: usize = 400;

/// A module, ready for a machine.
#[derive(Debug)]
pub struct BuiltModule {
    /// `NAME.ko` for the guest, without debug information.
    pub stripped: PathBuf,
    /// `NAME.ko` with it: the compiler saw its sources below [`MODULE_SOURCES`].
    pub unstripped: PathBuf,
    /// Both are gone with it.
    _directory: Sandbox,
}

/// A program, ready for a machine.
#[derive(Debug)]
pub struct BuiltProgram {
    /// Static; its file name is the program's.
    pub path: PathBuf,
    /// Sentences for the report.
    pub remarks: Vec<String>,
    /// It is gone with it.
    _directory: Sandbox,
}

/// A part that does not build. It loses its own checks and nobody else's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// Where the debug information of a [`BuiltModule`] says that the submission's files are.
pub const MODULE_SOURCES: &str = "/w/module/src";
/// The same for a [`BuiltProgram`].
const PROGRAM_SOURCES: &str = "/w/src";
/// The lab's headers.
const HEADERS: &str = "/w/include";

/// What newer kernels have no more, for what was written against an older one.
const COMPATIBLE: &str = "/w/compat.h";

/// With these, programs are the same to each gcc and each glibc. They come after all other places
/// of headers.
pub(super) const ALIKE: [&str; 3] = ["-include", "/w/libc/compat.h", "-I/w/libc"];
/// What is linked to each program for the same reason.
const LINKED: &str = "/w/libc/strl.c";

/// Build a submission's module for the site's kernel. Its name is ours, whatever its files are
/// called.
///
/// # Errors
/// The machinery failed.
pub fn module(
    site: &Site,
    submission: &Submission,
    name: &str,
) -> Result<Result<BuiltModule, Refused>> {
    let Some(PartSource::C(sources)) = submission.modules.get(name) else {
        return Ok(Err(Refused(format!(
            "there is no {name} in the submission"
        ))));
    };
    let sandbox = kernel_sandbox(site, &submission.files)?;
    build_module(site, sandbox, name, sources, &submission.files)
}

/// Build the module `name` of `sources`, which are in the sandbox.
pub(super) fn build_module(
    site: &Site,
    sandbox: Sandbox,
    name: &str,
    sources: &[String],
    files: &[SubmittedFile],
) -> Result<Result<BuiltModule, Refused>> {
    let main = sources.first().map_or("", String::as_str);
    // In a directory of their own, so that one of them may have the module's name.
    let objects: Vec<_> = sources
        .iter()
        .map(|source| format!(" src/{}.o", source.trim_end_matches(".c")))
        .collect();
    let list = format!("obj-m := {name}.o\n{name}-y :={}\n", objects.concat());
    let ended = make(site, &sandbox, &list, files, main)?;
    let unstripped = sandbox.path().join(format!("module/{name}.ko"));
    if !ended.success || !is_file(&unstripped) {
        return Ok(Err(refused(&ended, files)));
    }
    // The file is theirs as well: what reads it stays inside, too.
    let stripped = sandbox.path().join(format!("stripped/{name}.ko"));
    sandbox.write(&format!("stripped/{name}.ko"), b"")?;
    let mut strip = sandbox::command("objcopy");
    strip
        .arg("--strip-debug")
        .arg(format!("{INSIDE}/module/{name}.ko"))
        .arg(format!("{INSIDE}/stripped/{name}.ko"));
    let ended = sandbox.run(&strip, PATIENCE)?;
    if !ended.success {
        return Ok(Err(refused(&ended, files)));
    }
    Ok(Ok(BuiltModule {
        stripped,
        unstripped,
        _directory: sandbox,
    }))
}

/// A sandbox with files to be built for the kernel, the lab's headers beside them.
pub(super) fn kernel_sandbox(site: &Site, files: &[SubmittedFile]) -> Result<Sandbox> {
    let mut sandbox = Sandbox::new(site)?;
    place(site, &sandbox, "module/src", files)?;
    sandbox.write("compat.h", include_bytes!("../../kernels/compat.h"))?;
    let compiler = Compiler::of(&site.paths, &site.kernel)?;
    sandbox.show(compiler.script);
    sandbox.show(compiler.answers);
    for path in site.kernel.build_files() {
        sandbox.show(path);
    }
    Ok(sandbox)
}

/// Run Kbuild over a list of objects, with the headers that are for the source `main`.
pub(super) fn make(
    site: &Site,
    sandbox: &Sandbox,
    list: &str,
    files: &[SubmittedFile],
    main: &str,
) -> Result<SandboxOutput> {
    let mut text = list.to_owned();
    for flag in include_path(MODULE_SOURCES, files, main) {
        text += &format!("ccflags-y += {flag}\n");
    }
    text += &format!("ccflags-y += -include {COMPATIBLE}\n");
    sandbox.write("module/Kbuild", text.as_bytes())?;
    let directory = PathBuf::from(INSIDE).join("module");
    // Lines for reports, and warnings of the running kernel that name the file as they do.
    let mut flags = lenient(&site.kernel);
    flags.push("-g".to_owned());
    flags.push(format!("-fmacro-prefix-map={MODULE_SOURCES}/="));
    let compiler = Compiler::of(&site.paths, &site.kernel)?;
    let mut make = sandbox::command("make");
    kbuild(&mut make, &site.kernel, &compiler, &directory, &flags);
    sandbox.run(&make, PATIENCE)
}

/// Build a submission's program, if it is in C. It is static: the guest has no libraries.
///
/// # Errors
/// The machinery failed.
pub fn program(
    site: &Site,
    submission: &Submission,
    name: &str,
) -> Result<Result<BuiltProgram, Refused>> {
    let Some(PartSource::C(sources)) = submission.programs.get(name) else {
        let why = format!("there is no {name} in C in the submission");
        return Ok(Err(Refused(why)));
    };
    let sandbox = Sandbox::new(site)?;
    let files = &submission.files;
    let main = sources.first().map_or("", String::as_str);
    place(site, &sandbox, "src", files)?;
    sandbox.write(&format!("out/{name}"), b"")?;
    let gcc = |standard: &[&str]| {
        let mut gcc = sandbox::command("gcc");
        gcc.args(["-O3", "-Wall", "-static"])
            .args(standard)
            .arg(format!("-ffile-prefix-map={PROGRAM_SOURCES}/="))
            .args(include_path(PROGRAM_SOURCES, files, main))
            .args(ALIKE)
            .args(
                sources
                    .iter()
                    .map(|file| format!("{PROGRAM_SOURCES}/{file}")),
            )
            .args([LINKED, "-lm"])
            .arg("-o")
            .arg(format!("{INSIDE}/out/{name}"));
        sandbox.run(&gcc, PATIENCE)
    };
    let mut remarks = Vec::new();
    let first = gcc(&["-std=c11"])?;
    if !first.success {
        if !gcc(&["-std=gnu11", "-D_GNU_SOURCE"])?.success {
            return Ok(Err(refused(&first, files)));
        }
        remarks.push(format!(
            "{name} does not compile with -std=c11; it was compiled with -std=gnu11 -D_GNU_SOURCE"
        ));
    }
    let path = sandbox.path().join("out").join(name);
    if !is_file(&path) {
        return Ok(Err(refused(&first, files)));
    }
    Ok(Ok(BuiltProgram {
        path,
        remarks,
        _directory: sandbox,
    }))
}

/// Copy a submission's files to `target` in a sandbox, the lab's headers to its [`HEADERS`], and what
/// [`ALIKE`] names.
pub(super) fn place(
    site: &Site,
    sandbox: &Sandbox,
    target: &str,
    files: &[SubmittedFile],
) -> Result<()> {
    for file in files {
        sandbox.write(&format!("{target}/{}", file.path), &file.contents)?;
    }
    for (name, contents) in [
        ("compat.h", include_str!("../../libc/compat.h")),
        ("string.h", include_str!("../../libc/string.h")),
        ("strl.c", include_str!("../../libc/strl.c")),
    ] {
        sandbox.write(&format!("libc/{name}"), contents.as_bytes())?;
    }
    let headers = site.paths.checkout.join("kernel/include");
    output_of(
        "copying the headers",
        environment::command("cp")
            .arg("-rT")
            .args([&headers, &sandbox.path().join("include")]),
    )
    .map(drop)
}

/// Where headers for a source are looked for, as flags: the lab's come first, so that what the stages
/// have in common is the same for everybody; what is beside the source itself, and named with quotes,
/// before them. A header in another folder does not hide one of the system.
pub(super) fn include_path(root: &str, files: &[SubmittedFile], main: &str) -> Vec<String> {
    let layout = Layout::of(files.iter().map(|file| &file.path[..]));
    let headers = Headers {
        files,
        layout: &layout,
    };
    let own: Vec<_> = headers
        .directories(main)
        .into_iter()
        .map(|directory| match directory {
            "" => root.to_owned(),
            directory => format!("{root}/{directory}"),
        })
        .collect();
    let labs = [HEADERS.to_owned(), format!("{HEADERS}/uapi")];
    let quoted = labs
        .iter()
        .chain(&own)
        .map(|directory| format!("-iquote{directory}"));
    let labs = labs.iter().map(|directory| format!("-I{directory}"));
    let own = own.iter().map(|directory| format!("-idirafter{directory}"));
    quoted.chain(labs).chain(own).collect()
}

/// Only a regular file: whatever is there was made where their code was compiled.
pub(super) fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() > 0)
}

/// What a compiler has said, as people who know the files by their own names want to read it.
pub(super) fn refused(ended: &SandboxOutput, files: &[SubmittedFile]) -> Refused {
    if ended.late {
        return Refused("compiling it took longer than anything should".into());
    }
    if ended.large {
        return Refused("what came of compiling it was larger than anything should be".into());
    }
    if ended.said.contains("missing MODULE_LICENSE()") {
        return Refused(
            "the module declares no licence: MODULE_LICENSE(\"GPL\") is missing, and without it \
             the kernel's build refuses a module"
                .into(),
        );
    }
    let mut said = ended.said.clone();
    for (inside, name) in [
        (&format!("{MODULE_SOURCES}/")[..], ""),
        (&format!("{PROGRAM_SOURCES}/"), ""),
        (&format!("{HEADERS}/"), "kernel/include/"),
        (&format!("{INSIDE}/module/"), ""),
        (&format!("{INSIDE}/"), ""),
    ] {
        said = said.replace(inside, name);
    }
    for file in files.iter().filter(|file| file.shown != file.path) {
        said = said.replace(&file.path, &file.shown);
    }
    let of_tool = |line: &&str| {
        let quiet = line.starts_with("  ") && line.contains("  [M]  ");
        let steps = ["  CC ", "  LD ", "  MODPOST ", "  BTF ", "make: ", "make["];
        let notes = ["warning: the compiler differs", "Skipping BTF"];
        quiet
            || steps.iter().any(|step| line.starts_with(step))
            || notes.iter().any(|note| line.contains(note))
    };
    let lines: Vec<String> = said
        .lines()
        .filter(|line| !line.trim().is_empty() && !of_tool(line))
        .map(|line| {
            // The compiler repeats their lines as they are.
            let safe = |c: char| if c.is_control() && c != '\t' { '?' } else { c };
            line.chars().map(safe).take(LINE_MAX).collect()
        })
        .collect();
    // Where there is no room for all, warnings that come before the first error go.
    let is_error =
        |line: &String| line.starts_with("error[E") || line.to_lowercase().contains("error:");
    let first = match lines.iter().position(is_error) {
        Some(at) if lines.len() > LINES_MAX => at,
        _ => 0,
    };
    let end = lines.len().min(first + LINES_MAX);
    let mut text = lines[first..end].join("\n");
    if lines.is_empty() {
        text = "the compiler failed without a word".to_owned();
    } else if end < lines.len() {
        text += &format!("\n({} more lines)", lines.len() - end);
    }
    Refused(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_words_those_from_the_first_error_on_are_kept() {
        let details = "  |\n".repeat(LINES_MAX);
        let said = format!(
            "warning: unused\nerror[E0432]: unresolved import\n{details}error: could not compile\n"
        );
        let ended = SandboxOutput {
            success: false,
            late: false,
            large: false,
            said,
        };
        let Refused(words) = refused(&ended, &[]);
        assert!(
            words.starts_with("error[E0432]: unresolved import\n"),
            "{words}"
        );
        assert!(words.ends_with("\n(2 more lines)"), "{words}");
    }
}
