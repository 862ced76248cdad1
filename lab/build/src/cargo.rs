// SPDX-License-Identifier: MIT OR Apache-2.0
//! Running cargo, and asking it for the paths of the built programs. The user's configuration of
//! cargo may change these paths, and a program of an earlier build is never used by mistake.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read},
    path::PathBuf,
    process::{Command, Stdio},
    thread,
};

use lab_base::{Error, Result, environment, paths::Paths, progress};
use serde_json::Value;

/// `cargo build` in a checkout, into its own build directory.
pub fn command(paths: &Paths) -> Command {
    let mut cargo = environment::command(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo
        .args(["build", "--quiet", "--locked"])
        .arg("--manifest-path")
        .arg(paths.checkout.join("Cargo.toml"))
        .env("CARGO_TARGET_DIR", paths.build.join("target"))
        .current_dir(&paths.checkout);
    cargo
}

/// Run a `cargo build` and return the programs that it has built, by name. Shows the names of the
/// crates while they are compiled.
///
/// # Errors
/// [`Error::Compile`] with the compiler's output; [`Error::Io`] if cargo cannot be started.
pub fn build(mut cargo: Command, what: &str) -> Result<BTreeMap<String, PathBuf>> {
    cargo
        .args(["--message-format", "json-render-diagnostics"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = cargo.spawn().map_err(Error::io(format!(
        "starting {}",
        cargo.get_program().display()
    )))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let mut said = Vec::new();
    let mut built = BTreeMap::new();
    thread::scope(|scope| {
        let said = &mut said;
        scope.spawn(move || stderr.map(|mut stderr| stderr.read_to_end(said)));
        let names = progress::names(&format!("building {what}"));
        for line in stdout
            .into_iter()
            .flat_map(|out| BufReader::new(out).lines())
        {
            let Ok(message) = line.map_err(drop).and_then(|line| parse(&line)) else {
                break;
            };
            if let Some(Artifact {
                name,
                is_fresh,
                program,
            }) = message
            {
                if !is_fresh {
                    names.next(&name);
                }
                built.extend(program.map(|path| (name, path)));
            }
        }
    });
    let status = child.wait().map_err(Error::io("waiting for cargo"))?;
    let said = String::from_utf8_lossy(&said);
    if !status.success() {
        return Err(Error::Compile {
            what: what.into(),
            output: said.into_owned(),
        });
    }
    eprint!("{said}");
    Ok(built)
}

/// An artifact that cargo has compiled, or that was up to date.
#[derive(Debug, PartialEq)]
struct Artifact {
    name: String,
    is_fresh: bool,
    /// Its path, if it is executable.
    program: Option<PathBuf>,
}

/// A line of cargo's messages (`cargo help build`, `--message-format`).
fn parse(line: &str) -> Result<Option<Artifact>, ()> {
    let message: Value = serde_json::from_str(line).map_err(drop)?;
    if message["reason"] != "compiler-artifact" {
        return Ok(None);
    }
    Ok(Some(Artifact {
        name: message["target"]["name"].as_str().ok_or(())?.to_owned(),
        is_fresh: message["fresh"] == true,
        program: message["executable"].as_str().map(PathBuf::from),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_program_is_is_what_cargo_says() {
        let line = r#"{"reason":"compiler-artifact","target":{"kind":["bin"],"name":"hello"},
            "executable":"/a b/\"target\"/hello","fresh":false}"#;
        let expected = Artifact {
            name: "hello".into(),
            is_fresh: false,
            program: Some("/a b/\"target\"/hello".into()),
        };
        assert_eq!(parse(line), Ok(Some(expected)));
        assert_eq!(
            parse(r#"{"reason":"build-finished","success":true}"#),
            Ok(None)
        );
        assert_eq!(parse("warning: not JSON"), Err(()));
    }
}
