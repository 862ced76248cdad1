// SPDX-License-Identifier: MIT OR Apache-2.0
//! Building the C of a submission, in a sandbox: modules with a Kbuild of ours, programs with gcc.
//! Their own Makefiles are of no interest.

use std::{
    borrow::Cow,
    collections::BTreeSet,
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
    old_api::{self, Version},
    refused::{Refused, refused},
    sandbox::{
        self, HEADERS, INSIDE, MODULE_SOURCES, PATIENCE, PROGRAM_SOURCES, Sandbox, SandboxOutput,
    },
    unpack::SubmittedFile,
};

/// A module, ready for a machine.
#[derive(Debug)]
pub struct BuiltModule {
    /// `NAME.ko` for the guest, without debug information.
    pub stripped: PathBuf,
    /// `NAME.ko` with it: the compiler saw its sources below [`MODULE_SOURCES`].
    pub unstripped: PathBuf,
    /// Sentences for the report.
    pub remarks: Vec<String>,
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

/// Headers with APIs that newer kernels removed.
const COMPATIBLE: &str = "/w/compat";

/// A licence for a module that declares none: without one Kbuild refuses it.
const LICENCE: &str = "licence";

/// With these, programs are the same to each gcc and each glibc. They come after all other places
/// of headers.
pub(super) const ALIKE: [&str; 3] = ["-include", "/w/libc/compat.h", "-I/w/libc"];
/// The source that is linked to each program for the same reason.
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
    let sandbox = kernel_sandbox(site, &submission.files)?.within(&submission.build_time);
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
    let mut list = format!("obj-m := {name}.o\n{name}-y :={}\n", objects.concat());
    let unstripped = sandbox.path().join(format!("module/{name}.ko"));
    let of_module: Vec<_> = files
        .iter()
        .filter(|file| sources.contains(&file.path) || file.path.ends_with(".h"))
        .collect();
    let kernel = Version::of(&site.kernel.release);
    let mut remarks = old_api::used(kernel, &of_module, true)?;
    let mut licence = false;
    let mut included = BTreeSet::new();
    loop {
        let ended = make(site, &sandbox, &list, files, main)?;
        if ended.success && is_file(&unstripped) {
            break;
        }
        if !licence && ended.said.contains("missing MODULE_LICENSE()") {
            licence = true;
            let text = "#include <linux/module.h>\nMODULE_LICENSE(\"GPL\");\n";
            sandbox.write(&format!("module/{LICENCE}.c"), text.as_bytes())?;
            list += &format!("{name}-y += {LICENCE}.o\n");
            remarks.push(format!(
                "{name} declares no licence, and the kernel's build refuses it: \
                 MODULE_LICENSE(\"GPL\") is missing. The lab supplies it."
            ));
            continue;
        }
        let missing = old_api::missing_headers(&ended.said)?;
        let mut found_more = false;
        for header in missing {
            if included.insert(header) {
                found_more = true;
                list += &format!("ccflags-y += -include {header}\n");
                remarks.push(format!(
                    "{name} does not include <{header}>, and calls a function of it. Other headers \
                     included it in older kernels. The lab includes it."
                ));
            }
        }
        if !found_more {
            let Refused(said) = refused(&ended, files);
            let mut words = old_api::used(kernel, &of_module, false)?;
            words.push(said);
            return Ok(Err(Refused(words.join("\n"))));
        }
    }
    // Their compiler run wrote the file, so the program that reads it runs in the sandbox, too.
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
        remarks,
        _directory: sandbox,
    }))
}

/// A sandbox with files to be built for the kernel, the lab's headers beside them.
pub(super) fn kernel_sandbox(site: &Site, files: &[SubmittedFile]) -> Result<Sandbox> {
    let mut sandbox = Sandbox::new(site)?;
    place(site, &sandbox, "module/src", files)?;
    let kernel = Version::of(&site.kernel.release);
    for file in files {
        if let Cow::Owned(contents) = old_api::rewritten(kernel, &file.contents)? {
            sandbox.write(&format!("module/src/{}", file.path), &contents)?;
        }
    }
    for (path, text) in old_api::headers()? {
        sandbox.write(&format!("compat/{path}"), text.as_bytes())?;
    }
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
    // Before the kernel's own headers, which it includes in turn.
    let mut text = format!("NOSTDINC_FLAGS += -I{COMPATIBLE}\n");
    text += &format!("ccflags-y += -include {COMPATIBLE}/compat.h\n");
    for flag in include_path(MODULE_SOURCES, files, main) {
        text += &format!("ccflags-y += {flag}\n");
    }
    text += list;
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
    let sandbox = Sandbox::new(site)?.within(&submission.build_time);
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
        if first.late || !gcc(&["-std=gnu11", "-D_GNU_SOURCE"])?.success {
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
