//! The newest stored run of each benchmark: its section of the run's summary, and the numbers of its
//! report that the page states.
//!
//! A run is a folder `<date>-<machine>` that holds `NAME.json`, the report of the benchmark NAME, and
//! `summary.md` with a section headed `## NAME`. The newest run is the last by name.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::values::missing;
use crate::TrainerError;
use crate::report_error::ReportError;

/// The newest run of every benchmark.
#[derive(Debug, Clone)]
pub struct Benchmarks {
    pub(super) edge: Newest<Edge>,
    pub(super) gateway: Newest<Gateway>,
    pub(super) page: Newest<IgnoredAny>,
}

/// The newest run of one benchmark.
#[derive(Debug, Clone)]
pub(super) struct Newest<T> {
    /// Name of the run's folder.
    pub(super) run: String,
    /// The benchmark's section of the run's summary, without its heading.
    pub(super) section: String,
    pub(super) report: T,
}

impl Benchmarks {
    /// The newest runs in a folder of runs.
    ///
    /// # Errors
    /// [`TrainerError::File`]; [`ReportError::BadRun`].
    pub fn read(runs: &Path) -> Result<Self, TrainerError> {
        Ok(Self {
            edge: newest(runs, "edge")?,
            gateway: newest(runs, "gateway")?,
            page: newest(runs, "page")?,
        })
    }
}

fn newest<T: DeserializeOwned>(
    runs: &Path,
    benchmark: &'static str,
) -> Result<Newest<T>, TrainerError> {
    let file = format!("{benchmark}.json");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(runs).map_err(TrainerError::file(runs))? {
        let folder = entry.map_err(TrainerError::file(runs))?.path();
        if folder.join(&file).is_file() {
            found.push(folder);
        }
    }
    let folder = found.into_iter().max().ok_or_else(|| {
        let detail = format!(
            "found no stored run of the benchmark {benchmark:?}, expected at least one. Run `cargo xtask \
             bench {benchmark} --save`"
        );
        ReportError::BadRun { detail }
    })?;
    let run = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let read = |name: &str| {
        let path = folder.join(name);
        std::fs::read_to_string(&path).map_err(TrainerError::file(&path))
    };
    let report = serde_json::from_str(&read(&file)?).map_err(|error| {
        let detail = format!(
            "run {run}: found no report of the benchmark {benchmark:?}: {error}. Measure it again with \
             --save"
        );
        ReportError::BadRun { detail }
    })?;
    let section = section(&read("summary.md")?, benchmark)
        .ok_or_else(|| {
            let detail = format!(
                "run {run}: found no section {benchmark:?} in summary.md, expected one. Run `cargo xtask \
                 bench report`"
            );
            ReportError::BadRun { detail }
        })?;
    Ok(Newest { run, section, report })
}

/// What stands under a heading of the second level, up to the next one.
fn section(summary: &str, name: &str) -> Option<String> {
    let (_, after) = summary.split_once(&format!("\n## {name}\n"))?;
    Some(after.split("\n## ").next().unwrap_or(after).trim().to_owned())
}

/// What the page reads of the edge benchmark's report.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Edge {
    turns: Vec<Turns>,
    wasm: BTreeMap<String, Bytes>,
}

/// One query length of a bundle on a host.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Turns {
    host: String,
    bundle: String,
    tokens: usize,
    pointsman: Time,
    from_text: Option<Peer>,
}

/// Times in milliseconds.
#[derive(Debug, Clone, Copy, Deserialize)]
struct Time {
    p50: f64,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Peer {
    p50: f64,
    ratio: Ratio,
}

/// A peer's time divided by ours, over the rounds.
#[derive(Debug, Clone, Copy, Deserialize)]
struct Ratio {
    median: f64,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Bytes {
    gzip: u64,
}

/// A query from text: our median, ONNX Runtime's, both in ms, and the median ratio of the second to
/// the first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct FromText {
    pub(super) ours: f64,
    pub(super) peer: f64,
    pub(super) ratio: f64,
}

impl Edge {
    pub(super) fn text_to_decision(
        &self,
        host: &str,
        bundle: &str,
        tokens: usize,
    ) -> Result<FromText, ReportError> {
        let same =
            |turns: &&Turns| turns.host == host && turns.bundle == bundle && turns.tokens == tokens;
        let found = self.turns.iter().find(same);
        let of = |turns: &Turns| {
            let peer = turns.from_text?;
            Some(FromText { ours: turns.pointsman.p50, peer: peer.p50, ratio: peer.ratio.median })
        };
        found.and_then(of).ok_or_else(|| {
            missing(format!(
                "time of {bundle} in {host} at {tokens} tokens, with its peer from text"
            ))
        })
    }

    /// Bytes of a wasm module after `gzip -9`.
    pub(super) fn wasm(&self, name: &str) -> Result<u64, ReportError> {
        let missing = || missing(format!("bytes of the wasm of {name}"));
        Ok(self.wasm.get(name).ok_or_else(missing)?.gzip)
    }
}

/// What the page reads of the gateway benchmark's report.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Gateway {
    latency: Latency,
}

#[derive(Debug, Clone, Deserialize)]
struct Latency {
    /// Answers that are not streamed.
    whole: Vec<Contestant>,
}

#[derive(Debug, Clone, Deserialize)]
struct Contestant {
    name: String,
    /// Time over the direct call of the same round.
    added: Option<Time>,
}

