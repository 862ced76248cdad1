// SPDX-License-Identifier: MIT OR Apache-2.0
//! Building the Rust programs of a submission, in a sandbox: its sources, with the manifests, the
//! lock file and the protocol of this checkout. What else it has brought for cargo is not used.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use lab_base::{Error, Result, catalogue, environment, output_of, paths, progress};
use lab_build::programs;
use lab_machine::Site;

use super::{
    build,
    intake::{PartSource, Submission},
    refused::{Refused, refused},
    sandbox::{self, INSIDE, Sandbox, SandboxOutput},
    unknown_crates::explained,
    unpack::SubmittedFile,
};

/// The programs of a submission's crates.
#[derive(Debug)]
pub struct CratePrograms {
    /// Each by its name: where it is, or what the compiler has to say about its crate.
    pub built: BTreeMap<&'static str, Result<PathBuf, Refused>>,
    /// Sentences for the report.
    pub remarks: Vec<String>,
    /// They are gone with it.
    _directory: Option<Sandbox>,
}

/// Where cargo's home is inside. Crates from the registry are read from the user's.
const CARGO_HOME: &str = "/tmp/cargo";

/// The crate that the programs of `lab/threads` link, their package, and its directory.
pub(crate) const DRIVEN: &str = "part1-threads";
const DRIVER: &str = "lab-threads";
const DRIVER_AT: &str = "lab/threads";

/// How long a crate may take, for the first time with all that it depends on: a minute, and five
/// on a busy machine.
const CARGO_PATIENCE: Duration = Duration::from_secs(1200);

/// Build all crates of a submission, each by itself: one that does not compile loses its own
/// programs and no others.
///
/// # Errors
/// The machinery failed.
pub fn build(site: &Site, submission: &Submission) -> Result<CratePrograms> {
    let mut built = BTreeMap::new();
    let mut remarks = Vec::new();
    let mut sandbox = None;
    for package in catalogue::packages() {
        let mut place_of = None;
        let mut names = Vec::new();
        for (&name, part) in &submission.programs {
            if let PartSource::Rust {
                package: of,
                directory,
            } = part
                && *of == package
            {
                place_of = Some(directory);
                names.push(name);
            }
        }
        let Some(directory) = place_of else {
            continue;
        };
        remarks.extend(not_theirs(site, submission, package, directory));
        let sandbox = match &sandbox {
            Some(sandbox) => sandbox,
            None => sandbox.insert(prepared_sandbox(site)?.within(&submission.build_time)),
        };
        place(site, sandbox, &submission.files, package, directory)?;
        let own = read(site, &format!("{package}/Cargo.toml"))?;
        let own = String::from_utf8_lossy(&own);
        let output = sandbox.path().join("target").join(programs::OUTPUT);
        let outcome = |ended: &SandboxOutput, name: &str| {
            let program = output.join(name);
            if build::is_file(&program) {
                return Ok(program);
            }
            let Refused(said) = refused(ended, &submission.files);
            Err(Refused(explained(&said, package, &own)))
        };
        let ended = compile(site, sandbox, package, package)?;
        built.extend(names.into_iter().map(|name| (name, outcome(&ended, name))));
        if package == DRIVEN {
            place_driver(site, sandbox)?;
            let ended = compile(site, sandbox, package, DRIVER)?;
            built.extend(programs::DRIVERS.map(|name| (name, outcome(&ended, name))));
        }
    }
    Ok(CratePrograms {
        built,
        remarks,
        _directory: sandbox,
    })
}

/// A sandbox with the compiler, and the sources of the crates that ours depend on.
fn cargo_sandbox(site: &Site) -> Result<Sandbox> {
    let mut sandbox = Sandbox::new(site)?;
    // rustc finds its libraries, and its linker itself, with /proc/self/exe.
    sandbox.show_processes()?;
    let sysroot = sysroot(site)?;
    if !sysroot.starts_with("/usr") {
        sandbox.show(sysroot);
    }
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")))
        .ok_or_else(|| {
            Error::Unexpected("expected HOME or CARGO_HOME in the environment".into())
        })?;
    sandbox.show_at(home.join("registry"), format!("{CARGO_HOME}/registry"));
    Ok(sandbox)
}

/// The same, with all that our crates depend on compiled already.
fn prepared_sandbox(site: &Site) -> Result<Sandbox> {
    let sandbox = cargo_sandbox(site)?;
    output_of(
        "copying what submissions depend on",
        environment::command("cp")
            .arg("--archive")
            .args([dependencies(site)?, sandbox.path().join("target")]),
    )?;
    Ok(sandbox)
}

