//! `cargo xtask lint`: checks formatting, clippy and rustdoc, the format, lint and types of JavaScript, and
//! the licences, bans, sources and advisories of dependencies.
//!
//! Clippy and rustdoc use the native build's profile and folder, so that build scripts and procedural
//! macros are compiled once.

use crate::{edge_build, native_build, process, setup, workspace::Workspace};
use anyhow::{Context, Result, bail};
use std::process::Command;

/// Runs every check; stops at the first that fails.
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
    javascript(workspace)?;
    dependencies(workspace)?;
    eprintln!("lint: clean");
    Ok(())
}

/// Checks JavaScript with Biome and tsc. The build makes declarations that the types refer to: those of the
/// engine's module and of the npm package.
fn javascript(workspace: &Workspace) -> Result<()> {
    let node = edge_build::build(workspace)?;
    let run = |script: &str, arguments: &[&str]| {
        process::run(node.command(workspace).arg(script).args(arguments))
    };
    run("node_modules/@biomejs/biome/bin/biome", &["ci", "."]).context(
        "Biome would change a file of JavaScript or objects to it; `npx biome check --write .` makes safe changes",
    )?;
    run("node_modules/typescript/bin/tsc", &["--build"])
        .context("the types of JavaScript do not agree")
}

/// Checks the dependencies by `deny.toml`. Advisories are checked if the advisory database, a git
/// repository, can be fetched.
fn dependencies(workspace: &Workspace) -> Result<()> {
    let deny = setup::for_lint(workspace)?;
    let deny = |arguments: &[&str]| {
        let mut command = Command::new(&deny);
        command.current_dir(&workspace.root).args(arguments);
        command
    };
    process::run(&mut deny(&["check", "licenses", "bans", "sources"]))?;
    match process::capture(&mut deny(&["fetch", "db"])) {
        Ok(_) => process::run(&mut deny(&["check", "--disable-fetch", "advisories"])),
        Err(_) if process::interrupted() => bail!("interrupted"),
        Err(error) => {
            eprintln!(
                "lint: SKIPPED: advisories of dependencies are not checked, for their database cannot be \
                 fetched here: {}",
                last_line(&format!("{error:#}"))
            );
            Ok(())
        }
    }
}

fn last_line(text: &str) -> &str {
    text.trim().lines().last().unwrap_or_default().trim()
}

/// Fails if the formatter would change a file.
pub fn format_check(workspace: &Workspace) -> Result<()> {
    process::run(workspace.cargo().args(["fmt", "--all", "--check"])).context(
        "the code is not formatted; run `cargo fmt --all` (it is rustup's component rustfmt)",
    )
}
