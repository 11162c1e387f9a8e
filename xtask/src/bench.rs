//! `cargo xtask bench`: the engine beside ONNX Runtime, the Worker beside Portkey, the page and the package beside
//! transformers.js, and the pages of stored runs.
//!
//! ```text
//! cargo xtask bench edge                            # every host and bundle, printed
//! cargo xtask bench edge --hosts node --bundles static
//! cargo xtask bench edge --save                     # stored too, in bench/runs/<date>-<machine>
//! cargo xtask bench report                          # write the pages of every stored run
//! cargo xtask bench report --check                  # only compare them
//! ```

use crate::cache::replace_folder;
use crate::{edge_build, native_build, page_build, process, setup, workspace::Workspace};
use anyhow::Result;
use std::path::{Path, PathBuf};

const REPORT: &str = "bench/report.mjs";
const EDGE: &str = "bench/edge.mjs";
const GATEWAY: &str = "bench/gateway.mjs";
const PAGE: &str = "bench/page.mjs";
/// The scripts' flag that stores what was measured.
const SAVE: &str = "--save";
const BUNDLES: &str = "bench-bundles";
const NATIVE: &str = "bench-native";

/// The benchmark.
#[derive(clap::Subcommand)]
pub enum Bench {
    /// Measure the engine and ONNX Runtime, alternating
    Edge(EdgeArgs),
    /// Measure the time that the Worker adds to a call, beside Portkey's gateway
    Gateway(GatewayArgs),
    /// Measure visits of the demo page, and the package beside transformers.js, in Chromium
    Page(PageArgs),
    /// Write the pages of every run in bench/runs from the JSON in it
    Report {
        /// Only check that they are what the JSON says
        #[arg(long)]
        check: bool,
    },
}

/// A host to measure.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Host {
    Node,
    /// Node, with the module for hosts without relaxed-simd
    NodeSimd128,
    Workerd,
    Chromium,
    Native,
}

impl Host {
    fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::NodeSimd128 => "node-simd128",
            Self::Workerd => "workerd",
            Self::Chromium => "chromium",
            Self::Native => "native",
        }
    }
}

/// Arguments of `cargo xtask bench edge`.
#[derive(clap::Args)]
pub struct EdgeArgs {
    /// The hosts to measure
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "node,node-simd128,workerd,chromium,native"
    )]
    hosts: Vec<Host>,
    /// The bundles: static, mini, minilm-l6, minilm-l6-float or folders; by default those four
    #[arg(long, value_name = "NAMES")]
    bundles: Option<String>,
    /// Rounds of each length at most
    #[arg(long, default_value_t = 200)]
    rounds: u32,
    /// Seconds after which a length gets no further round, but for the first ten
    #[arg(long, default_value_t = 12)]
    seconds: u32,
    /// The number of starts of each engine
    #[arg(long, default_value_t = 5)]
    cold_runs: u32,
    /// Store the report in bench/runs/DATE-MACHINE
    #[arg(long)]
    save: bool,
}

/// Arguments of `cargo xtask bench gateway`.
#[derive(clap::Args)]
pub struct GatewayArgs {
    /// The most rounds of each kind of call
    #[arg(long, default_value_t = 400)]
    rounds: u32,
    /// Seconds after which no round begins, except for the first ten
    #[arg(long, default_value_t = 20)]
    seconds: u32,
    /// A clone of an earlier revision, built, whose Worker takes part as "before"
    #[arg(long, value_name = "CLONE")]
    before: Option<PathBuf>,
    /// Store the report in bench/runs/DATE-MACHINE
    #[arg(long)]
    save: bool,
}

/// Arguments of `cargo xtask bench page`.
#[derive(clap::Args)]
pub struct PageArgs {
    /// The number of visits of each device, and of first decisions of each engine
    #[arg(long, default_value_t = 9)]
    runs: u32,
    /// The bundles with which the package is measured
    #[arg(long, value_name = "NAMES", default_value = "static,mini")]
    bundles: String,
    /// Rounds of each length at most
    #[arg(long, default_value_t = 200)]
    rounds: u32,
    /// Seconds after which a length gets no further round, but for the first ten
    #[arg(long, default_value_t = 6)]
    seconds: u32,
    /// Store the report in bench/runs/DATE-MACHINE
    #[arg(long)]
    save: bool,
}

/// Runs the benchmark and returns the script's exit code.
pub fn run(workspace: &Workspace, bench: &Bench) -> Result<u8> {
    match bench {
        Bench::Edge(args) => edge(workspace, args),
        Bench::Gateway(args) => gateway(workspace, args),
        Bench::Page(args) => page(workspace, args),
        Bench::Report { check } => report(workspace, *check),
    }
}