impl Gateway {
    /// Median ms that a contestant adds to an answer that is not streamed.
    pub(super) fn added(&self, name: &str) -> Result<f64, ReportError> {
        let found = self.latency.whole.iter().find(|one| one.name == name);
        let added = found.and_then(|one| one.added).map(|added| added.p50);
        added.ok_or_else(|| missing(format!("time that {name} adds")))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(super) mod tests {
    use super::*;

    const EDGE: &str = r#"{
        "turns": [
            {"host": "native", "bundle": "minilm-l6", "tokens": 32, "pointsman": {"p50": 4.58},
             "fromText": {"p50": 2.99, "ratio": {"median": 0.65}}},
            {"host": "node", "bundle": "static", "tokens": 32, "pointsman": {"p50": 0.0835},
             "fromText": {"p50": 0.29998, "ratio": {"median": 3.9}}},
            {"host": "node", "bundle": "static", "tokens": 8, "pointsman": {"p50": 1}}
        ],
        "wasm": {
            "pointsman, relaxed-simd": {"gzip": 1368289}, "onnxruntime-web": {"gzip": 3687160}
        }
    }"#;
    const GATEWAY: &str = r#"{"latency": {"whole": [
        {"name": "direct"}, {"name": "static", "added": {"p50": 1.594}},
        {"name": "portkey", "added": {"p50": 1.82}}
    ]}}"#;
    const SUMMARY: &str = "# Summary\n\n## edge\n\nNew edge.\n\n| a |\n\n## gateway\n\nGateway.\n";

    fn store(runs: &Path, files: &[(&str, &str, &str)]) {
        for (run, name, text) in files {
            std::fs::create_dir_all(runs.join(run)).unwrap();
            std::fs::write(runs.join(run).join(name), text).unwrap();
        }
    }

    impl Edge {
        pub(in crate::report::results_page) fn make_native_faster(&mut self) {
            for turns in self.turns.iter_mut().filter(|turns| turns.host == "native") {
                turns.from_text.as_mut().unwrap().ratio.median = 1.5;
            }
        }
    }

    /// Three runs: the newest of `edge`, and earlier ones of the others.
    pub(in crate::report::results_page) fn stored() -> tempfile::TempDir {
        let runs = tempfile::tempdir().unwrap();
        store(
            runs.path(),
            &[
                ("2026-01-01-a", "edge.json", "not read"),
                ("2026-01-01-a", "page.json", "{\"visits\": []}"),
                ("2026-01-01-a", "summary.md", "\n## edge\n\nOld.\n\n## page\n\nPage.\n"),
                ("2026-01-02-a", "gateway.json", GATEWAY),
                ("2026-01-02-a", "summary.md", SUMMARY),
                ("2026-01-03-b", "edge.json", EDGE),
                ("2026-01-03-b", "summary.md", SUMMARY),
            ],
        );
        runs
    }

    #[test]
    fn the_newest_run_of_each_benchmark_counts() {
        let found = Benchmarks::read(stored().path()).unwrap();
        assert_eq!(
            (found.edge.run.as_str(), found.edge.section.as_str()),
            ("2026-01-03-b", "New edge.\n\n| a |")
        );
        assert_eq!(
            (found.gateway.run.as_str(), found.gateway.section.as_str()),
            ("2026-01-02-a", "Gateway.")
        );
        assert_eq!(
            (found.page.run.as_str(), found.page.section.as_str()),
            ("2026-01-01-a", "Page.")
        );
        let expected = FromText { ours: 0.0835, peer: 0.29998, ratio: 3.9 };
        assert_eq!(found.edge.report.text_to_decision("node", "static", 32).unwrap(), expected);
        assert_eq!(found.edge.report.wasm("onnxruntime-web").unwrap(), 3_687_160);
        assert_eq!(found.gateway.report.added("portkey").unwrap(), 1.82);
    }

    #[test]
    fn what_is_not_stored_is_named() {
        let found = Benchmarks::read(stored().path()).unwrap();
        let (edge, gateway) = (found.edge.report, found.gateway.report);
        // There, but without its peer.
        let message = edge.text_to_decision("node", "static", 8).unwrap_err().to_string();
        assert!(message.contains("time of static in node at 8 tokens"), "{message}");
        let message = edge.text_to_decision("deno", "static", 32).unwrap_err().to_string();
        assert!(message.contains("time of static in deno at 32 tokens"), "{message}");
        let message = edge.wasm("pointsman").unwrap_err().to_string();
        assert!(message.starts_with("found no bytes of the wasm of pointsman in the stored"));
        let message = gateway.added("direct").unwrap_err().to_string();
        assert!(message.starts_with("found no time that direct adds in the stored"), "{message}");
    }

    #[test]
    fn a_run_that_cannot_be_used_is_an_error_that_names_it() {
        let fault = |runs: &Path| Benchmarks::read(runs).unwrap_err().to_string();
        let runs = stored();
        store(
            runs.path(),
            &[("2026-01-04-a", "edge.json", "{}"), ("2026-01-04-a", "summary.md", SUMMARY)],
        );
        let error = Benchmarks::read(runs.path()).unwrap_err();
        assert_eq!(error.code(), "bad_run");
        assert!(error.to_string().starts_with("run 2026-01-04-a: "), "{error}");
        store(
            runs.path(),
            &[("2026-01-04-a", "edge.json", EDGE), ("2026-01-04-a", "summary.md", "# None")],
        );
        let message = fault(runs.path());
        assert!(message.starts_with("run 2026-01-04-a: found no section \"edge\""), "{message}");
        let empty = tempfile::tempdir().unwrap();
        let message = fault(empty.path());
        assert!(message.starts_with("found no stored run of the benchmark \"edge\""), "{message}");
    }
}
