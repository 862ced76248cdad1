// SPDX-License-Identifier: MIT OR Apache-2.0
//! What hostile submissions are made of: right solutions of this checkout.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Files by their paths in the submission. Texts may contain [`crate::canaries::PLACES`].
pub(crate) type Files = BTreeMap<String, String>;

/// A right solution of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Base {
    /// The module of the message slot.
    Slot,
    /// The programs of the message slot, in C.
    SlotPrograms,
    /// The module `nl_hello`.
    Hello,
    /// The module `nl_pubsub`.
    PubSub,
    /// The module `nl_router`.
    Router,
    /// The crate of part 1.
    Threads,
    /// The crate of part 2.
    Netlink,
}

fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

fn read(file: &str) -> String {
    fs::read_to_string(checkout().join(file)).unwrap()
}

fn add_below(folder: &Path, files: &mut Files) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            add_below(&path, files);
        } else {
            let name = path.strip_prefix(checkout()).unwrap();
            let text = fs::read_to_string(&path).unwrap();
            files.insert(name.to_str().unwrap().to_owned(), text);
        }
    }
}

impl Base {
    /// The file that attacks change.
    pub(crate) fn main(self) -> &'static str {
        match self {
            Base::Slot => "kernel/message_slot/message_slot.c",
            Base::SlotPrograms => "message_sender.c",
            Base::Hello => "kernel/nl_hello/nl_hello.c",
            Base::PubSub => "kernel/nl_pubsub/nl_pubsub.c",
            Base::Router => "kernel/nl_router/nl_router.c",
            Base::Threads => "part1-threads/src/buffer/mutex.rs",
            Base::Netlink => "part2-netlink/src/bin/pubsub.rs",
        }
    }

    /// The last include of that file.
    pub(crate) fn anchor(self) -> &'static str {
        match self {
            Base::Slot => "#include <ipclab/message_slot.h>\n",
            Base::SlotPrograms => "#include \"message_slot.h\"\n",
            Base::Hello => "#include <nl_open.h>\n",
            Base::PubSub => "#include <nl_frames.h>\n",
            Base::Router => "#include <nl_overrun.h>\n",
            Base::Threads => {
                "use crate::{\n    Closed,\n    sync::{Condvar, Mutex, MutexGuard},\n};\n"
            }
            Base::Netlink => "use part2_netlink::{\n",
        }
    }

    pub(crate) fn stage(self) -> &'static str {
        match self {
            Base::Slot | Base::SlotPrograms => "message-slot",
            Base::Hello | Base::PubSub | Base::Netlink => "part2",
            Base::Router => "part3",
            Base::Threads => "part1",
        }
    }

    pub(crate) fn files(self) -> Files {
        let mut files = Files::new();
        match self {
            Base::Slot | Base::Hello | Base::PubSub | Base::Router => {
                files.insert(self.main().to_owned(), read(self.main()));
            }
            Base::SlotPrograms => {
                for name in ["message_sender.c", "message_reader.c", "message_slot.h"] {
                    let text = read(&format!("lab/fixtures/submissions/flat_list/{name}"));
                    files.insert(name.to_owned(), text);
                }
            }
            Base::Threads | Base::Netlink => {
                let package = self.main().split('/').next().unwrap();
                let folder = checkout().join(package);
                add_below(&folder.join("src"), &mut files);
                let manifest = format!("{package}/Cargo.toml");
                files.insert(manifest.clone(), read(&manifest));
            }
        }
        files
    }
}
