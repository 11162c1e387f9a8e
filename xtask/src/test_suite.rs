//! `cargo xtask test`: runs every test suite, one after another, and prints the total.
//!
//! Suites: `format`, `rust` (all members, natively), one for each `*.test.mjs` under `tests/` and
//! `bench/`, such as `hosts/node` and `bench/report`, and where asked for `lint`. A suite whose
//! needs cannot be had fails and the others run. The last line on standard output is the total, as
//! in `212 passed, 0 failed`; `format` and `lint` count as one each.

use crate::counts::{self, Counts};
use crate::{edge_build, lint, native_build, page_build, process, setup, workspace};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use workspace::Workspace;

/// Arguments of `cargo xtask test`.
#[derive(clap::Args)]
pub struct Args {
    /// Run only the suites whose name contains this; may be repeated
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Run lint after the tests
    #[arg(long)]
    lint: bool,
}

enum Suite {
    Format,
    Rust,
    /// A file of JavaScript tests, from the clone's root.
    Script(PathBuf),
    Lint,
}

impl Suite {
    fn name(&self) -> String {
        match self {
            Self::Format => "format".to_owned(),
            Self::Rust => "rust".to_owned(),
            Self::Script(path) => {
                let path = path.to_string_lossy();
                let path = path.strip_prefix("tests/").unwrap_or(&path);
                path.strip_suffix(SCRIPT).unwrap_or(path).to_owned()
            }
            Self::Lint => "lint".to_owned(),
        }
    }
}

const SCRIPT: &str = ".test.mjs";
/// The suite of real programs at the gateway.
const CLIENTS: &str = "clients/programs";

/// The folders in which JavaScript tests lie.
const TESTED: [&str; 2] = ["bench", "tests"];

/// Runs the suites and prints the total; the exit code is 0 if every test passed.
pub fn run(workspace: &Workspace, args: &Args) -> Result<u8> {
    let beginning = Instant::now();
    let suites = chosen(all_suites(workspace, args.lint)?, &args.only)?;
    let mut total = Counts::default();
    let mut table = Vec::new();
    let mut scripts = None;
    for suite in &suites {
        println!("\n== {}", suite.name());
        if let Suite::Script(_) = suite
            && scripts.is_none()
        {
            let start = Instant::now();
            scripts = Some(prepare_scripts(workspace));
            table.push(("(wasm build, hosts)".to_owned(), None, start.elapsed()));
        }
        let start = Instant::now();
        let found = run_suite(workspace, suite, scripts.as_ref());
        if process::interrupted() {
            bail!("interrupted");
        }
        let counts = found.unwrap_or_else(|error| {
            eprintln!("error: {error:#}");
            Counts::FAILURE
        });
        total += counts;
        table.push((suite.name(), Some(counts), start.elapsed()));
    }
    println!("\n== suites");
    for (name, counts, time) in &table {
        let counts = counts.map(|counts| counts.to_string()).unwrap_or_default();
        println!("{name:<24} {:>7}  {counts}", seconds(*time));
    }
    println!("{:<24} {:>7}", "in all", seconds(beginning.elapsed()));
    println!("{total}");
    Ok(u8::from(total.failed > 0))
}

/// The programs that run the JavaScript tests.
struct ForScripts {
    node: setup::Node,
    chromium: PathBuf,
}

/// Obtains the hosts, and builds the wasm that they load.
fn prepare_scripts(workspace: &Workspace) -> Result<ForScripts> {
    let node = edge_build::build(workspace)?;
    let chromium = setup::for_browser()?;
    page_build::build(workspace, &node)?;
    Ok(ForScripts { node, chromium })
}

fn run_suite(
    workspace: &Workspace,
    suite: &Suite,
    scripts: Option<&Result<ForScripts>>,
) -> Result<Counts> {
    match suite {
        Suite::Format => lint::format_check(workspace).map(|()| Counts::SUCCESS),
        Suite::Rust => run_rust(workspace),
        Suite::Script(path) => match scripts {
            Some(Ok(tools)) => {
                // Elsewhere the suite is skipped without them: nobody is made to fetch 2 GB.
                if workspace::is_ci() && suite.name() == CLIENTS {
                    setup::for_clients(workspace, &tools.node)?;
                }
                run_script(workspace, path, tools)
            }
            Some(Err(error)) => bail!("{error:#}"),
            None => bail!("the programs for {} were not prepared", suite.name()),
        },
        Suite::Lint => lint::run(workspace).map(|()| Counts::SUCCESS),
    }
}

fn run_rust(workspace: &Workspace) -> Result<Counts> {
    let vulkan = setup::for_gpu_tests()?;
    let target = native_build::target_dir(workspace)?;
    eprintln!(
        "build: native tests in {} (from empty: about 40 minutes on two cores)",
        target.path.display()
    );
    let mut cargo = native_build::cargo(workspace, "test", &target);
    cargo.args(["--workspace", "--no-fail-fast"]);
    vulkan.apply(&mut cargo);
    let mut counts = Counts::default();
    let status = process::stream(&mut cargo, |line| {
        if let Some(found) = counts::of_cargo_line(line) {
            counts += found;
        }
    })?;
    settle(counts, status.success(), &process::describe(&cargo))
}