/// A target directory in which everything that our crates depend on is compiled: that takes a
/// minute, and is the same for all submissions. It is made once, in a sandbox, with programs that
/// do nothing: there is nothing of ours in it that could be handed in, and nothing of anybody else.
fn dependencies(site: &Site) -> Result<PathBuf> {
    let mut inputs = vec![read(site, "Cargo.toml")?, read(site, "Cargo.lock")?];
    for package in catalogue::packages().chain([DRIVER_AT]) {
        inputs.push(read(site, &format!("{package}/Cargo.toml"))?);
    }
    let version = rustc(site, &["--version", "--verbose"])?;
    inputs.push(version.into_bytes());
    let key = paths::digest(inputs.iter().map(Vec::as_slice));
    let directory = site.paths.build.join("grade");
    let made = directory.join(format!("target-{key}"));
    let _lock = paths::lock(&directory.join(".lock"))?;
    if made.exists() {
        return Ok(made);
    }
    let sandbox = cargo_sandbox(site)?;
    let nothing = [("src/lib.rs", ""), ("src/bin/nothing.rs", "fn main() {}")];
    let nothing = nothing.map(|(path, text)| SubmittedFile {
        shown: path.to_owned(),
        path: path.to_owned(),
        contents: text.into(),
    });
    progress::while_busy("building what submissions depend on", || {
        for package in catalogue::packages() {
            place(site, &sandbox, &nothing, package, "")?;
            let built = |ended: SandboxOutput| match ended.success {
                true => Ok(()),
                false => Err(Error::Tool {
                    what: format!("building what {package} depends on"),
                    status: "cargo failed".into(),
                    output: ended.said,
                }),
            };
            built(compile(site, &sandbox, package, package)?)?;
            if package == DRIVEN {
                join_driver(site, &sandbox)?;
                sandbox.write(
                    &format!("{DRIVEN}/{DRIVER_AT}/src/bin/nothing.rs"),
                    b"fn main() {}",
                )?;
                built(compile(site, &sandbox, package, DRIVER)?)?;
            }
        }
        // Whole or not at all.
        fs::rename(sandbox.path().join("target"), &made)
            .map_err(Error::io(format!("renaming to {}", made.display())))
    })?;
    Ok(made)
}

/// Run cargo for one package of the workspace of a crate that has been put in its place.
fn compile(site: &Site, sandbox: &Sandbox, of: &str, package: &str) -> Result<SandboxOutput> {
    // Not the user's own command, which may be rustup's and chooses by what is in the home.
    let bin = sysroot(site)?.join("bin");
    let mut cargo = sandbox::command(bin.join("cargo"));
    cargo.args(["build", "--quiet"]);
    programs::for_guest(&mut cargo, &[package]);
    cargo
        // A program that does not compile is not in the way of another.
        .args(["--offline", "--keep-going"])
        .arg(format!("--manifest-path={INSIDE}/{of}/Cargo.toml"))
        // cargo looks for rustc by its name.
        .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
        .env("CARGO_HOME", CARGO_HOME)
        .env("CARGO_TARGET_DIR", format!("{INSIDE}/target"));
    sandbox.run(&cargo, CARGO_PATIENCE)
}

fn sysroot(site: &Site) -> Result<PathBuf> {
    let sysroot = rustc(site, &["--print", "sysroot"])?;
    Ok(PathBuf::from(sysroot.trim()))
}

/// Ask the compiler of this checkout.
fn rustc(site: &Site, arguments: &[&str]) -> Result<String> {
    output_of(
        "asking rustc about itself",
        environment::command("rustc")
            .current_dir(&site.paths.checkout)
            .args(arguments),
    )
}

fn read(site: &Site, file: &str) -> Result<Vec<u8>> {
    fs::read(site.paths.checkout.join(file)).map_err(Error::io(format!("reading {file}")))
}

