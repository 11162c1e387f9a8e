//! The engine in a process of its own, for the bench to take turns with:
//! `bench-native BUNDLE TEXTS.json`.
//!
//! It reads the bundle's files and the texts, a JSON array, and says `{"load": ns, "resident": B}`.
//! Then each line on standard input is the number of a text, which it routes, and each answer is
//! `{"route": ns, "resident": B}`. `resident` is the process's memory where the system tells it.

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
            .with_context(|| format!("{line:?} is the number of no text"))?;
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
