//! The native build: one optimised profile and one target folder for tests, lints and programs.

use crate::cache::TargetDir;
use crate::workspace::Workspace;
use anyhow::Result;
use std::process::Command;

/// The profile of native builds, and the name of its folder in the target folder.
pub const PROFILE: &str = "release";

/// The cache's folder for native build outputs.
pub fn target_dir(workspace: &Workspace) -> Result<TargetDir> {
    let flags = std::env::var("RUSTFLAGS").unwrap_or_default();
    let identity = format!("{}\n{flags}\n{PROFILE}", workspace.rustc_version()?);
    workspace.cache.target_dir("native", &identity, &workspace.lock_file()?, &workspace.root)
}

/// Makes the command `cargo <subcommand> --locked --release` with the target folder `target`.
pub fn cargo(workspace: &Workspace, subcommand: &str, target: &TargetDir) -> Command {
    let mut command = workspace.cargo();
    command
        .args([subcommand, "--locked", "--profile", PROFILE])
        .env("CARGO_TARGET_DIR", &target.path);
    command
}
