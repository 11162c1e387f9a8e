//! `cargo xtask`: one command for each task of a contributor.
//!
//! Every command first installs the tools that it needs (see [`setup`]), so a fresh clone needs only
//! rustup's Rust and a C linker. Large build outputs go to a cache folder outside the clone (see
//! [`cache`]).
//!
//! ```text
//! cargo xtask demo --once          # build, route three example queries through the Worker, exit
//! cargo xtask test --only rust     # one suite
//! cargo xtask deploy --dry-run     # list the files that `wrangler deploy` would send
//! cargo xtask train --data DIR     # train, export, verify, evaluate the default recipe
//! ```

mod bench;
mod bundle_archive;
mod cache;
mod counts;
mod demo;
mod deploy;
mod dist;
mod edge_build;
mod edge_link;
mod fuzz;
mod lint;
mod native_build;
mod page_build;
mod process;
mod results;
mod setup;
mod test_suite;
mod train;
mod workspace;

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Build, try, test and package Pointsman")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what the other commands need, and report each step
    Setup {
        /// The commands to prepare for
        #[arg(value_enum, default_value = "demo")]
        purpose: setup::Purpose,
    },
    /// Build the engine and the Worker for wasm, and the demo page
    Build,
    /// Start the Worker, the page and a stand-in upstream, and route three example queries
    Demo(demo::Args),
    /// Deploy the Worker to Cloudflare, or with --dry-run only build and list its files
    Deploy(deploy::Args),
    /// Train, export, verify and evaluate a recipe; run again to resume
    Train(train::Args),
    /// Run every test suite and print the total
    Test(test_suite::Args),
    /// Feed damaged inputs to every reader, for minutes or for a number of cases
    Fuzz(fuzz::Args),
    /// Check formatting, clippy, rustdoc, JavaScript and dependencies
    Lint,
    /// Measure the engine, the Worker and the page beside other implementations
    Bench {
        /// The benchmark
        #[command(subcommand)]
        bench: bench::Bench,
    },
    /// Write docs/RESULTS.md from the stored results and benchmark runs
    Results(results::Args),
    /// Write the files of a release to dist/
    Dist,
}

fn main() -> ExitCode {
    if let Some(code) = edge_link::part() {
        return code;
    }
    let outcome = process::watch_for_interrupts()
        .and_then(|()| Workspace::locate())
        .and_then(|workspace| run(&workspace, Cli::parse().command));
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(_) if process::interrupted() => {
            eprintln!("interrupted; run the same command again to continue");
            ExitCode::from(process::INTERRUPTED)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(workspace: &Workspace, command: Command) -> anyhow::Result<u8> {
    match command {
        Command::Setup { purpose } => setup::prepare(workspace, purpose).map(|()| 0),
        Command::Build => {
            let node = edge_build::build(workspace)?;
            page_build::build(workspace, &node).map(|()| 0)
        }
        Command::Demo(args) => demo::run(workspace, &args),
        Command::Deploy(args) => deploy::run(workspace, &args),
        Command::Train(args) => train::run(workspace, &args),
        Command::Test(args) => test_suite::run(workspace, &args),
        Command::Fuzz(args) => fuzz::run(workspace, &args),
        Command::Lint => lint::run(workspace).map(|()| 0),
        Command::Bench { bench } => bench::run(workspace, &bench),
        Command::Results(args) => results::run(workspace, &args),
        Command::Dist => dist::run(workspace).map(|()| 0),
    }
}
