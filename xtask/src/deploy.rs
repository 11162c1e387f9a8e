//! `cargo xtask deploy`: deploys the Worker to Cloudflare with wrangler and `worker/wrangler.toml`.
//!
//! With `--dry-run` wrangler writes the files that it would send to a folder, and their sizes are printed;
//! nothing leaves the machine.

use crate::{edge_build, process, workspace::Workspace};
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

const WRANGLER: &str = "node_modules/wrangler/bin/wrangler.js";
const OUTPUT: &str = "dist/deploy";

/// Arguments of `cargo xtask deploy`.
#[derive(clap::Args)]
pub struct Args {
    /// Build and bundle, print the sizes, send nothing
    #[arg(long)]
    dry_run: bool,
}

/// Builds and deploys, and returns wrangler's exit code.
pub fn run(workspace: &Workspace, args: &Args) -> Result<u8> {
    let node = edge_build::build(workspace)?;
    let output = workspace.path(OUTPUT);
    let mut wrangler = node.command(workspace);
    wrangler.arg(workspace.path(WRANGLER)).arg("deploy").arg("--outdir").arg(&output);
    if args.dry_run {
        wrangler.arg("--dry-run");
    }
    wrangler.current_dir(workspace.path("worker")).env("WRANGLER_SEND_METRICS", "false");
    let status = process::status(&mut wrangler)?;
    if status.success() && args.dry_run {
        println!("\nfiles of a deployment, with sizes in bytes:");
        list("script", &output)?;
        list("bundle", &workspace.path("bundles/default"))?;
    }
    Ok(process::exit_code(status))
}

fn list(what: &str, folder: &Path) -> Result<()> {
    let unreadable = || format!("cannot read {}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(unreadable)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // wrangler writes these files too and does not send them.
        if !name.ends_with(".map") && name != "README.md" {
            files.push((name, entry.metadata()?.len()));
        }
    }
    files.sort();
    for (name, bytes) in files {
        println!("  {what:6}  {bytes:>10}  {name}");
    }
    Ok(())
}
