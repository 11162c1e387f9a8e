//! The program that writes a module's JavaScript: `xtask/bindgen`, compiled once into the cache folder.
//! Cargo.lock pins wasm-bindgen's library to the version of the crate that the modules use: the two
//! sides of the generated code fit together only at the same version.

use super::{on_path, say};
use crate::process;
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::process::Command;

const PACKAGE: &str = "xtask-bindgen";
const PROFILE: &str = "tool";

/// Compiles the program if need be, and returns its path.
pub fn obtain(workspace: &Workspace) -> Result<PathBuf> {
    let version = workspace.locked_version("wasm-bindgen")?;
    let library = workspace.locked_version("wasm-bindgen-cli-support")?;
    if version != library {
        bail!(
            "Cargo.lock has wasm-bindgen {version} and wasm-bindgen-cli-support {library}, expected one \
             version: state the same two in Cargo.toml"
        );
    }
    say("wasm-bindgen", format!("{version}, compiled by cargo (a minute, once)"));
    let target = workspace.cache.tool_builds();
    // It runs beside the longer compilation of the modules, and must not slow that one.
    let cargo = workspace.cargo();
    let mut command = match on_path("nice") {
        Some(nice) => {
            let mut lowered = Command::new(nice);
            lowered.args(["-n", "10"]).arg(cargo.get_program()).current_dir(&workspace.root);
            lowered
        }
        None => cargo,
    };
    process::run(
        command
            .args(["build", "--quiet", "--locked", "--package", PACKAGE, "--profile", PROFILE])
            .env("CARGO_TARGET_DIR", &target),
    )
    .context("the program that runs wasm-bindgen could not be compiled")?;
    Ok(target.join(PROFILE).join(format!("{PACKAGE}{}", std::env::consts::EXE_SUFFIX)))
}
