// SPDX-License-Identifier: MIT OR Apache-2.0
//! The root of a machine that is to be saved: an archive that the kernel unpacks into memory. QEMU
//! cannot save a machine with a root on 9p, which virtme-ng uses.

use std::{
    fs,
    io::{Cursor, Read},
    path::Path,
};

use cpio::newc::{Builder, ModeFileType};
use lab_base::{Error, Result};

use crate::{kernels::Kernel, root};

/// The first process.
const INIT: &str = include_str!("../../agent/init.sh");

/// Modules that the stock kernel needs to reach its agent.
const MODULES: [&str; 2] = ["virtio_pci", "virtio_console"];

type Input = (Builder, Cursor<Vec<u8>>);

/// The archive for `kernel`: busybox, the agent, and the modules that the kernel needs for its
/// port. It has the kernel's own format
/// (Documentation/driver-api/early-userspace/buffer-format.rst). The same inputs give the same
/// bytes.
///
/// # Errors
/// [`Error::Missing`] without busybox, [`Error::Io`].
pub fn archive(kernel: &Kernel, agent: &Path) -> Result<Vec<u8>> {
    let mut inputs = Vec::new();
    // Parents come before their children.
    for name in ["bin", "etc", "lib"].iter().chain(&root::DIRECTORIES) {
        inputs.push(directory(name));
    }
    for (name, contents) in root::FILES {
        inputs.push(file(name, contents.into(), 0o644));
    }
    inputs.push(file("init", INIT.into(), 0o755));
    inputs.push(file("bin/busybox", root::read_busybox()?, 0o755));
    inputs.push(link("bin/sh", "busybox"));
    inputs.push(link("tmp", "dev/shm"));
    inputs.push(file("bin/lab-agent", read(agent)?, 0o755));
    if kernel.needs_modules {
        add_modules(kernel, &mut inputs)?;
    }
    cpio::write_cpio(inputs.into_iter(), Vec::new()).map_err(Error::io("writing the initramfs"))
}

/// These modules, their dependencies, and the matching lines of modules.dep.
fn add_modules(kernel: &Kernel, inputs: &mut Vec<Input>) -> Result<()> {
    let target = format!("lib/modules/{}", kernel.release);
    let source = kernel.modules_directory();
    let text = String::from_utf8_lossy(&read(&source.join("modules.dep"))?).into_owned();
    let lines = needed_lines(&text, &MODULES);
    inputs.push(directory(&target));
    inputs.push(file(
        &format!("{target}/modules.dep"),
        lines.join("\n").into_bytes(),
        0o644,
    ));
    let mut paths: Vec<&str> = lines
        .iter()
        .flat_map(|line| line.split([':', ' ']))
        .filter(|path| !path.is_empty())
        .collect();
    paths.sort_unstable();
    paths.dedup();
    let mut parents: Vec<&Path> = paths
        .iter()
        .flat_map(|path| Path::new(path).ancestors().skip(1))
        .filter(|parent| !parent.as_os_str().is_empty())
        .collect();
    parents.sort_unstable();
    parents.dedup();
    for parent in parents {
        inputs.push(directory(&format!("{target}/{}", parent.display())));
    }
    for path in paths {
        let contents = read(&source.join(path))?;
        inputs.push(file(&format!("{target}/{path}"), contents, 0o644));
    }
    Ok(())
}

/// The lines of modules.dep for modules of these names and for their dependencies. A line is `PATH:
/// PATH PATH ...` and names all dependencies, also indirect ones (modules.dep(5)).
fn needed_lines<'a>(text: &'a str, names: &[&str]) -> Vec<&'a str> {
    let line_of = |is: &dyn Fn(&str) -> bool| {
        text.lines()
            .find(|line| line.split_once(':').is_some_and(|(path, _)| is(path)))
    };
    let wanted = names
        .iter()
        .filter_map(|name| line_of(&|path| path.ends_with(&format!("/{name}.ko"))));
    let mut lines: Vec<&str> = wanted
        .flat_map(|line| {
            let (_, needs) = line.split_once(':').unwrap_or_default();
            let below = needs
                .split_whitespace()
                .filter_map(|needed| line_of(&|path| path == needed));
            std::iter::once(line).chain(below)
        })
        .collect();
    lines.sort_unstable();
    lines.dedup();
    lines
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let mut contents = Vec::new();
    fs::File::open(path)
        .and_then(|mut file| file.read_to_end(&mut contents))
        .map_err(Error::io(format!("reading {}", path.display())))?;
    Ok(contents)
}

fn directory(name: &str) -> Input {
    let entry = Builder::new(name)
        .mode(0o755)
        .set_mode_file_type(ModeFileType::Directory);
    (entry, Cursor::default())
}

fn file(name: &str, contents: Vec<u8>, mode: u32) -> Input {
    let entry = Builder::new(name)
        .mode(mode)
        .set_mode_file_type(ModeFileType::Regular);
    (entry, Cursor::new(contents))
}

fn link(name: &str, to: &str) -> Input {
    let entry = Builder::new(name)
        .mode(0o777)
        .set_mode_file_type(ModeFileType::Symlink);
    (entry, Cursor::new(to.into()))
}

#[cfg(test)]
mod tests {
    use super::needed_lines;

    #[test]
    fn a_module_brings_along_what_it_depends_on_and_nothing_else() {
        let text = "kernel/a/ring.ko:\nkernel/a/pci.ko: kernel/a/ring.ko\nkernel/b/other.ko:\n";
        assert_eq!(
            needed_lines(text, &["pci"]),
            ["kernel/a/pci.ko: kernel/a/ring.ko", "kernel/a/ring.ko:"]
        );
        assert_eq!(needed_lines(text, &["absent"]), [""; 0]);
    }
}
