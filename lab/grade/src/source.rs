// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kind of a C file, by its contents. It is not compiled for this. Pure.

use std::sync::LazyLock;

use lab_base::{
    catalogue::{self, PART1, stage_of_program},
    pattern,
};
use regex::Regex;

use crate::{
    code::{code_of, includes, names},
    layout::is_test,
};

/// The kind of a C file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// It has a module's entry.
    Module,
    /// It has no entry, but macros that only modules have.
    ModulePart,
    /// It has a `main`.
    Program,
    /// Code for one of the others, by the headers that it includes: the kernel's, the C
    /// library's, or none that would tell.
    Helper {
        /// It may be linked to a module.
        kernel: bool,
        /// It may be linked to a program.
        user: bool,
    },
}

/// How sure it is which part of a stage a file is; the smaller, the surer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// Its name is the part's.
    Name,
    /// Its name, or its directory's, has the part's in it.
    PartOfName,
    /// Its name says what the part does, and it calls what the part calls.
    Verb,
    /// It uses all that only that part uses.
    AllContent,
    /// It uses something that only that part uses.
    Content,
}

static ENTRY: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\b(module_init|init_module|module_driver|module_misc_device)\b"));
static DECLARES: LazyLock<Regex> = LazyLock::new(|| pattern(r"\bMODULE_(LICENSE|AUTHOR)\b"));
static MAIN: LazyLock<Regex> = LazyLock::new(|| pattern(r"\bmain\s*\("));
static SLOT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"\b(MSG_SLOT_\w+|(__)?register_chrdev(_region)?|alloc_chrdev_region|cdev_add)\b")
});
static IOCTL: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\b(MSG_SLOT_\w+|(unlocked_|compat_)?ioctl)\b"));
static WORD: LazyLock<Regex> = LazyLock::new(|| pattern(r"[A-Z]?[a-z]+|[A-Z]+"));
static CALLS: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(ioctl|read|write)\s*\("));
static REGISTER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:__)?register_chrdev\s*\(\s*([^;]*?),|\bregister_chrdev_region\s*\(\s*MKDEV\s*\(\s*([^;]*?),",
    )
});

/// The kind of a file. `None` if it is no text.
pub fn kind(contents: &[u8]) -> Option<SourceKind> {
    if contents.contains(&0) {
        return None;
    }
    let code = code_of(contents);
    if ENTRY.is_match(&code) {
        return Some(SourceKind::Module);
    }
    if DECLARES.is_match(&code) {
        return Some(SourceKind::ModulePart);
    }
    if MAIN.is_match(&code) {
        return Some(SourceKind::Program);
    }
    let headers = includes(contents);
    let of_kernel = headers.iter().any(|header| {
        ["linux/", "asm/", "net/"]
            .iter()
            .any(|directory| header.starts_with(directory))
    });
    let of_user = headers.iter().any(|header| {
        let plain = !header.contains('/') && header.starts_with("std");
        let posix = ["string.h", "unistd.h", "errno.h", "fcntl.h", "pthread.h"];
        plain || header.starts_with("sys/") || posix.contains(&&header[..])
    });
    // A user's program may include <linux/netlink.h>; a module never includes <stdio.h>.
    Some(SourceKind::Helper {
        kernel: !of_user,
        user: of_user || !of_kernel,
    })
}

/// Which module of ours a file with a module's entry is.
pub fn module_of(path: &str, contents: &[u8]) -> Option<(&'static str, Evidence)> {
    let names: Vec<_> = catalogue::modules().map(|name| (name, name)).collect();
    if let Some(found) = by_name(path, &names) {
        return Some(found);
    }
    // Message types, attributes and limits of kernel/include/uapi/ipclab/netlink.h; who has them
    // under names of their own may have the sentences that the contract states.
    let code = code_of(contents);
    let text = String::from_utf8_lossy(contents);
    let count = |name: &str| {
        let own = code.matches(&format!("{}_", name.to_uppercase())).count();
        let sentence = match name {
            "nl_hello" => "Hello from kernel",
            "nl_greeting" => "Greeting from kernel",
            _ => return own,
        };
        own + text.matches(sentence).count()
    };
    let mut counts: Vec<_> = catalogue::modules()
        .map(|name| (count(name), name))
        .collect();
    counts.sort_unstable();
    if let [.., (second, _), (first, name)] = counts[..]
        && first > second
    {
        return Some((name, Evidence::Content));
    }
    let evidence = match IOCTL.is_match(&code) {
        true => Evidence::AllContent,
        false => Evidence::Content,
    };
    SLOT.is_match(&code).then_some(("message_slot", evidence))
}

