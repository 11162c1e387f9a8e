//! Runs one target's cases in this process.
//!
//! Each case damages an input that was kept before and checks it. What a check says, without its
//! numbers and quotations, is the case's *signature*: an input with a new one is kept and damaged
//! further, so that a run goes deeper than its corpus where no compiler's instrumentation is at hand.
//! The input is stored before its check, so that one that ends the process is not lost.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::FileExt;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng, seq::IndexedRandom};

use crate::allocations;
use crate::mutation::Rng;
use crate::targets::Target;

/// Most inputs kept beside the corpus.
const MOST_KEPT: usize = 3000;
/// Most faults stored in a run.
const MOST_FAULTS: usize = 12;
/// Bytes that a case may hold, beside those for each byte of its input.
const BASE_BYTES: usize = 24 << 20;

/// When a run ends.
#[derive(Debug, Clone, Copy)]
pub enum End {
    Cases(u64),
    After(Duration),
}

/// A run of one target.
#[derive(Debug)]
pub struct Plan<'a> {
    pub seed: u64,
    pub end: End,
    /// Where the input under check is stored: its number, its length, its bytes.
    pub current: &'a Path,
    /// Where inputs with a fault are stored.
    pub faults: &'a Path,
}

/// What a run found.
#[derive(Debug, Default)]
pub struct Report {
    pub cases: u64,
    pub kept: usize,
    pub accepted: u64,
    /// Inputs of the corpus, and how many of them were accepted.
    pub corpus: (usize, usize),
    pub peak: usize,
    pub slowest: Duration,
    pub faults: Vec<(PathBuf, String)>,
}

static PANIC: Mutex<Option<String>> = Mutex::new(None);

/// Records panics, those that a library's caller contains among them: where panics abort, as in wasm,
/// none is contained.
pub fn record_panics() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let text = info.payload_as_str().unwrap_or("no text");
        let found = format!("a panic at {place}: {text}");
        PANIC.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(found);
    }));
}

/// Checks one input; what the check said, or the fault.
pub fn check(target: &Target, input: &[u8]) -> (Result<String, String>, usize) {
    PANIC.lock().unwrap_or_else(PoisonError::into_inner).take();
    allocations::reset();
    let said = panic::catch_unwind(AssertUnwindSafe(|| (target.check)(input)));
    let peak = allocations::peak();
    if let Some(panic) = PANIC.lock().unwrap_or_else(PoisonError::into_inner).take() {
        return (Err(panic), peak);
    }
    let said = said.unwrap_or_else(|_| Err("a panic without a record".to_owned()));
    let limit = BASE_BYTES + target.bytes_held * input.len();
    match said {
        Ok(_) if peak > limit => {
            let length = input.len();
            (
                Err(format!("held {peak} bytes for {length} bytes of input, the limit is {limit}")),
                peak,
            )
        }
        said => (said, peak),
    }
}

