//! `cargo xtask fuzz`: feeds damaged inputs to every reader for longer than `cargo xtask test` does.
//!
//! The targets are in `tests/tests/fuzz`. An input with a fault is stored in `fuzz/` of the clone, which
//! git ignores, and named; the folder of the target in `tests/fixtures/fuzz/` keeps those that were
//! mended. An interrupted run loses nothing but its time.

use crate::{native_build, process, workspace::Workspace};
use anyhow::{Context, Result};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// Minutes of each target.
const MINUTES: f64 = 1.0;

/// Arguments of `cargo xtask fuzz`.
#[derive(clap::Args)]
pub struct Args {
    /// Only targets whose name contains this; may be repeated
    #[arg(long, value_name = "NAME")]
    target: Vec<String>,
    /// Minutes of each target; 1 by default
    #[arg(long, conflicts_with = "cases")]
    minutes: Option<f64>,
    /// Cases of each target, in place of minutes
    #[arg(long)]
    cases: Option<u64>,
    /// The seed; drawn from the clock by default, and printed
    #[arg(long)]
    seed: Option<u64>,
    /// A stored input to check once; needs one --target, by its whole name
    #[arg(long, value_name = "FILE", conflicts_with_all = ["minutes", "cases", "seed"])]
    input: Option<PathBuf>,
}

/// Builds the targets with the workspace's tests, runs them and returns their exit code.
pub fn run(workspace: &Workspace, args: &Args) -> Result<u8> {
    let target = native_build::target_dir(workspace)?;
    let folder = workspace.path("fuzz");
    let mut fuzz = native_build::cargo(workspace, "test", &target);
    fuzz.args(["--workspace", "--test", "fuzz", "--", "--faults"]).arg(&folder);
    for name in &args.target {
        fuzz.args(["--target", name]);
    }
    if let Some(input) = &args.input {
        fuzz.arg("--input").arg(std::path::absolute(input)?);
        return Ok(process::exit_code(process::status(&mut fuzz)?));
    }
    let seed = match args.seed {
        Some(seed) => seed,
        None => SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .context("the clock is before 1970")?
            .as_secs(),
    };
    fuzz.args(["--seed", &seed.to_string()]);
    match args.cases {
        Some(cases) => fuzz.args(["--cases", &cases.to_string()]),
        None => fuzz.args(["--minutes", &args.minutes.unwrap_or(MINUTES).to_string()]),
    };
    eprintln!("fuzz: seed {seed}, inputs with a fault go to {}", folder.display());
    Ok(process::exit_code(process::status(&mut fuzz)?))
}