/// Whether a program calls `ioctl`, as those of a slot do.
pub(crate) fn calls_ioctl(contents: &[u8]) -> bool {
    names(&code_of(contents)).contains("ioctl")
}

/// Which program of ours a file with a `main` is. One that tests something is none, unless it has
/// the name of one.
pub fn program_of(path: &str, contents: &[u8]) -> Option<(&'static str, Evidence)> {
    // Part 1 is a library in Rust: whatever in C is called threads belongs to another homework.
    let of_c = || catalogue::programs().filter(|name| stage_of_program(name) != Some(PART1.name));
    let mut keys: Vec<_> = of_c().map(|name| (name, name)).collect();
    // As such assignments call them, too.
    keys.extend([("sender", "message_sender"), ("reader", "message_reader")]);
    let by_name = by_name(path, &keys);
    if by_name.is_some_and(|(_, evidence)| evidence == Evidence::Name || !is_test(path)) {
        return by_name;
    }
    if is_test(path) {
        return None;
    }
    let calls: Vec<_> = CALLS
        .captures_iter(&code_of(contents))
        .map(|found| found[1].to_owned())
        .collect();
    let has = |name: &str| calls.iter().any(|call| call == name);
    if has("ioctl")
        && let Some(name) = by_verb(path)
    {
        return Some((name, Evidence::Verb));
    }
    // The reader writes, too: to its standard output.
    match (has("ioctl"), has("read"), has("write")) {
        (true, true, _) => Some(("message_reader", Evidence::Content)),
        (true, false, true) => Some(("message_sender", Evidence::Content)),
        _ => None,
    }
}

/// The program of a slot whose work the name of a file, or of its directory, says: `message_write.c`.
fn by_verb(path: &str) -> Option<&'static str> {
    const VERBS: [(&str, &[&str]); 2] = [
        (
            "message_sender",
            &["send", "sends", "snd", "write", "writer", "writes"],
        ),
        (
            "message_reader",
            &["read", "reads", "receive", "receiver", "recv", "rcv"],
        ),
    ];
    let (directory, stem) = directory_and_stem(path);
    [stem, directory].iter().find_map(|text| {
        let words: Vec<_> = WORD
            .find_iter(text)
            .map(|word| word.as_str().to_lowercase())
            .collect();
        let said = |verbs: &[&str]| words.iter().any(|word| verbs.contains(&&word[..]));
        let mut found = VERBS.iter().filter(|(_, verbs)| said(verbs));
        match (found.next(), found.next()) {
            (Some((name, _)), None) => Some(*name),
            _ => None,
        }
    })
}

/// The part whose key is in the name of a file, or of its directory.
fn by_name(path: &str, names: &[(&'static str, &'static str)]) -> Option<(&'static str, Evidence)> {
    let (directory, stem) = directory_and_stem(path);
    let same = |text: &str| text.to_lowercase().replace('-', "_");
    let (stem, directory) = (same(stem), same(directory));
    let is_exact = |(key, name): &&(&'static str, &'static str)| key == name && same(key) == stem;
    if let Some(&(_, name)) = names.iter().find(is_exact) {
        return Some((name, Evidence::Name));
    }
    [stem, directory].iter().find_map(|text| {
        let (_, name) = names.iter().find(|(key, _)| text.contains(&same(key)))?;
        Some((*name, Evidence::PartOfName))
    })
}

/// The name of a file's directory, and its own without the extension.
fn directory_and_stem(path: &str) -> (&str, &str) {
    let (directories, file) = path.rsplit_once('/').unwrap_or(("", path));
    let directory = directories.rsplit('/').next().unwrap_or_default();
    (
        directory,
        file.rsplit_once('.').map_or(file, |(stem, _)| stem),
    )
}