/// Runs the target's stored faults, its corpus, and then damaged inputs until the plan's end.
pub fn run(target: &Target, plan: &Plan<'_>) -> io::Result<Report> {
    let current = File::create(plan.current)?;
    let mut report = Report::default();
    let mut signatures = BTreeSet::new();
    let mut seen_faults = BTreeSet::new();
    let corpus = (target.corpus)();
    let mut kept: Vec<Vec<u8>> = corpus.clone();
    let mut sound = corpus.clone();
    let mut first: Vec<Vec<u8>> = stored(target)?;
    let (begin, end) = (first.len() as u64, (first.len() + corpus.len()) as u64);
    report.corpus.0 = corpus.len();
    first.extend(corpus);
    first.reverse();
    let mut rng = Rng::seed_from_u64(plan.seed);
    let (beginning, mut told) = (Instant::now(), Instant::now());
    let replayed = first.len() as u64;
    loop {
        let over = match plan.end {
            End::Cases(cases) => report.cases >= cases + replayed,
            End::After(time) => beginning.elapsed() >= time && first.is_empty(),
        };
        if over || report.faults.len() == MOST_FAULTS {
            break;
        }
        let input = match first.pop() {
            Some(input) => input,
            // Half of the inputs are one damage away from an accepted one.
            None if rng.random() => damaged(target, &mut rng, &sound, &kept),
            None => damaged(target, &mut rng, &kept, &sound),
        };
        report.cases += 1;
        let head = [report.cases.to_le_bytes(), (input.len() as u64).to_le_bytes()].concat();
        current.write_all_at(&[&head, &input[..]].concat(), 0)?;
        let start = Instant::now();
        let (said, peak) = check(target, &input);
        report.slowest = report.slowest.max(start.elapsed());
        report.peak = report.peak.max(peak);
        match said {
            Ok(said) => {
                let accepted = said.starts_with("ok");
                report.accepted += u64::from(accepted);
                report.corpus.1 +=
                    usize::from(accepted && (begin..end).contains(&(report.cases - 1)));
                if accepted && sound.len() < MOST_KEPT && rng.random_ratio(1, 8) {
                    sound.push(input.clone());
                }
                if kept.len() < MOST_KEPT && signatures.insert(signature(&said)) {
                    kept.push(input);
                }
            }
            Err(fault) => {
                if seen_faults.insert(signature(&fault)) {
                    let small = smaller(target, input, &signature(&fault));
                    let name = format!("{}-{:016x}", target.name, hash(&small));
                    let path = plan.faults.join(name);
                    fs::write(&path, &small)?;
                    println!("{}: FAULT {fault}\n    input: {}", target.name, path.display());
                    report.faults.push((path, fault));
                }
            }
        }
        if told.elapsed() > Duration::from_secs(15) && matches!(plan.end, End::After(_)) {
            told = Instant::now();
            let (time, cases) = (beginning.elapsed().as_secs_f64(), report.cases);
            let rate = cases as f64 / time;
            let left = match plan.end {
                End::After(end) => end.as_secs_f64() - time,
                End::Cases(all) => all.saturating_sub(cases) as f64 / rate,
            };
            let name = target.name;
            println!(
                "{name}: {cases} cases, {rate:.0} a second, {left:.0} s left, {} kept",
                kept.len()
            );
        }
    }
    report.kept = kept.len();
    Ok(report)
}

fn damaged(target: &Target, rng: &mut Rng, from: &[Vec<u8>], with: &[Vec<u8>]) -> Vec<u8> {
    let empty = Vec::new();
    let input = from.choose(rng).unwrap_or(&empty);
    let other = with.choose(rng).unwrap_or(&empty);
    let strategy = target.strategies[rng.random_range(0..target.strategies.len())];
    strategy.apply(rng, input, other, target.head)
}

/// The inputs of earlier faults, in `tests/fixtures/fuzz/`.
fn stored(target: &Target) -> io::Result<Vec<Vec<u8>>> {
    let folder = pointsman_tests::tiny::fixtures().join("fuzz").join(target.name);
    let mut files = match fs::read_dir(&folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    files.sort();
    files.into_iter().map(fs::read).collect()
}

/// What is said without its numbers and quotations, and not to its end.
fn signature(said: &str) -> String {
    let mut found = String::new();
    let mut quoted = false;
    for letter in said.chars() {
        match letter {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '0'..='9' => {
                if !found.ends_with('0') {
                    found.push('0');
                }
            }
            _ => found.push(letter),
        }
        if found.len() > 160 {
            break;
        }
    }
    found
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// A shorter input with the same fault: without its second half, its quarters, and so on.
fn smaller(target: &Target, mut input: Vec<u8>, fault: &str) -> Vec<u8> {
    let until = Instant::now() + Duration::from_secs(5);
    let mut size = input.len() / 2;
    while size > 0 && Instant::now() < until {
        let mut at = target.head;
        while at < input.len() && Instant::now() < until {
            let mut cut = input.clone();
            cut.drain(at..(at + size).min(input.len()));
            match check(target, &cut).0 {
                Err(found) if signature(&found) == fault => input = cut,
                _ => at += size,
            }
        }
        size /= 2;
    }
    input
}
