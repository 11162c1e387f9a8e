//! Feeds damaged inputs to every reader: request bodies, streams, bundles, data files, recipes.
//!
//! Under `cargo test` each target runs a fixed number of cases from a fixed seed. `cargo xtask fuzz` runs
//! longer, from a random seed. A target is a corpus of sound inputs, a way to damage them, and a check:
//! that the reader gives a value or an error with a stable code and a bounded message, never a panic,
//! that what was read survives being written, and that memory stays in proportion to the input.
//!
//! ```text
//! cargo xtask fuzz                                  every target, a minute each
//! cargo xtask fuzz --target model --minutes 30
//! cargo xtask fuzz --target model --input FILE      one stored input again
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod allocations;
mod mutation;
mod run;
mod supervise;
mod targets;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use run::{End, Plan};
use targets::{TARGETS, Target};

#[global_allocator]
static ALLOCATOR: allocations::Counting = allocations::Counting;

/// The seed of `cargo test`.
const SEED: u64 = 20_261_128;

#[derive(Debug, Default)]
struct Args {
    /// Parts of targets' names; none for all.
    targets: Vec<String>,
    cases: Option<u64>,
    minutes: Option<f64>,
    seed: Option<u64>,
    /// An input to check instead of a run.
    input: Option<PathBuf>,
    /// Folder for inputs with a fault.
    faults: Option<PathBuf>,
    /// In a supervised process, the place of the input under check.
    in_process: Option<PathBuf>,
}

impl Args {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let mut args = Self::default();
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} lacks its value"));
            match word.as_str() {
                "--target" => args.targets.push(value()?),
                "--cases" => args.cases = Some(value()?.parse().context("--cases: not a number")?),
                "--minutes" => {
                    args.minutes = Some(value()?.parse().context("--minutes: not a number")?);
                }
                "--seed" => args.seed = Some(value()?.parse().context("--seed: not a number")?),
                "--input" => args.input = Some(value()?.into()),
                "--faults" => args.faults = Some(value()?.into()),
                "--in-process" => args.in_process = Some(value()?.into()),
                // Arguments of Rust's own test harness, which `cargo test` passes to every binary.
                flag if flag.starts_with('-') => {}
                filter => args.targets.push(filter.to_owned()),
            }
        }
        Ok(args)
    }
}

fn main() -> ExitCode {
    match Args::parse(std::env::args().skip(1)).and_then(|args| start(&args)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn start(args: &Args) -> Result<bool> {
    let chosen: Vec<&Target> = TARGETS
        .iter()
        .copied()
        .filter(|target| {
            args.targets.is_empty()
                || args.targets.iter().any(|name| target.name.contains(name.as_str()))
        })
        .collect();
    let exact = |target: &&&Target| args.targets.iter().any(|name| name == target.name);
    if let Some(path) = &args.input {
        let [target] = chosen.iter().filter(exact).collect::<Vec<_>>()[..] else {
            bail!("--input needs one --target: its whole name");
        };
        let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
        run::record_panics();
        let (said, peak) = run::check(target, &bytes);
        println!("{}: {said:?}, {peak} bytes held", target.name);
        return Ok(said.is_ok());
    }
    let faults = args.faults.clone().unwrap_or_else(|| std::env::temp_dir().join("pointsman-fuzz"));
    std::fs::create_dir_all(&faults).with_context(|| faults.display().to_string())?;
    if let Some(current) = &args.in_process {
        let [target] = chosen.iter().filter(exact).collect::<Vec<_>>()[..] else {
            bail!("--in-process needs one --target: its whole name");
        };
        run::record_panics();
        let cases = args.cases.unwrap_or(target.cases);
        let end = match args.minutes {
            Some(minutes) => End::After(Duration::from_secs_f64(minutes * 60.0)),
            None => End::Cases(cases),
        };
        let plan = Plan { seed: args.seed.unwrap_or(SEED), end, current, faults: &faults };
        return one(target, &plan);
    }
    if chosen.is_empty() {
        // Another binary's test was asked for.
        println!("test result: ok. 0 passed; 0 failed; {} filtered out", TARGETS.len());
        return Ok(true);
    }
    all(args, &chosen, &faults)
}

/// Runs one target here.
fn one(target: &Target, plan: &Plan<'_>) -> Result<bool> {
    let beginning = Instant::now();
    let report = run::run(target, plan)?;
    let time = beginning.elapsed().as_secs_f64();
    println!(
        "{}: {} of {} sound inputs accepted; seed {}, {} cases in {time:.0} s ({:.0} a second), {} % \
         accepted, {} kept, at most {} KiB held, slowest {:.0} ms, {} faults",
        target.name,
        report.corpus.1,
        report.corpus.0,
        plan.seed,
        report.cases,
        report.cases as f64 / time,
        100 * report.accepted / report.cases.max(1),
        report.kept,
        report.peak >> 10,
        report.slowest.as_secs_f64() * 1e3,
        report.faults.len()
    );
    // A corpus that the reader no longer accepts tests nothing but its first check.
    Ok(report.faults.is_empty() && 2 * report.corpus.1 >= report.corpus.0)
}

/// Runs targets beside one another, a process each.
fn all(args: &Args, chosen: &[&Target], faults: &std::path::Path) -> Result<bool> {
    let beginning = Instant::now();
    let folder = tempfile::tempdir()?;
    let mut passed_on = vec!["--faults".to_owned(), faults.display().to_string()];
    for (flag, value) in [
        ("--cases", args.cases.map(|value| value.to_string())),
        ("--minutes", args.minutes.map(|value| value.to_string())),
        ("--seed", args.seed.map(|value| value.to_string())),
    ] {
        passed_on.extend(value.into_iter().flat_map(|value| [flag.to_owned(), value]));
    }
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let lanes = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..lanes.min(chosen.len()) {
            scope.spawn(|| {
                while let Some(target) = chosen.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let sound = supervise::run(target, &passed_on, folder.path(), faults);
                    let sound = sound.unwrap_or_else(|error| {
                        eprintln!("{}: {error}", target.name);
                        false
                    });
                    if !sound {
                        failed.lock().unwrap().push(target.name);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    for target in chosen {
        let said = if failed.contains(&target.name) { "FAILED" } else { "ok" };
        println!("test {} ... {said}", target.name);
    }
    println!(
        "test result: {}. {} passed; {} failed; 0 ignored; 0 measured; {} filtered out; finished in {:.2}s",
        if failed.is_empty() { "ok" } else { "FAILED" },
        chosen.len() - failed.len(),
        failed.len(),
        TARGETS.len() - chosen.len(),
        beginning.elapsed().as_secs_f64()
    );
    Ok(failed.is_empty())
}
