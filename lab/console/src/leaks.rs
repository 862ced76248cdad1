// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a module that has been removed has left allocated. Pure: it reads what the kernel lists.
//!
//! The kernel names each function in a trace, as long as it knows it. What belongs to a module
//! that has gone is a bare address, and an object whose trace has one was allocated by it.
//! Not seen on kernels without kmemleak: whole pages (`alloc_pages`, `kmalloc` above 8 KiB), objects
//! that only others allocate, such as a socket whose reference was kept, and what a function of
//! the module that nothing else of the module has called allocates as its very last act (a tail
//! call: it is not in the trace). Nodes of a radix tree that a module has preloaded stay in the kernel's
//! pool: only more than fit in there are told.

use std::{collections::HashMap, sync::LazyLock};

use lab_base::pattern;
use regex::Regex;

/// What is expected of every module; a check in which something else is seen has found a leak.
pub const ALL_FREED: &str = "the module frees all that it has allocated";

/// A function of a module while it was in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Symbol {
    address: u64,
    /// The first address that is not the module's any more.
    end: u64,
    name: String,
    module: String,
}

/// Objects that were allocated in one place and not freed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leak {
    /// How many.
    pub objects: u64,
    /// What they are: `kmalloc-8`, or `8 bytes`.
    pub what: String,
    /// `function [module]`, as far as that is known.
    pub function: String,
}

impl std::fmt::Display for Leak {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plural = if self.objects == 1 { "" } else { "s" };
        write!(
            f,
            "{} object{plural} of {}, allocated in {}",
            self.objects, self.what, self.function
        )
    }
}

/// An object's allocation, as the kernel lists it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Allocation {
    what: String,
    /// Addresses of the functions in its trace that the kernel does not know, innermost first.
    unknown: Vec<u64>,
    /// Whether it was put into the pool of `radix_tree_preload()`, from which trees are served, and
    /// where it stays when the module has gone.
    pooled: bool,
}

/// Most nodes that this pool keeps: 21 for each processor (`RADIX_TREE_PRELOAD_SIZE` in
/// lib/radix-tree.c), of which a machine has two.
const POOL_MAX: u64 = 2 * 21;

/// How often each allocation is listed.
#[derive(Clone, Debug, Default)]
pub struct Listed(HashMap<Allocation, u64>);

/// A function that the kernel cannot name. Others are `name+0x1f/0x30`.
static UNKNOWN: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?m)^\s*(?:\[<[0-9a-f]+>\] )?0x([0-9a-f]{16})\b"));

/// Symbols of a module as in /proc/kallsyms, `address type name\t[module]`, with where it ends as
/// in /proc/modules, `module size references users state address`.
pub fn symbols(kallsyms: &str, modules: &str, module: &str) -> Vec<Symbol> {
    let end = end_of(modules, module).unwrap_or(u64::MAX);
    let mut found: Vec<Symbol> = kallsyms
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let address = u64::from_str_radix(words.next()?, 16).ok()?;
            let code = matches!(words.next()?, "t" | "T");
            let name = words.next()?.to_owned();
            let theirs = words.next()? == format!("[{module}]");
            (code && theirs).then(|| Symbol {
                address,
                end,
                name,
                module: module.to_owned(),
            })
        })
        .collect();
    found.sort();
    found
}

/// The functions of a module that were known when it was in before: now it is elsewhere. `None` if
/// none are known.
pub fn moved(known: &[Symbol], modules: &str, module: &str) -> Option<Vec<Symbol>> {
    let of_module = || known.iter().filter(|symbol| symbol.module == module);
    let last = of_module().rfind(|symbol| symbol.end != u64::MAX)?.end;
    let end = end_of(modules, module)?;
    let symbols = of_module().filter(|symbol| symbol.end == last);
    Some(
        symbols
            .map(|symbol| Symbol {
                address: symbol.address.wrapping_sub(last).wrapping_add(end),
                end,
                ..symbol.clone()
            })
            .collect(),
    )
}