/// Writes the pages of every stored run, or only checks them.
pub fn report(workspace: &Workspace, check: bool) -> Result<u8> {
    let node = setup::for_javascript(workspace)?;
    let mut script = node.command(workspace);
    script.arg(REPORT);
    if check {
        script.arg("--check");
    }
    Ok(process::exit_code(process::status(&mut script)?))
}

/// The programs and bundles that a benchmark needs.
struct Made {
    node: setup::Node,
    /// The folder of the programs.
    programs: PathBuf,
    /// The folder of the bundles.
    bundles: PathBuf,
}

/// Installs and builds the programs and bundles that the benchmarks need.
fn make(workspace: &Workspace) -> Result<Made> {
    let node = edge_build::build(workspace)?;
    setup::for_bench(workspace, &node)?;
    let encoder = setup::for_training(workspace, setup::Encoder::MiniLm)?;
    let programs = build_programs(workspace)?;
    let bundles = make_bundles(workspace, &programs.join(BUNDLES), &encoder)?;
    Ok(Made { node, programs, bundles })
}

fn gateway(workspace: &Workspace, args: &GatewayArgs) -> Result<u8> {
    let Made { node, bundles, .. } = make(workspace)?;
    let mut script = node.command(workspace);
    script.arg(GATEWAY).arg("--mini").arg(bundles.join("mini/bundle"));
    script.args(["--rounds", &args.rounds.to_string(), "--seconds", &args.seconds.to_string()]);
    if let Some(before) = &args.before {
        script.arg("--before").arg(before);
    }
    if args.save {
        script.arg(SAVE);
    }
    Ok(process::exit_code(process::status(&mut script)?))
}

fn page(workspace: &Workspace, args: &PageArgs) -> Result<u8> {
    let chromium = setup::for_browser()?;
    let Made { node, bundles, .. } = make(workspace)?;
    page_build::build(workspace, &node)?;
    let mut script = node.command(workspace);
    script.arg(PAGE).arg("--made").arg(bundles).args(["--bundles", &args.bundles]);
    script.args(["--runs", &args.runs.to_string(), "--rounds", &args.rounds.to_string()]);
    script.args(["--seconds", &args.seconds.to_string()]);
    if args.save {
        script.arg(SAVE);
    }
    script.env("CHROMIUM", chromium);
    Ok(process::exit_code(process::status(&mut script)?))
}

fn edge(workspace: &Workspace, args: &EdgeArgs) -> Result<u8> {
    let Made { node, programs, bundles } = make(workspace)?;
    let hosts: Vec<&str> = args.hosts.iter().map(|host| host.name()).collect();
    let mut script = node.command(workspace);
    script.arg(EDGE).arg("--made").arg(bundles);
    script.arg("--native").arg(programs.join(NATIVE));
    script.args(["--hosts", &hosts.join(",")]);
    script.args(["--rounds", &args.rounds.to_string(), "--seconds", &args.seconds.to_string()]);
    script.args(["--cold-runs", &args.cold_runs.to_string()]);
    if let Some(bundles) = &args.bundles {
        script.args(["--bundles", bundles]);
    }
    if args.save {
        script.arg(SAVE);
    }
    if args.hosts.contains(&Host::Chromium) {
        script.env("CHROMIUM", setup::for_browser()?);
    }
    Ok(process::exit_code(process::status(&mut script)?))
}

/// Builds the programs that make the bundles and run the engine natively; returns their folder.
fn build_programs(workspace: &Workspace) -> Result<PathBuf> {
    let target = native_build::target_dir(workspace)?;
    eprintln!(
        "build: the native side in {} (from empty: half an hour or more)",
        target.path.display()
    );
    // The whole workspace's features, as for the tests, so that dependencies are compiled once.
    let mut cargo = native_build::cargo(workspace, "build", &target);
    process::run(cargo.args(["--workspace", "--bin", BUNDLES, "--bin", NATIVE]))?;
    Ok(target.path.join(native_build::PROFILE))
}

/// Makes the bundles to measure in the cache, each time anew, since they depend on the exporter.
fn make_bundles(workspace: &Workspace, program: &Path, encoder: &Path) -> Result<PathBuf> {
    let place = workspace.cache.bench_bundles();
    let scratch = workspace.cache.fresh_scratch("bench-bundles")?;
    let mut command = std::process::Command::new(program);
    process::run(command.arg("--encoder").arg(encoder).arg("--out").arg(&scratch))?;
    replace_folder(&scratch, &place)?;
    Ok(place)
}