fn run_script(workspace: &Workspace, path: &Path, tools: &ForScripts) -> Result<Counts> {
    let scratch = workspace.cache.fresh_scratch("junit")?;
    let report = scratch.join("results.xml");
    let mut node = tools.node.command(workspace);
    node.args(["--test", "--test-reporter=spec", "--test-reporter-destination=stdout"])
        .arg("--test-reporter=junit")
        .arg(format!("--test-reporter-destination={}", report.display()))
        .arg(path)
        .env("CHROMIUM", &tools.chromium);
    let status = process::status(&mut node)?;
    let counts = fs::read_to_string(&report)
        .map_err(anyhow::Error::from)
        .and_then(|report| counts::of_junit(&report).map_err(anyhow::Error::from));
    let counts = counts.with_context(|| {
        format!("`{}` ended ({status}) without a report of its tests", process::describe(&node))
    })?;
    fs::remove_dir_all(&scratch).with_context(|| format!("cannot remove {}", scratch.display()))?;
    let mut counts = settle(counts, status.success(), &process::describe(&node))?;
    if workspace::is_ci() && counts.skipped > 0 {
        eprintln!("error: {} tests were skipped, which a CI run does not allow", counts.skipped);
        counts.failed += std::mem::take(&mut counts.skipped);
    }
    Ok(counts)
}

/// Makes a failure of a run that failed without a failed test, or that ran no test.
fn settle(mut counts: Counts, success: bool, command: &str) -> Result<Counts> {
    if counts.passed + counts.failed == 0 {
        bail!("`{command}` ran no test");
    }
    if !success && counts.failed == 0 {
        eprintln!("error: `{command}` failed, although none of its tests failed");
        counts.failed = 1;
    }
    Ok(counts)
}

fn all_suites(workspace: &Workspace, lint: bool) -> Result<Vec<Suite>> {
    let mut scripts = Vec::new();
    let mut folders: Vec<PathBuf> = TESTED.iter().map(PathBuf::from).collect();
    while let Some(folder) = folders.pop() {
        let full = workspace.path(&folder);
        let entries =
            fs::read_dir(&full).with_context(|| format!("cannot read {}", full.display()))?;
        for entry in entries {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                if entry.file_name() != "node_modules" {
                    folders.push(path);
                }
            } else if path.to_string_lossy().ends_with(SCRIPT) {
                scripts.push(path);
            }
        }
    }
    scripts.sort();
    let mut suites = vec![Suite::Format, Suite::Rust];
    suites.extend(scripts.into_iter().map(Suite::Script));
    if lint {
        suites.push(Suite::Lint);
    }
    Ok(suites)
}

fn chosen(suites: Vec<Suite>, only: &[String]) -> Result<Vec<Suite>> {
    if only.is_empty() {
        return Ok(suites);
    }
    let names = suites.iter().map(Suite::name).collect::<Vec<_>>().join(", ");
    for wanted in only {
        if !suites.iter().any(|suite| suite.name().contains(wanted.as_str())) {
            bail!("no suite named {wanted}; there are: {names}");
        }
    }
    let keep = |suite: &Suite| only.iter().any(|wanted| suite.name().contains(wanted.as_str()));
    Ok(suites.into_iter().filter(keep).collect())
}

fn seconds(time: Duration) -> String {
    format!("{:.0} s", time.as_secs_f64())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn suites() -> Vec<Suite> {
        vec![Suite::Format, Suite::Rust, Suite::Script("tests/hosts/node.test.mjs".into())]
    }

    #[test]
    fn a_suite_is_chosen_by_part_of_its_name() {
        let names = |only: &[&str]| -> Vec<String> {
            let only: Vec<String> = only.iter().map(|name| (*name).to_owned()).collect();
            chosen(suites(), &only).unwrap().iter().map(Suite::name).collect()
        };
        assert_eq!(names(&["node"]), ["hosts/node"]);
        assert_eq!(names(&["rust", "hosts"]), ["rust", "hosts/node"]);
        assert_eq!(names(&[]), ["format", "rust", "hosts/node"]);
        let of_bench = Suite::Script("bench/page/report.test.mjs".into());
        assert_eq!(of_bench.name(), "bench/page/report");
    }

    #[test]
    fn the_suites_are_those_of_tests_and_of_bench() {
        let workspace = Workspace::locate().unwrap();
        let names: Vec<String> =
            all_suites(&workspace, false).unwrap().iter().map(Suite::name).collect();
        for name in ["bench/report", "bench/gateway/report", "hosts/node"] {
            assert!(names.iter().any(|found| found == name), "{name} is not among {names:?}");
        }
        assert!(!names.iter().any(|name| name.contains("node_modules")), "{names:?}");
    }

    #[test]
    fn a_suite_that_does_not_exist_is_an_error_that_lists_those_that_do() {
        let error = chosen(suites(), &["nod".to_owned(), "deno".to_owned()]).err().unwrap();
        assert_eq!(error.to_string(), "no suite named deno; there are: format, rust, hosts/node");
    }

    #[test]
    fn a_run_without_tests_is_a_failure() {
        assert!(settle(Counts::default(), true, "x").is_err());
    }

    #[test]
    fn a_run_that_failed_outside_its_tests_counts_one_failure() {
        let passed = Counts { passed: 3, ..Counts::default() };
        assert_eq!(settle(passed, false, "x").unwrap().failed, 1);
        assert_eq!(settle(passed, true, "x").unwrap(), passed);
    }
}