/// Put together a workspace of one crate, whose sources are in `directory` of `files`, and our
/// protocol.
fn place(
    site: &Site,
    sandbox: &Sandbox,
    files: &[SubmittedFile],
    package: &str,
    directory: &str,
) -> Result<()> {
    manifest(site, sandbox, package, &["protocol", package])?;
    for file in ["Cargo.lock", &format!("{package}/Cargo.toml")] {
        sandbox.write(&format!("{package}/{file}"), &read(site, file)?)?;
    }
    let protocol = sandbox.path().join(package).join("protocol");
    // With its times: what has not changed is not compiled again.
    output_of(
        "copying the protocol",
        environment::command("cp")
            .args([
                "--recursive",
                "--preserve=timestamps",
                "--no-target-directory",
            ])
            .args([&site.paths.checkout.join("protocol"), &protocol]),
    )?;
    let sources = format!("{directory}src/");
    for file in files {
        if let Some(below) = file.path.strip_prefix(&sources)
            && Path::new(below).extension().is_some_and(|end| end == "rs")
        {
            let target = format!("{package}/{package}/src/{below}");
            sandbox.write(&target, &file.contents)?;
        }
    }
    Ok(())
}

/// Put the programs of `lab/threads` beside a crate that is in its place: they link its library.
fn place_driver(site: &Site, sandbox: &Sandbox) -> Result<()> {
    join_driver(site, sandbox)?;
    let (checkout, inside) = (&site.paths.checkout, sandbox.path().join(DRIVEN));
    // Its faults are those of our tests.
    for (from, to) in [
        (checkout.join(DRIVER_AT).join("src"), inside.join(DRIVER_AT)),
        (checkout.join(DRIVEN).join("tests"), inside.join(DRIVEN)),
    ] {
        output_of(
            "copying what drives a part 1",
            environment::command("cp")
                .arg("--recursive")
                .args([from, to]),
        )?;
    }
    Ok(())
}

/// Make the package of `lab/threads` a member of a crate's workspace.
fn join_driver(site: &Site, sandbox: &Sandbox) -> Result<()> {
    let own = read(site, &format!("{DRIVER_AT}/Cargo.toml"))?;
    sandbox.write(&format!("{DRIVEN}/{DRIVER_AT}/Cargo.toml"), &own)?;
    manifest(site, sandbox, DRIVEN, &["protocol", DRIVEN, DRIVER_AT])
}

/// Write the manifest of a crate's workspace.
fn manifest(site: &Site, sandbox: &Sandbox, package: &str, members: &[&str]) -> Result<()> {
    let text = String::from_utf8_lossy(&read(site, "Cargo.toml")?).into_owned();
    let manifest = with_members(&text, members)
        .map_err(|error| Error::Unexpected(format!("Cargo.toml: {error}")))?;
    sandbox.write(&format!("{package}/Cargo.toml"), manifest.as_bytes())
}

/// The workspace's manifest with other members.
fn with_members(manifest: &str, members: &[&str]) -> std::result::Result<String, String> {
    let mut manifest: toml::Table = manifest
        .parse()
        .map_err(|error: toml::de::Error| error.to_string())?;
    let workspace = manifest
        .get_mut("workspace")
        .and_then(toml::Value::as_table_mut)
        .ok_or("expected [workspace]")?;
    workspace.insert("members".into(), members.to_vec().into());
    // Settings for crates that are not in it.
    if let Some(profiles) = manifest
        .get_mut("profile")
        .and_then(toml::Value::as_table_mut)
    {
        profiles.remove("dev");
    }
    toml::to_string(&manifest).map_err(|error| error.to_string())
}

/// Remarks on files that a submission must not change.
fn not_theirs(site: &Site, submission: &Submission, package: &str, directory: &str) -> Vec<String> {
    let mut remarks = Vec::new();
    for file in &submission.files {
        let Some(name) = file.path.strip_prefix(directory) else {
            continue;
        };
        let own = site.paths.checkout.join(package).join(name);
        let changed = match name {
            "Cargo.toml" => fs::read(own).is_ok_and(|own| own != file.contents),
            "build.rs" => true,
            name => name.starts_with(".cargo/"),
        };
        if changed {
            remarks.push(format!(
                "{} is not part of what is handed in; the lab's own is used",
                file.shown
            ));
        }
    }
    remarks
}

#[cfg(test)]
mod tests {
    use super::with_members;

    #[test]
    fn only_the_members_of_the_workspace_change() {
        let text = "[workspace]\nmembers = [\"a\"]\nresolver = \"3\"\n[profile.dev.package.x]\nopt-level = 3\n";
        let changed = with_members(text, &["b"]).unwrap();
        let changed: toml::Table = changed.parse().unwrap();
        let workspace = changed["workspace"].as_table().unwrap();
        assert_eq!(
            workspace["members"].as_array().unwrap()[0].as_str(),
            Some("b")
        );
        assert_eq!(workspace["resolver"].as_str(), Some("3"));
        assert!(with_members("[package]", &[]).is_err());
    }
}
