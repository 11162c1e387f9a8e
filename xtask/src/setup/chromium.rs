//! Finds a Chromium for the browser suite: `$CHROMIUM`, else PATH, else apt's package.

use super::{apt, on_path, say};
use crate::process;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const MAC_APPS: [&str; 2] = [
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];
const BY_HAND: &str = "install Chromium or Chrome and set CHROMIUM to the path of its program";

/// Finds or installs Chromium.
pub fn obtain() -> Result<PathBuf> {
    if let Some(chosen) = std::env::var_os("CHROMIUM").map(PathBuf::from) {
        let Some(version) = version_of(&chosen) else {
            bail!("CHROMIUM is {}, which does not run; {BY_HAND}", chosen.display());
        };
        say("chromium", format!("{version} at {} (CHROMIUM)", chosen.display()));
        return Ok(chosen);
    }
    if let Some((program, version)) = find() {
        say("chromium", format!("{version} at {}", program.display()));
        return Ok(program);
    }
    apt::install("Chromium", &["chromium"], BY_HAND)?;
    let (program, version) = find()
        .with_context(|| format!("apt's package chromium has no program that runs; {BY_HAND}"))?;
    say("chromium", format!("{version} at {}", program.display()));
    Ok(program)
}

fn find() -> Option<(PathBuf, String)> {
    NAMES
        .iter()
        .filter_map(|name| on_path(name))
        .chain(MAC_APPS.iter().map(PathBuf::from))
        .find_map(|program| version_of(&program).map(|version| (program, version)))
}

fn version_of(program: &Path) -> Option<String> {
    process::probe(Command::new(program).arg("--version"))
}
