//! Routes queries with the bundle in a folder and prints the decisions.
//!
//! ```sh
//! cargo run --release -p pointsman --example route -- "What is the capital of Italy?" "Hello!"
//! cargo run --release -p pointsman --example route -- \
//!     --bundle bundles/accurate "Write a function that sorts a list."
//! ```
//! Without `--bundle` it uses the repository's `bundles/default`; `--strong-share` sets a share of
//! strong calls in [0, 1] in place of the bundle's default.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use pointsman::{Decision, MANIFEST_FILE, Manifest, Policy, Query, Router};

const USAGE: &str = "usage: route [--bundle FOLDER] [--strong-share SHARE] QUERY...";

/// The command line's arguments.
struct Arguments {
    bundle: PathBuf,
    policy: Policy,
    queries: Vec<String>,
}

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Routes the queries; returns one paragraph per query, or the first error.
pub fn run(arguments: impl Iterator<Item = String>) -> Result<String, String> {
    let Arguments { bundle, policy, queries } = parse(arguments)?;
    let in_folder = |error: &dyn std::fmt::Display| format!("{}: {error}", bundle.display());
    let files = read(&bundle)?;
    let router = Router::from_files(&files).map_err(|error| in_folder(&error))?;
    let mut text = String::new();
    for query in &queries {
        let decision = Query::new(query.as_str())
            .and_then(|query| router.route(&query, &policy))
            .map_err(|error| format!("{query:?} ({}): {error}", error.code()))?;
        text += &decision_text(query, &decision);
    }
    Ok(text)
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bundles/default");
    let mut parsed = Arguments { bundle: default, policy: Policy::default(), queries: Vec::new() };
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} lacks its value"));
        match argument.as_str() {
            "--bundle" => parsed.bundle = value()?.into(),
            "--strong-share" => {
                let found = value()?;
                let share = found
                    .parse()
                    .map_err(|_| format!("--strong-share {found}: expected a number in [0, 1]"))?;
                parsed.policy = Policy::strong_share(share);
            }
            flag if flag.starts_with("--") => return Err(format!("no flag {flag}\n{USAGE}")),
            _ => parsed.queries.push(argument),
        }
    }
    match parsed.queries.is_empty() {
        true => Err(format!("no query\n{USAGE}")),
        false => Ok(parsed),
    }
}

/// Reads the manifest and the files that it lists; the engine reads no folder.
fn read(folder: &Path) -> Result<Vec<(String, Vec<u8>)>, String> {
    let bytes = |name: &str| {
        let path = folder.join(name);
        std::fs::read(&path).map_err(|error| {
            format!("{}: {error}. Name a bundle's folder with --bundle", path.display())
        })
    };
    let manifest = bytes(MANIFEST_FILE)?;
    let listed = Manifest::from_json(&manifest)
        .map_err(|error| format!("{}: {error}", folder.display()))?
        .files;
    let mut files = vec![(MANIFEST_FILE.to_owned(), manifest)];
    for entry in listed {
        let content = bytes(&entry.name)?;
        files.push((entry.name, content));
    }
    Ok(files)
}

fn decision_text(query: &str, decision: &Decision) -> String {
    let mut text = format!("{query}\n  -> {}", decision.model);
    if let (Some(win_rate), Some(threshold)) = (decision.win_rate, decision.threshold) {
        text += &format!("  (win rate {win_rate:.4}, threshold {threshold:.4})");
    }
    if let Some(cost) = decision.estimated_cost {
        text += &format!("  about {cost:.6} USD");
    }
    text.push('\n');
    for candidate in &decision.scores {
        text += &format!("     {:.4}  {}\n", candidate.score, candidate.model);
    }
    text
}