/// The major number with which a module registers its device: an expression of C.
pub fn major_expression(contents: &[u8]) -> Option<String> {
    let code = code_of(contents);
    let found = REGISTER.captures(&code)?;
    let expression = found.get(1).or_else(|| found.get(2))?.as_str().trim();
    (!expression.is_empty()).then(|| expression.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_say_nothing() {
        assert_eq!(
            kind(b"/* no module_init */ int main (void)"),
            Some(SourceKind::Program)
        );
        assert_eq!(kind(b"int x; // main()\n\"unclosed main(\n"), {
            let (kernel, user) = (true, true);
            Some(SourceKind::Helper { kernel, user })
        });
        assert_eq!(kind(b"\x7fELF\0main()"), None);
    }

    #[test]
    fn a_helper_is_for_whom_its_headers_are() {
        let helper = |kernel, user| Some(SourceKind::Helper { kernel, user });
        assert_eq!(kind(b"#include <linux/slab.h>\n"), helper(true, false));
        assert_eq!(kind(b"  # include <stdio.h>\n"), helper(false, true));
        assert_eq!(kind(b"#include \"list.h\"\n"), helper(true, true));
    }

    #[test]
    fn a_module_is_known_by_name_or_by_what_it_uses() {
        let slot = b"register_chrdev(240, NAME, &ops); module_init(x)";
        assert_eq!(
            module_of("a/message_slot.c", b""),
            Some(("message_slot", Evidence::Name))
        );
        assert_eq!(
            module_of("kernel/nl_routes/main.c", b""),
            Some(("nl_routes", Evidence::PartOfName))
        );
        assert_eq!(
            module_of("ex3.c", slot),
            Some(("message_slot", Evidence::Content))
        );
        assert_eq!(
            module_of(
                "ex3.c",
                b"register_chrdev(240, x, &ops); .unlocked_ioctl = f"
            ),
            Some(("message_slot", Evidence::AllContent))
        );
        let router = b"NL_ROUTER_DATA NL_ROUTER_LIST NL_HELLO_ANSWER";
        assert_eq!(
            module_of("mine.c", router),
            Some(("nl_router", Evidence::Content))
        );
        assert_eq!(module_of("mine.c", b"netlink_kernel_create();"), None);
        assert_eq!(module_of("mine.c", b"int x;"), None);
    }

    #[test]
    fn a_program_is_known_by_its_name_or_by_what_it_calls() {
        let known = |path| program_of(path, b"").map(|(name, _)| name);
        assert_eq!(known("message_sender.c"), Some("message_sender"));
        assert_eq!(known("x/my_Reader.c"), Some("message_reader"));
        assert_eq!(known("nl_hello.c"), Some("nl-hello"));
        assert_eq!(known("tester.c"), None);
        assert_eq!(known("threads.c"), None);
        assert_eq!(known("reader_test.c"), None);
        let calls = |code| program_of("ex3.c", code);
        assert_eq!(
            calls(b"ioctl(fd, N, id); write(fd, text, len); printf(\"read(\");"),
            Some(("message_sender", Evidence::Content))
        );
        assert_eq!(
            calls(b"ioctl(fd, N, id); n = read (fd, b, 128); write(1, b, n);"),
            Some(("message_reader", Evidence::Content))
        );
        assert_eq!(calls(b"write(fd, text, len); fread(b, 1, 1, f);"), None);
        let both = b"ioctl(fd, N, id); read(fd, b, 128); write(fd, b, n);";
        for (path, name) in [
            ("message_write.c", "message_sender"),
            ("Send.c", "message_sender"),
            ("msgWriter.c", "message_sender"),
            ("write/main.c", "message_sender"),
            ("recv.c", "message_reader"),
            ("message_read.c", "message_reader"),
        ] {
            assert_eq!(
                program_of(path, both),
                Some((name, Evidence::Verb)),
                "{path}"
            );
        }
        for path in ["rewrite_all.c", "thread.c", "read_write.c"] {
            let found = program_of(path, both);
            assert_eq!(found, Some(("message_reader", Evidence::Content)), "{path}");
        }
    }

    #[test]
    fn the_major_is_what_is_passed_first() {
        let of = |text: &[u8]| major_expression(text);
        assert_eq!(
            of(b"rc = register_chrdev( MAJOR_NUM, \"a,b\", &Fops);"),
            Some("MAJOR_NUM".into())
        );
        assert_eq!(
            of(b"register_chrdev_region(MKDEV(240, 0), 1, x)"),
            Some("240".into())
        );
        assert_eq!(of(b"unregister_chrdev(5, x)"), None);
    }
}