fn end_of(modules: &str, module: &str) -> Option<u64> {
    modules.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let address = words.get(5)?.strip_prefix("0x")?;
        let address = u64::from_str_radix(address, 16).ok()?;
        (words[0] == module).then_some(address + words[1].parse::<u64>().ok()?)
    })
}

/// What the caches list (the agent's `AllocTraces`): entries of a line `cache NAME`, a line that
/// begins with how many there are, and a trace, separated by empty lines.
pub fn slab(text: &str) -> Listed {
    let mut listed = Listed::default();
    for entry in text.split("\n\n") {
        let mut lines = entry.trim_start_matches('\n').lines();
        let cache = lines.next().and_then(|line| line.strip_prefix("cache "));
        let count = lines
            .next()
            .and_then(|line| line.split_whitespace().next()?.parse().ok());
        let (Some(cache), Some(count)) = (cache, count) else {
            continue;
        };
        let trace: Vec<&str> = lines.collect();
        let pooled = cache == "radix_tree_node" && trace.iter().any(|it| it.contains("_preload+"));
        listed.add(cache.to_owned(), &trace.join("\n"), count, pooled);
    }
    listed
}

/// What kmemleak reports (Documentation/dev-tools/kmemleak.rst): `unreferenced object ADDRESS (size
/// N):`, details, a trace.
pub fn kmemleak(text: &str) -> Listed {
    let mut listed = Listed::default();
    for entry in text.split("unreferenced object ").skip(1) {
        let size = entry
            .split_once("(size ")
            .and_then(|(_, rest)| rest.split_once(')'))
            .map_or("?", |(size, _)| size);
        let trace = entry.split_once("backtrace").map_or("", |(_, trace)| {
            trace.split_once('\n').unwrap_or_default().1
        });
        listed.add(format!("{size} bytes"), trace, 1, false);
    }
    listed
}

/// What /proc/vmallocinfo lists (the lines with a bare address where the caller's name would be).
pub fn vmalloc(text: &str) -> Listed {
    let mut listed = Listed::default();
    for line in text.lines() {
        let mut words = line.split_whitespace().skip(1);
        let (Some(bytes), Some(caller)) = (words.next(), words.next()) else {
            continue;
        };
        listed.add(format!("{bytes} bytes of vmalloc"), caller, 1, false);
    }
    listed
}

impl Listed {
    fn add(&mut self, what: String, trace: &str, count: u64, pooled: bool) {
        let unknown: Vec<u64> = UNKNOWN
            .captures_iter(trace)
            .filter_map(|found| u64::from_str_radix(&found[1], 16).ok())
            .collect();
        if !unknown.is_empty() {
            let allocation = Allocation {
                what,
                unknown,
                pooled,
            };
            *self.0.entry(allocation).or_default() += count;
        }
    }

    /// What is listed here and was not `before`, with the functions' names.
    pub fn since(&self, before: &Listed, symbols: &[Symbol]) -> Vec<Leak> {
        let grown = || {
            self.0.iter().filter_map(|(allocation, &count)| {
                let old = before.0.get(allocation).copied().unwrap_or(0);
                (count > old).then(|| (allocation, count - old))
            })
        };
        let pooled = grown().filter(|(allocation, _)| allocation.pooled);
        let fits = pooled.map(|(_, objects)| objects).sum::<u64>() <= POOL_MAX;
        let mut leaks: Vec<Leak> = grown()
            .filter(|(allocation, _)| !(allocation.pooled && fits))
            .map(|(allocation, objects)| Leak {
                objects,
                what: allocation.what.clone(),
                function: name(allocation.unknown[0], symbols),
            })
            .collect();
        leaks.sort_by(|a, b| (&a.function, &a.what).cmp(&(&b.function, &b.what)));
        leaks
    }
}

