//! Programs of cargo's that a registry carries as source: compiled once into the cache folder.

use super::{on_path, say, version};
use crate::process;
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder with the program `package` of at least `needed` in it: where PATH has it, else in the
/// cache folder, compiled now if need be.
pub fn obtain(workspace: &Workspace, package: &str, needed: &str) -> Result<PathBuf> {
    if let Some(program) = on_path(package)
        && is_at_least(&program, needed)
    {
        say(package, format!("at {}", program.display()));
        return Ok(program);
    }
    let home = workspace.cache.tool(&format!("{package}-{needed}"));
    let ours = home.join("bin").join(format!("{package}{}", std::env::consts::EXE_SUFFIX));
    if is_at_least(&ours, needed) {
        say(package, format!("at {}", ours.display()));
        return Ok(ours);
    }
    say(package, format!("compiling {needed} (some minutes, once)"));
    // A registry that is behind lacks versions that the authors' lock file names. What cargo prints
    // then begins with "error" and helps nobody, so it is kept back.
    if let Err(locked) = process::capture(&mut install(workspace, package, needed, &home, true)) {
        if process::interrupted() {
            return Err(locked);
        }
        say(package, "the authors' lock file does not resolve here; current versions are taken");
        process::run(&mut install(workspace, package, needed, &home, false))
            .with_context(|| format!("{package} {needed} could not be compiled; put it on PATH"))?;
    }
    if !is_at_least(&ours, needed) {
        bail!("{} was installed but does not run as version {needed}", ours.display());
    }
    Ok(ours)
}

fn install(
    workspace: &Workspace,
    package: &str,
    needed: &str,
    home: &Path,
    locked: bool,
) -> Command {
    let mut cargo = workspace.cargo();
    cargo.args(["install", "--quiet", "--force", package, "--version", needed]);
    if locked {
        cargo.arg("--locked");
    }
    cargo
        .arg("--root")
        .arg(home)
        .arg("--target-dir")
        .arg(workspace.cache.tool_builds())
        // It runs for seconds: less optimised is sooner done.
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
        .env("CARGO_PROFILE_RELEASE_LTO", "off");
    cargo
}

fn is_at_least(program: &Path, needed: &str) -> bool {
    process::probe(Command::new(program).arg("--version"))
        .is_some_and(|printed| version::parse(&printed) >= version::parse(needed))
}
