//! Figures of `trainer collect` and `trainer judge` for docs/TRAINER.md: answers and labels a minute, memory and time with
//! a million answers. From the folder `trainer-native`, in the release profile:
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

/// Writes `models.toml` for LLMs of these names at a server.
fn write_models(folder: &Path, server: &StandIn, models: &[&str], threads: usize) {
    let url = server.url();
    let entry = |id: &&str| {
        format!(
            "[[models]]\nid = {id:?}\napi = \"openai\"\nendpoint = {url:?}\nmax_tokens = 10\nconcurrency = {threads}\n"
        )
    };
    let entries: String = models.iter().map(entry).collect();
    let judge = if models.contains(&"judge") { "judge = \"judge\"\n" } else { "" };
    std::fs::write(folder.join("models.toml"), format!("{judge}{entries}")).unwrap();
}

/// Asks the LLMs of `models.toml`, but the judge, what `prompts.jsonl` holds.
fn collect(folder: &Path) -> Run {
    let mut command = trainer("collect", folder, true);
    command.arg("--prompts").arg(folder.join("prompts.jsonl")).arg("--out").arg(folder.join("out"));
    run(command)
}

fn judge(folder: &Path, by: &[&str]) -> Run {
    let mut command = trainer("judge", folder, !by.contains(&"--gold"));
    command.arg(folder.join("out/answers.jsonl")).args(by).arg("--out").arg(folder.join("judged"));
    run(command)
}

fn trainer(name: &str, folder: &Path, with_models: bool) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trainer"));
    command.arg(name);
    if with_models {
        command.arg("--yes").arg("--models").arg(folder.join("models.toml"));
    }
    command
}

fn run(mut command: Command) -> Run {
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
        writeln!(
            file,
            "{}",
            json!({"query": format!("Question {number}?"), "gold": {"numeric": number}})
        )
        .unwrap();
    }
}

#[test]
#[ignore = "a measurement"]
fn measure_answers_and_labels_a_minute() {
    let server = StandIn::start(|seen| {
        std::thread::sleep(Duration::from_millis(50));
        let text = match seen.body["model"].as_str() {
            Some("judge") => "Verdict: A".to_owned(),
            // Equal answers tie without a call of the judge.
            model => format!("{} of {model:?}", seen.query()),
        };
        Reply::openai(&text, 10, 10)
    });
    let folder = TempDir::new().unwrap();
    let prompts = 3000;
    write_questions(folder.path(), prompts);
    write_models(folder.path(), &server, &["large", "small", "judge"], 16);
    let a_minute = |requests: usize, run: &Run| requests as f64 / run.time.as_secs_f64() * 60.0;
    let collected = collect(folder.path());
    let asked = server.count();
    println!(
        "upstream of 50 ms, two LLMs with 16 requests in flight each: {:.0} answers a minute (at most 38400)",
        a_minute(asked, &collected)
    );
    let judged = judge(folder.path(), &["--judge", "judge", "--pair", "large,small"]);
    println!(
        "judge of 50 ms with 16 requests in flight: {:.0} verdicts a minute (at most 19200), {:.0} labels",
        a_minute(server.count() - asked, &judged),
        a_minute(prompts, &judged)
    );
}

#[test]
#[ignore = "a measurement"]
fn measure_a_million_answers() {
    let server = StandIn::start(|seen| Reply::openai(seen.query(), 10, 10));
    let folder = TempDir::new().unwrap();
    let mut before = 0;
    for count in [1, 1_000_000] {
        write_questions(folder.path(), count);
        write_models(folder.path(), &server, &["m"], 16);
        let first = collect(folder.path());
        let again = collect(folder.path());
        let judged = judge(folder.path(), &["--gold"]);
        let size =
            std::fs::metadata(folder.path().join("out/completions/completions.log")).unwrap();
        let of = |run: &Run| {
            format!("{:.1} s, peak {:.1} MB", run.time.as_secs_f64(), run.peak as f64 / 1e6)
        };
        println!(
            "{count} answers: asked in {}; opened, looked up and written again in {}; {:.0} MB on disk; judged by gold \
             answers in {}",
            of(&first),
            of(&again),
            size.len() as f64 / 1e6,
            of(&judged)
        );
        if count > 1 {
            println!("{:.0} bytes an answer", (again.peak - before) as f64 / count as f64);
        }
        before = again.peak;
    }
}
