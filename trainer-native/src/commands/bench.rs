//! `trainer bench`: measures training throughput on a device, beside PyTorch doing the same steps.
//!
//! Rounds of both alternate in one run, so that other load on the machine affects both; medians and
//! their ratio are printed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result};
use clap::Args;
use pointsman_trainer::device::{self, ChosenDevice, DeviceChoice};
use pointsman_trainer::throughput::{self, ClassifierShape, MfShape};
use serde::{Deserialize, Serialize};

/// The same training steps in PyTorch; the script prints one JSON line.
const PYTORCH: &str = include_str!("bench_pytorch.py");

#[derive(Args)]
pub struct BenchArgs {
    /// Device to train on.
    #[arg(long, value_enum, default_value_t = DeviceChoice::Auto)]
    device: DeviceChoice,
    /// Python to run PyTorch with; without PyTorch in it only this trainer is measured.
    #[arg(long, default_value = "python3")]
    python: PathBuf,
    /// Rounds of each side.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Transformer layers of the classifier.
    #[arg(long, default_value_t = 2)]
    layers: usize,
    /// File to write the figures to, as JSON.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// One round of one side.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Round {
    /// Matrix factorisation, queries a second.
    mf: f64,
    /// Fine-tuning of a classifier, tokens a second.
    classifier: f64,
}

/// A figure of a round.
type Figure = fn(&Round) -> f64;

#[derive(Serialize)]
struct Figures {
    device: String,
    threads: usize,
    mf: MfShape,
    classifier: ClassifierShape,
    ours: Vec<Round>,
    pytorch: Vec<Round>,
}

pub fn run(args: &BenchArgs) -> Result<()> {
    let chosen_device = device::open(args.device)?;
    let (mf, classifier) = (MfShape::default(), ClassifierShape::with_layers(args.layers));
    let torch = has_pytorch(&args.python);
    if !torch {
        eprintln!(
            "{} has no PyTorch (python3 -m pip install torch): measuring this trainer alone",
            args.python.display()
        );
    }
    let mut figures = Figures {
        device: chosen_device.description.clone(),
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        mf,
        classifier,
        ours: Vec::new(),
        pytorch: Vec::new(),
    };
    for round in 1..=args.rounds.max(1) {
        eprintln!("round {round} of {}", args.rounds.max(1));
        figures.ours.push(ours(&chosen_device, mf, classifier)?);
        if torch {
            figures.pytorch.push(pytorch(&args.python, mf, classifier)?);
        }
    }
    println!("| training step | ours, {} | PyTorch, CPU | ours / PyTorch |", figures.device);
    println!("| --- | ---: | ---: | ---: |");
    let rows: [(&str, Figure); 2] = [
        ("matrix factorisation, queries/s", |r| r.mf),
        ("classifier fine-tuning, tokens/s", |r| r.classifier),
    ];
    for (name, value) in rows {
        let own = median(figures.ours.iter().map(value));
        let other =
            (!figures.pytorch.is_empty()).then(|| median(figures.pytorch.iter().map(value)));
        let shown = |value: Option<f64>| value.map_or("not measured".into(), |v| format!("{v:.0}"));
        let ratio = other.map_or("not measured".into(), |other| format!("{:.2}", own / other));
        println!("| {name} | {} | {} | {ratio} |", shown(Some(own)), shown(other));
    }
    if let Some(path) = &args.out {
        super::write(path, serde_json::to_string_pretty(&figures)? + "\n")?;
    }
    Ok(())
}

fn ours(chosen_device: &ChosenDevice, mf: MfShape, classifier: ClassifierShape) -> Result<Round> {
    let stop = AtomicBool::new(false);
    let folder = std::env::temp_dir().join(format!("pointsman-bench-{}", std::process::id()));
    let measured = measure(chosen_device, mf, classifier, &folder, &stop);
    // The scratch folder is removed, whether the measurement succeeded or not.
    let _ = std::fs::remove_dir_all(&folder);
    measured
}

fn measure(
    chosen_device: &ChosenDevice,
    mf: MfShape,
    classifier: ClassifierShape,
    folder: &Path,
    stop: &AtomicBool,
) -> Result<Round> {
    Ok(Round {
        mf: throughput::mf(mf, &chosen_device.device, &folder.join("mf"), stop)?,
        classifier: throughput::classifier(
            classifier,
            &chosen_device.device,
            &folder.join("bert"),
            stop,
        )?,
    })
}

fn has_pytorch(python: &Path) -> bool {
    let found = Command::new(python).args(["-c", "import torch"]).output();
    found.is_ok_and(|output| output.status.success())
}

fn pytorch(python: &Path, mf: MfShape, classifier: ClassifierShape) -> Result<Round> {
    let shapes = serde_json::json!({"mf": mf, "classifier": classifier}).to_string();
    let output = Command::new(python).args(["-c", PYTORCH, &shapes]).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let fault = String::from_utf8_lossy(&output.stderr);
    let line = text.lines().last().unwrap_or_default();
    serde_json::from_str(line).with_context(|| format!("PyTorch answered {line:?}: {fault}"))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        n if n.is_multiple_of(2) => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
        n => sorted[n / 2],
    }
}
