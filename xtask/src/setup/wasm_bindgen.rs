//! The wasm-bindgen CLI, of exactly the version that Cargo.lock pins: the two sides of its
//! generated code fit together only at the same version.

use super::{on_path, say, version};
use crate::process;
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Finds or installs the CLI.
pub fn obtain(workspace: &Workspace) -> Result<PathBuf> {
    let needed = workspace.locked_version("wasm-bindgen")?;
    let home = workspace.cache.tool(&format!("wasm-bindgen-{needed}"));
    let ours = home.join("bin").join("wasm-bindgen");
    let candidates = on_path("wasm-bindgen").into_iter().chain([ours.clone()]);
    for program in candidates {
        if is_version(&program, &needed) {
            say("wasm-bindgen", format!("{needed} at {}", program.display()));
            return Ok(program);
        }
    }
    say("wasm-bindgen", format!("building {needed} with cargo, a few minutes once"));
    if let Err(error) = install(workspace, &needed, &home, &["--locked"]) {
        if process::interrupted() {
            return Err(error);
        }
        // Its own lock file may pin a version that the registry in use does not offer.
        say(
            "wasm-bindgen",
            "that failed with the versions its authors pinned; once more with the registry's current ones",
        );
        install(workspace, &needed, &home, &[]).with_context(|| {
            format!("the wasm-bindgen CLI could not be built; put version {needed} of it on PATH")
        })?;
    }
    if !is_version(&ours, &needed) {
        bail!("{} was installed but does not say version {needed}", ours.display());
    }
    Ok(ours)
}

fn install(workspace: &Workspace, version: &str, home: &Path, extra: &[&str]) -> Result<()> {
    process::run(
        workspace
            .cargo()
            .args(["install", "wasm-bindgen-cli", "--bin", "wasm-bindgen"])
            .args(["--force", "--version", version])
            .args(extra)
            .arg("--root")
            .arg(home)
            .arg("--target-dir")
            .arg(workspace.cache.tool_builds())
            // It runs for seconds and is built once a version: less optimised is sooner done.
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
            .env("CARGO_PROFILE_RELEASE_LTO", "off"),
    )
}

fn is_version(program: &Path, needed: &str) -> bool {
    process::probe(Command::new(program).arg("--version"))
        .is_some_and(|printed| version::parse(&printed) == version::parse(needed))
}
