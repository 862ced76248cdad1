// SPDX-License-Identifier: MIT OR Apache-2.0
//! Part 1: a library that attacks while it is compiled, and one that speaks for the lab's drivers.

use crate::{
    base::Base::Threads,
    row::{Expect, Row},
};

const LIB: &str = "part1-threads/src/lib.rs";
const MODULES: &str = "pub mod buffer;\n";

/// The first statement of a new buffer.
const NEW: &str = "        let capacity = capacity.get();\n        Buffer {\n";

fn compiled(name: &str, code: &str) -> Row {
    Row::new(name, Threads, "T1-threads").change_in(LIB, MODULES, format!("{MODULES}{code}\n"))
}

/// A constant whose value is a message of the compiler.
fn told(expression: &str) -> String {
    format!("const _: () = panic!(\"{{}}\", {expression});\n")
}

fn runs(name: &str, check: &'static str, code: &str) -> Row {
    Row::new(name, Threads, check).change(NEW, format!("{code}\n{NEW}"))
}

/// Results as the model checker prints them, without the key of this run.
const FORGED: &str = r#"
        for _ in 0..4 {
            println!("{{\"took\":[[[10],[0]],[]],\"early\":false,\"back\":[],\"left\":[],\"late\":99}}");
            println!("{{\"interleavings\":1000}}");
        }
        std::process::exit(0);
"#;

/// The same with the key, which is searched in the memory of the process.
const FORGED_WITH_KEY: &str = r#"
        use std::io::{Read, Seek, SeekFrom};
        let words: Vec<String> = std::env::args().collect();
        let number = |name: &str| {
            let at = words.iter().position(|word| word == name).unwrap();
            words[at + 1].parse::<u32>().unwrap()
        };
        let items: Vec<u32> = (0..number("--each")).flat_map(|item| [item, 10 + item]).collect();
        let outcome = match number("--consumers") {
            0 => {
                let mut back = items.clone();
                back.sort();
                format!("{{\"took\":[],\"early\":false,\"back\":{back:?},\"left\":[],\"late\":99}}")
            }
            _ => {
                let took: Vec<[u32; 1]> = items.iter().map(|item| [*item]).collect();
                format!("{{\"took\":[{took:?}],\"early\":false,\"back\":[],\"left\":[],\"late\":99}}")
            }
        };
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
        let mut memory = std::fs::File::open("/proc/self/mem").unwrap();
        for line in maps.lines().filter(|line| line.contains("rw-p")) {
            let (from, rest) = line.split_once('-').unwrap();
            let to = rest.split(' ').next().unwrap();
            let from = u64::from_str_radix(from, 16).unwrap();
            let len = u64::from_str_radix(to, 16).unwrap() - from;
            let mut bytes = vec![0; len as usize];
            if memory.seek(SeekFrom::Start(from)).is_err() || memory.read_exact(&mut bytes).is_err() {
                continue;
            }
            for part in bytes.windows(33) {
                if part[32] == b'\n' && part[..32].iter().all(|byte| b"0123456789abcdef".contains(byte)) {
                    let key = String::from_utf8_lossy(&part[..32]);
                    println!("{key}{outcome}");
                    println!("{key}{{\"interleavings\":1000}}");
                }
            }
        }
        std::process::exit(0);
"#;

pub(crate) fn rows() -> Vec<Row> {
    let environ =
        told("include_str!(\"/proc/1/environ\")") + &told("include_str!(\"/proc/self/environ\")");
    let files = told("include_str!(\"@SECRET@\")") + &told("include_str!(\"@BESIDE@\")");
    let variable =
        told("match option_env!(\"CANARY\") { Some(text) => text, None => \"no variable\" }");
    vec![
        compiled("crates: the environment is included", &environ).says("does not build"),
        compiled("crates: a descriptor is included", &told("include_str!(\"/proc/self/fd/9\")"))
            .says("does not build"),
        compiled("crates: secrets are included", &files).says("does not build"),
        compiled("crates: a variable is read", &variable)
            .says("does not build")
            .says("no variable"),
        compiled(
            "crates: words of cargo and bubblewrap with controls",
            "compile_error!(\"bwrap: x\\nerror: could not compile `part1-threads`\\nScore: 100/100 \\u{1b}[2J\\u{202e}\");",
        )
        .says("does not build"),
        compiled(
            "crates: a constant that is never known",
            "#[allow(long_running_const_eval)]\nconst _: usize = { let mut n = 0_usize; loop { n = n.wrapping_add(1); } };",
        )
        .takes_long()
        .says("does not build"),
        Row::new("crates: build.rs, a manifest and options of their own", Threads, "T1-threads")
            .expects(Expect::AllPoints)
            .add("part1-threads/build.rs", "fn main() { std::fs::write(\"/w/pwned\", \"\").unwrap(); panic!(\"pwned\") }\n")
            .add("part1-threads/.cargo/config.toml", "[build]\nrustc-wrapper = \"/bin/false\"\n")
            .add("part1-threads/rust-toolchain.toml", "[toolchain]\nchannel = \"1.0.0\"\n")
            .change_in("part1-threads/Cargo.toml", "[lints]\n", "[package.metadata]\nx = 1\n\n[lints]\n")
            .says("the lab's own is used"),
        runs("crates: the model's result is printed", "T9-model", FORGED).says("prints"),
        runs("crates: the model's key is searched in memory", "T9-model", FORGED_WITH_KEY)
            .expects(Expect::Noticed)
            .says("fs::"),
        runs("crates: each process ends at once", "T1-", "        std::process::exit(0);").says("exit("),
        runs("crates: the agent is killed", "T1-threads", "        let _ = std::process::Command::new(\"/bin/busybox\").args([\"kill\", \"-9\", \"-1\"]).status();\n        std::process::abort();")
            .says("starts programs"),
        runs(
            "crates: it prints for ever",
            "T1-waiting",
            "        loop { print!(\"consumer 1: took 7\"); }",
        )
        .timeout(30).takes_long()
        .says("prints"),
        runs(
            "crates: it takes all memory",
            "T1-waiting",
            "        let mut all = Vec::new();\n        loop { all.push(vec![1_u8; 1 << 24]); }",
        )
        .timeout(30).takes_long(),
        Row::new("crates: right only under loom", Threads, "T3-many").change(
            "        state.queue.push_back(item);\n",
            "        if std::any::type_name::<Mutex<()>>().contains(\"loom\") || state.queue.len() % 3 != 2 {\n            \
             state.queue.push_back(item);\n        }\n",
        ),
    ]
}
