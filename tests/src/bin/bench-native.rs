//! Runs the engine in its own process, for the benchmark, which alternates between engines:
//! `bench-native BUNDLE TEXTS.json`.
//!
//! It reads the bundle's files and the texts, a JSON array, and prints `{"load": ns, "resident": B}`. Then
//! it reads the index of a text from each line of standard input, routes the text, and prints
//! `{"route": ns, "resident": B}`. `resident` is the process's memory in bytes, null if unknown.

use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use pointsman::{Policy, Query, Router};
use pointsman_trainer::export::bundle::read_files;
use serde_json::json;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [bundle, texts] = words.as_slice() else {
        bail!("usage: bench-native BUNDLE TEXTS.json");
    };
    let texts: Vec<String> = serde_json::from_slice(&std::fs::read(texts)?)?;
    let files = read_files(Path::new(bundle))?;
    let before = resident();
    let start = Instant::now();
    let router = Router::from_files(&files)?;
    let load = nanoseconds(start);
    say(&json!({"load": load, "before": before, "resident": resident()}))?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let text = line
            .trim()
            .parse::<usize>()
            .ok()
            .and_then(|number| texts.get(number))
            .with_context(|| format!("{line:?} is not the index of a text"))?;
        let start = Instant::now();
        let decision = router.route(&Query::new(text.as_str())?, &Policy::default())?;
        let route = nanoseconds(start);
        say(&json!({"route": route, "tokens": decision.tokens, "resident": resident()}))?;
    }
    Ok(())
}

fn nanoseconds(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

fn say(line: &serde_json::Value) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// Bytes of this process in memory; `None` where the system has no `/proc`.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
