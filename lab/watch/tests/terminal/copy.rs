// SPDX-License-Identifier: MIT OR Apache-2.0
//! A copy of this checkout, whose files a test may break. It has a build directory of its own, in a
//! place that is the same each time, so that it is built only once.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, MutexGuard, PoisonError},
};

use lab_base::{
    environment::command,
    paths::{Paths, write_if_changed},
};

/// The module that the tests change, and the program beside it.
pub(crate) const MODULE: &str = "kernel/nl_hello/nl_hello.c";
pub(crate) const LIBRARY: &str = "part2-netlink/src/lib.rs";

/// A line of the module, and what the tests replace it with.
pub(crate) const LINE: &str = "\tnl_frames_rcv(skb, hello_request);\n";
/// The module refuses every request.
pub(crate) const REFUSES: &str = "\tnetlink_ack(skb, nlmsg_hdr(skb), -EPERM, NULL);\n";
/// It answers nothing, so the demonstration waits.
pub(crate) const SILENT: &str = "\tpr_debug(\"%u bytes\\n\", skb->len);\n";
/// It does not compile.
pub(crate) const WRONG: &str = "\tnl_frames_rcv(skb, hello_request)\n";
/// It does not return.
pub(crate) const HANGS: &str = "\twhile (skb)\n\t\tcpu_relax();\n";

/// The copy, for one test at a time.
pub(crate) struct Copy {
    pub(crate) path: PathBuf,
    _one_at_a_time: MutexGuard<'static, ()>,
}

impl Copy {
    /// The copy with the present files of the checkout.
    pub(crate) fn new() -> Self {
        static ONE: Mutex<()> = Mutex::new(());
        let one_at_a_time = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let Paths {
            checkout, build, ..
        } = Paths::find().unwrap();
        let path = build.join("watch");
        for name in entries(&checkout) {
            if !["build", "target"].contains(&name.as_str()) && !name.starts_with('.') {
                renew(&checkout.join(&name), &path.join(&name));
            }
        }
        // What was built of other people's crates is the same in each checkout.
        let built = path.join("build/target");
        if !built.exists() {
            fs::create_dir_all(&built).unwrap();
            for part in ["guest", "x86_64-unknown-linux-gnu"] {
                let from = build.join("target").join(part);
                if from.exists() {
                    let copied = command("cp").arg("-a").args([&from, &built]).status();
                    assert!(copied.unwrap().success());
                }
            }
        }
        Copy {
            path,
            _one_at_a_time: one_at_a_time,
        }
    }

    /// `lab watch` for step hello of this copy.
    pub(crate) fn watch(&self) -> Command {
        let mut watch = command(self.path.join("lab/env.sh"));
        watch
            .arg(env!("CARGO_BIN_EXE_lab-watch"))
            .args(["watch", "part2", "--step", "hello"])
            // The copy states its own.
            .env_remove("BUILD")
            .env_remove("IPCLAB_CHECKOUT")
            .current_dir(&self.path);
        watch
    }

    pub(crate) fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path.join(file)).unwrap()
    }

    /// Save the module with another text in place of [`LINE`], as many editors do: by the name of a
    /// new file.
    pub(crate) fn save_with(&self, text: &str) {
        let original = Paths::find().unwrap().checkout.join(MODULE);
        let original = fs::read_to_string(original).unwrap();
        assert_eq!(original.matches(LINE).count(), 1);
        let file = self.path.join(MODULE);
        let new = file.with_extension("c.new");
        fs::write(&new, original.replace(LINE, text)).unwrap();
        fs::rename(new, file).unwrap();
    }
}

fn entries(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// Copy a file or a directory. Files that are the same are not touched, so cargo does not build them
/// again; files that are no longer in the original are removed.
fn renew(from: &Path, to: &Path) {
    if !from.is_dir() {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(from).unwrap().permissions().mode() & 0o777;
        return write_if_changed(to, &fs::read(from).unwrap(), mode).unwrap();
    }
    fs::create_dir_all(to).unwrap();
    let names = entries(from);
    for gone in entries(to).iter().filter(|name| !names.contains(name)) {
        let gone = to.join(gone);
        if gone.is_dir() {
            fs::remove_dir_all(gone).unwrap();
        } else {
            fs::remove_file(gone).unwrap();
        }
    }
    for name in names {
        renew(&from.join(&name), &to.join(&name));
    }
}
