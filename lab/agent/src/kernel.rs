// SPDX-License-Identifier: MIT OR Apache-2.0
//! Inserting and removing modules, device nodes, and the kernel's log.

use std::{
    ffi::CString,
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    os::unix::fs::PermissionsExt,
    thread,
};

use lab_agent::{AgentReport, Answer, CallResult, Refusal};
use nix::{
    errno::Errno,
    kmod,
    sys::stat::{self, Mode, SFlag},
};

use crate::reporter::Reporter;

/// finit_module(2).
pub(crate) fn insert(path: &str, params: &str) -> CallResult {
    let file = File::open(path).map_err(|error| Refusal::io("open", &error))?;
    let params = CString::new(params).map_err(|_| Refusal::new("finit_module", Errno::EINVAL))?;
    kmod::finit_module(&file, &params, kmod::ModuleInitFlags::empty())
        .map(|()| Answer::Done)
        .map_err(|errno| Refusal::new("finit_module", errno))
}

/// delete_module(2); a module in use is refused at once.
pub(crate) fn remove(name: &str) -> CallResult {
    let name = CString::new(name).map_err(|_| Refusal::new("delete_module", Errno::EINVAL))?;
    kmod::delete_module(&name, kmod::DeleteModuleFlags::O_NONBLOCK)
        .map(|()| Answer::Done)
        .map_err(|errno| Refusal::new("delete_module", errno))
}

/// The lines of a file that contain `text`. Bytes that are not UTF-8 count as spaces.
pub(crate) fn lines(path: &str, text: &str) -> std::io::Result<Vec<u8>> {
    let contents = fs::read(path)?;
    let mut found = Vec::new();
    for line in String::from_utf8_lossy(&contents).lines() {
        if line.contains(text) {
            found.extend_from_slice(line.as_bytes());
            found.push(b'\n');
        }
    }
    Ok(found)
}

/// The list of a slab cache's objects by the place of their allocation, with `slub_debug=U`
/// (Documentation/mm/slub.rst).
const TRACES: &str = "/sys/kernel/debug/slab";

/// Entries that contain `text`, from all kmalloc caches and from those of netlink and XArrays. An
/// entry ends with an empty line.
pub(crate) fn alloc_traces(text: &str) -> std::io::Result<Vec<u8>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(TRACES)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let ours = ["kmalloc-", "skbuff_", "radix_tree_node"];
        if !ours.iter().any(|start| name.starts_with(start)) {
            continue;
        }
        // KASAN holds freed objects back until then.
        fs::write(format!("/sys/kernel/slab/{name}/shrink"), "1")?;
        let traces = fs::read(format!("{TRACES}/{name}/alloc_traces"))?;
        for trace in String::from_utf8_lossy(&traces).split("\n\n") {
            if trace.contains(text) {
                found.extend_from_slice(format!("cache {name}\n{trace}\n\n").as_bytes());
            }
        }
    }
    Ok(found)
}

/// Create or replace the node of a character device.
pub(crate) fn make_device(path: &str, major: u32, minor: u32, mode: u32) -> CallResult {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Refusal::io("unlink", &error));
        }
        _ => {}
    }
    let device = stat::makedev(major.into(), minor.into());
    stat::mknod(path, SFlag::S_IFCHR, Mode::empty(), device)
        .map_err(|errno| Refusal::new("mknod", errno))?;
    // Not with mknod(2), because the umask would change the bits.
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .map(|()| Answer::Done)
        .map_err(|error| Refusal::io("chmod", &error))
}

/// Report each record of the kernel log from now on.
pub(crate) fn follow_log(reporter: Reporter) -> std::io::Result<()> {
    let mut log = fs::File::open("/dev/kmsg")?;
    log.seek(SeekFrom::End(0))?;
    thread::Builder::new()
        .name("kernel-log".into())
        .spawn(move || {
            // One read returns one record; the kernel's longest is CONSOLE_EXT_LOG_MAX, 8192 bytes.
            let mut record = vec![0; 8192];
            loop {
                match log.read(&mut record) {
                    Ok(len) => {
                        if let Some((level, text)) = parse(&record[..len]) {
                            reporter.report(&AgentReport::Log { level, text });
                        }
                    }
                    // Records were overwritten before they were read: continue with the oldest.
                    Err(error) if error.raw_os_error() == Some(Errno::EPIPE as i32) => {}
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(_) => return,
                }
            }
        })?;
    Ok(())
}

/// Level and text of a record `priority,sequence,time,flags;text\n key=value\n...`
/// (Documentation/ABI/testing/dev-kmsg).
fn parse(record: &[u8]) -> Option<(u8, String)> {
    let record = String::from_utf8_lossy(record);
    let (prefix, rest) = record.split_once(';')?;
    let priority: u32 = prefix.split(',').next()?.parse().ok()?;
    let text = rest.split('\n').next()?;
    Some(((priority & 7) as u8, unescape(text)))
}

/// The kernel prints backslashes and non-printable bytes as `\xNN` (same document).
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split("\\x");
    bytes.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
    for part in parts {
        let byte = part.get(..2).map(|digits| u8::from_str_radix(digits, 16));
        if let Some(Ok(byte)) = byte {
            bytes.push(byte);
            bytes.extend_from_slice(&part.as_bytes()[2..]);
        } else {
            bytes.extend_from_slice(b"\\x");
            bytes.extend_from_slice(part.as_bytes());
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_record_is_level_and_first_line() {
        let record = b"15,1038,9231223,-;nl_pubsub: ready; go\n SUBSYSTEM=x\n";
        assert_eq!(parse(record), Some((7, "nl_pubsub: ready; go".to_owned())));
        assert_eq!(parse(b"no record"), None);
    }

    #[test]
    fn what_the_kernel_has_escaped_is_as_it_was() {
        let record = b"6,1,1,-;a \\x5cn and \\xc3\\xb6 and \\xzz\n";
        assert_eq!(parse(record), Some((6, "a \\n and ö and \\xzz".to_owned())));
    }
}
