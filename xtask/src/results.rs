//! `cargo xtask results`: docs/RESULTS.md, written whole from what is stored.
//!
//! ```text
//! cargo xtask results              # the pages of bench/runs, then docs/RESULTS.md
//! cargo xtask results --check      # only compare them
//! ```

use crate::{bench, native_build, process, workspace::Workspace};
use anyhow::Result;
use std::process::Command;

const TRAINER: &str = "trainer";

/// Arguments of `cargo xtask results`.
#[derive(clap::Args)]
pub struct Args {
    /// Only check that the pages are what the stored results say
    #[arg(long)]
    check: bool,
}

/// Renders the benchmark runs, then the page of all results; passes on the first failing exit code.
pub fn run(workspace: &Workspace, args: &Args) -> Result<u8> {
    let code = bench::report(workspace, args.check)?;
    if code != 0 {
        return Ok(code);
    }
    let target = native_build::target_dir(workspace)?;
    eprintln!("build: the trainer in {} (from empty: half an hour or more)", target.path.display());
    // The whole workspace's features, as the tests are built with: the same dependencies serve.
    let mut cargo = native_build::cargo(workspace, "build", &target);
    process::run(cargo.args(["--workspace", "--bin", TRAINER]))?;
    let program = target.path.join(native_build::PROFILE).join(TRAINER);
    let mut trainer = Command::new(program);
    trainer.current_dir(&workspace.root).args(["report", "--page", "docs/RESULTS.md"]);
    if args.check {
        trainer.arg("--check");
    }
    Ok(process::exit_code(process::status(&mut trainer)?))
}