/// The function that an address is in. Functions of a module's init section are elsewhere, and
/// nobody knows their addresses.
fn name(address: u64, symbols: &[Symbol]) -> String {
    let below = symbols.partition_point(|symbol| symbol.address <= address);
    match below.checked_sub(1).map(|at| &symbols[at]) {
        Some(symbol) if address < symbol.end => format!("{} [{}]", symbol.name, symbol.module),
        _ => "a function of the module that runs only on insertion".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leak_symbols() -> Vec<Symbol> {
        symbols(
            "ffffffffa0000000 t leak_rcv\t[nl_leak]\n\
             ffffffffa0000040 t leak_exit\t[nl_leak]\n\
             ffffffffa0000900 d leak_nlsk\t[nl_leak]\n\
             ffffffff81000000 T _text\n",
            "nl_leak 16384 0 - Live 0xffffffffa0000000 (O)\n",
            "nl_leak",
        )
    }

    #[test]
    fn a_module_that_comes_back_elsewhere_takes_its_functions_along() {
        let known = leak_symbols();
        let place = "nl_leak 16384 0 - Live 0xffffffffa0010000 (O)\n";
        let there = symbols(
            "ffffffffa0010000 t leak_rcv\t[nl_leak]\nffffffffa0010040 t leak_exit\t[nl_leak]\n",
            place,
            "nl_leak",
        );
        assert_eq!(moved(&known, place, "nl_leak"), Some(there));
        assert_eq!(moved(&known, place, "nl_hello"), None);
    }

    #[test]
    fn what_a_cache_lists_is_named_after_the_module_that_is_gone() {
        let text = "cache kmalloc-8\n      3 0xffffffffa0000024 age=12 pid=63 cpus=0\n        \
            0xffffffffa0000024\n        netlink_unicast+0x1a/0x30\n\n\
            cache kmalloc-64\n      1 load_module+0x1/0x2 age=3 pid=1 cpus=1\n        load_module+0x1/0x2\n\n";
        let leaks = slab(text).since(&Listed::default(), &leak_symbols());
        let said: Vec<String> = leaks.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            ["3 objects of kmalloc-8, allocated in leak_rcv [nl_leak]"]
        );
        assert_eq!(slab(text).since(&slab(text), &leak_symbols()), []);
    }

    #[test]
    fn nodes_in_the_kernels_pool_are_no_leak_as_long_as_they_fit() {
        let preloaded = |count: u64| {
            format!(
                "cache radix_tree_node\n      {count} __radix_tree_preload+0x3c/0x90 age=1 pid=6 cpus=0\n        \
                 radix_tree_preload+0x11/0x20\n        0xffffffffa0000024\n\n"
            )
        };
        let leaks = |count| slab(&preloaded(count)).since(&Listed::default(), &leak_symbols());
        assert_eq!(leaks(POOL_MAX), []);
        assert_eq!(leaks(POOL_MAX + 1).len(), 1);
    }

    #[test]
    fn what_kmemleak_reports_is_named_too() {
        let text = "unreferenced object 0xffff888003a1c2d8 (size 1):\n  comm \"order-9\", pid 63, jiffies 4294\n  \
            hex dump (first 1 bytes):\n    18\n  backtrace (crc 0):\n    kmalloc_trace+0x1/0x2\n    \
            0xffffffffa0000050\n    netlink_sendmsg+0x1/0x2\n";
        let leaks = kmemleak(text).since(&Listed::default(), &leak_symbols());
        assert_eq!(leaks.len(), 1);
        assert_eq!(
            leaks[0].to_string(),
            "1 object of 1 bytes, allocated in leak_exit [nl_leak]"
        );
    }

    #[test]
    fn an_address_outside_the_module_was_its_init_function() {
        let text = "0xffffc90000000000-0xffffc90000003000 12288 0xffffffffa0006010 pages=2 vmalloc\n\
            0xffffc90000005000-0xffffc90000007000 8192 bpf_jit+0x1/0x2 pages=1 vmalloc\n";
        let leaks = vmalloc(text).since(&Listed::default(), &leak_symbols());
        assert_eq!(leaks.len(), 1);
        assert!(leaks[0].function.contains("insertion"), "{}", leaks[0]);
    }
}
