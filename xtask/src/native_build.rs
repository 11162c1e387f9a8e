//! The native build: one optimised profile and one target folder for tests, lints and binaries.

use crate::cache::TargetDir;
use crate::workspace::Workspace;
use anyhow::Result;
use std::process::Command;

/// The profile that native code is built with, and its folder below the target folder.
pub const PROFILE: &str = "release";

/// The cache's folder for native build outputs.
pub fn target_dir(workspace: &Workspace) -> Result<TargetDir> {
    let flags = std::env::var("RUSTFLAGS").unwrap_or_default();
    let identity = format!("{}\n{flags}\n{PROFILE}", workspace.rustc_version()?);
    workspace.cache.target_dir("native", &identity, &workspace.lock_file()?, &workspace.root)
}

/// `cargo <subcommand> --locked --release` into `target`.
pub fn cargo(workspace: &Workspace, subcommand: &str, target: &TargetDir) -> Command {
    let mut command = workspace.cargo();
    command
        .args([subcommand, "--locked", "--profile", PROFILE])
        .env("CARGO_TARGET_DIR", &target.path);
    command
}
