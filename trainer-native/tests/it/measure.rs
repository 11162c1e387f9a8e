//! Figures of `trainer collect` for docs/TRAINER.md: answers a minute, memory and time with a store of a million
//! answers. From the folder `trainer-native`, in the release profile:
//!
//! ```sh
//! cargo test --release --workspace --test it -- --ignored --nocapture --test-threads 1 measure
//! ```
#![cfg(target_os = "linux")]

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;

use crate::stand_in::{Reply, StandIn};

struct Run {
    time: Duration,
    /// The most memory that the process had, in bytes.
    peak: u64,
}

fn collect(folder: &Path, server: &StandIn, threads: usize) -> Run {
    let url = server.url();
    let models = format!(
        "[[models]]\nid = \"m\"\napi = \"openai\"\nendpoint = {url:?}\nmax_tokens = 10\nconcurrency = {threads}\n"
    );
    std::fs::write(folder.join("models.toml"), models).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_trainer"));
    command.arg("collect").arg("--yes").arg("--prompts").arg(folder.join("prompts.jsonl"));
    command.arg("--models").arg(folder.join("models.toml")).arg("--out").arg(folder.join("out"));
    let start = Instant::now();
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let mut peak = 0;
    let status = loop {
        peak = peak_of(&child).unwrap_or(peak);
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    assert!(status.success());
    Run { time: start.elapsed(), peak }
}

/// The kernel's record of the largest resident set, while the process runs.
fn peak_of(child: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kilobytes * 1024)
}

fn write_questions(folder: &Path, count: usize) {
    let file = std::fs::File::create(folder.join("prompts.jsonl")).unwrap();
    let mut file = std::io::BufWriter::new(file);
    for number in 0..count {
        writeln!(file, "{}", json!({"query": format!("Question {number}?")})).unwrap();
    }
}

#[test]
#[ignore = "a measurement"]
fn measure_answers_a_minute() {
    let server = StandIn::start(|_| {
        std::thread::sleep(Duration::from_millis(50));
        Reply::openai("A short answer.", 10, 10)
    });
    let folder = TempDir::new().unwrap();
    let count = 6000;
    write_questions(folder.path(), count);
    let run = collect(folder.path(), &server, 16);
    let a_minute = count as f64 / run.time.as_secs_f64() * 60.0;
    println!("upstream of 50 ms, 16 threads: {a_minute:.0} answers a minute (at most 19200)");
}

#[test]
#[ignore = "a measurement"]
fn measure_a_store_of_a_million_answers() {
    let server = StandIn::start(|seen| Reply::openai(seen.query(), 10, 10));
    let folder = TempDir::new().unwrap();
    let mut before = 0;
    for count in [1, 1_000_000] {
        write_questions(folder.path(), count);
        let first = collect(folder.path(), &server, 16);
        let again = collect(folder.path(), &server, 16);
        let size =
            std::fs::metadata(folder.path().join("out/completions/completions.log")).unwrap();
        println!(
            "{count} answers: asked in {:.1} s, peak {:.1} MB; opened, looked up and written again in {:.1} s, \
             peak {:.1} MB; {:.0} MB on disk",
            first.time.as_secs_f64(),
            first.peak as f64 / 1e6,
            again.time.as_secs_f64(),
            again.peak as f64 / 1e6,
            size.len() as f64 / 1e6
        );
        if count > 1 {
            println!("{:.0} bytes an answer", (again.peak - before) as f64 / count as f64);
        }
        before = again.peak;
    }
}
