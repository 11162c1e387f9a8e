//! `cargo xtask lint`: formatting, clippy and rustdoc without warnings, and the licences of
//! dependencies.
//!
//! Clippy and rustdoc run with the profile and in the folder of the native build, so that build
//! scripts and procedural macros are compiled once for all.

use crate::{native_build, process, workspace::Workspace};
use anyhow::{Context, Result};

/// Runs every check; the first that fails ends the run.
pub fn run(workspace: &Workspace) -> Result<()> {
    format_check(workspace)?;
    let target = native_build::target_dir(workspace)?;
    process::run(native_build::cargo(workspace, "clippy", &target).args([
        "--workspace",
        "--all-targets",
        "--",
        "--deny",
        "warnings",
    ]))?;
    process::run(
        native_build::cargo(workspace, "doc", &target)
            .env("RUSTDOCFLAGS", "--deny warnings")
            .args(["--workspace", "--no-deps"]),
    )?;
    let has_deny = process::probe(workspace.cargo().args(["deny", "--version"])).is_some();
    if has_deny {
        process::run(workspace.cargo().args(["deny", "check", "licenses", "bans", "sources"]))?;
    } else {
        eprintln!(
            "lint: cargo-deny is not installed: licences are not checked (`cargo install cargo-deny`)"
        );
    }
    eprintln!("lint: clean");
    Ok(())
}

/// Fails where the formatter would change a file.
pub fn format_check(workspace: &Workspace) -> Result<()> {
    process::run(workspace.cargo().args(["fmt", "--all", "--check"])).context(
        "the code is not formatted; run `cargo fmt --all` (it is rustup's component rustfmt)",
    )
}
