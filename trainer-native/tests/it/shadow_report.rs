//! `trainer shadow-report` and `trainer loop --from-log` on a log whose truth is known, and on logs with faults.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use pointsman::{Policy, Query, Router, sha256_hex};
use pointsman_trainer::eval::shadow::Evidence;
use pointsman_trainer::eval::shadow::weighted::Estimate;
use pointsman_trainer::export::bundle;
use pointsman_trainer::report::shadow_report::ShadowReport;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::shadow_log::{COSTS, probability, request, truth, write};

struct Work(TempDir);

impl Work {
    /// A log of requests.
    fn new(requests: usize) -> Self {
        let work = Self(TempDir::new().unwrap());
        (0..requests).for_each(|number| request(number).write(&work.log()));
        work
    }

    fn log(&self) -> PathBuf {
        self.0.path().join("log")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn trainer(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trainer"));
        command.current_dir(self.0.path()).args(arguments).output().unwrap()
    }

    fn report(&self, flags: &[&str]) -> ShadowReport {
        let output = self.trainer(&[&["shadow-report", "log", "--out", "report"], flags].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        let json = fs::read_to_string(self.path("report/shadow-report.json")).unwrap();
        let report: ShadowReport = serde_json::from_str(&json).unwrap();
        assert!(text(&output.stdout).starts_with(&report.verdict));
        report
    }

    fn fault(&self, arguments: &[&str]) -> String {
        let output = self.trainer(arguments);
        assert!(!output.status.success(), "{}", text(&output.stdout));
        text(&output.stderr)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Whether an estimate is as near to the truth as its interval says: within two of its half widths.
fn agrees(found: &Estimate, truth: f64) -> bool {
    (found.value - truth).abs() <= found.high - found.low
}

#[test]
fn the_report_agrees_with_the_truth_and_counts_every_row() {
    const REQUESTS: usize = 4000;
    let work = Work::new(REQUESTS);
    let drawn = (0..REQUESTS).filter(|&number| request(number).is_drawn()).count();
    let report = work.report(&[]);
    let measured = &report.measured;
    assert_eq!((report.counts.decisions, report.counts.eligible), (REQUESTS, REQUESTS));
    assert_eq!((report.counts.drawn, report.counts.compared, measured.rows), (drawn, drawn, drawn));
    assert_eq!((report.counts.bad.count, measured.missing, measured.days), (0, 0, 4));
    let (kept, saved) = truth(0..REQUESTS, |request| request.is_weak_chosen());
    let at = &measured.at_setting;
    assert!(agrees(&at.kept, kept), "{:?} and {kept}", at.kept);
    assert!(agrees(&at.saved.unwrap(), saved), "{:?} and {saved}", at.saved);
    assert!(at.kept_at_any_time.holds(kept), "{:?} and {kept}", at.kept_at_any_time);
    assert!(at.kept.high - at.kept.low < 0.12, "{:?}", at.kept);
    for found in &measured.at_shares {
        let threshold = found.threshold.unwrap();
        let (kept, saved) = truth(0..REQUESTS, |request| request.win_rate < threshold);
        assert!(agrees(&found.kept, kept) && agrees(&found.saved.unwrap(), saved), "{found:?}");
    }
    // Of the tasks, that of invoices is where the weak LLM loses most.
    let names: Vec<&str> = measured.slices.iter().map(|slice| slice.slice.name.as_str()).collect();
    assert_eq!(names, ["billing", "general", "other", "team"]);
    let kept_of = |at: usize| measured.slices[at].found.kept;
    assert!(kept_of(0).high < kept_of(1).low, "{:?}", measured.slices);
    // All requests were observed, so what they would have cost is known without drawing.
    let weak = (0..REQUESTS).filter(|&number| request(number).is_weak_chosen()).count() as f64;
    let spared = report.observed.called_usd - report.observed.chosen_usd;
    assert!((spared - weak * (COSTS[0] - COSTS[1])).abs() < 1e-9, "{spared}");
    // Half of the requests at random lose far more than 5 %, and far less than 90 %.
    assert_eq!(measured.evidence, Evidence::Worse, "{}", report.verdict);
    assert_eq!(work.report(&["--least-kept", "0.6"]).measured.evidence, Evidence::Enough);
    for (name, start) in [("md", "# Shadow report of present"), ("html", "<!DOCTYPE html>")] {
        let page = fs::read_to_string(work.path(&format!("report/shadow-report.{name}"))).unwrap();
        assert!(page.starts_with(start) && !page.contains("NaN"), "{name}");
    }
}

#[test]
fn a_setting_and_days_can_be_asked_for() {
    let work = Work::new(800);
    let one =
        work.report(&["--since", "2026-11-26", "--until", "2026-11-26", "--threshold", "0.3"]);
    assert_eq!((one.days, one.measured.days), (["2026-11-26".into(), "2026-11-26".into()], 1));
    assert_eq!((one.counts.decisions, one.measured.at_setting.threshold), (200, Some(0.3)));
    let share = work.report(&["--strong-share", "0.25", "--shares", "0.5"]);
    assert!(
        (share.measured.at_setting.strong_share - 0.25).abs() < 0.12,
        "{:?}",
        share.measured.at_setting
    );
    assert_eq!(share.measured.at_shares.len(), 1);
    let fault =
        |flags: &[&str]| work.fault(&[&["shadow-report", "log", "--out", "r"], flags].concat());
    assert!(fault(&["--since", "yesterday"]).contains("expected a day such as 2026-11-29"));
    assert!(fault(&["--least-kept", "0"]).contains("least quality kept 0"));
    assert!(
        fault(&["--threshold", "0.3", "--strong-share", "0.2"]).contains("cannot be used with")
    );
    let none = fault(&["--since", "2027-01-01"]);
    assert!(none.contains("found 0 verdicts") && none.contains("code: nothing_to_score"), "{none}");
    assert!(fault(&["--bundle", "other"]).contains("expected one of present"));
}

#[test]
fn damaged_missing_and_repeated_rows_are_told_and_change_nothing_else() {
    let work = Work::new(1500);
    let before = work.report(&[]);
    let log = work.log();
    let first = (0..).map(request).find(|request| request.is_drawn()).unwrap();
    let day = format!("2026-11-{:02}", 25 + first.number % 4);
    let path = format!("verdicts/{day}/{}/{}.json", first.key, first.id());
    let verdict: Value =
        serde_json::from_str(&fs::read_to_string(log.join(&path)).unwrap()).unwrap();
    // The same verdict in a later folder, a damaged one, one of another format, and a failed one.
    write(&log, &format!("verdicts/2026-11-29/{}/{}.json", first.key, first.id()), &verdict);
    fs::write(log.join("verdicts/2026-11-28/cut.json"), &verdict.to_string()[..90]).unwrap();
    let mut other = verdict.clone();
    (other["id"], other["format"]) = (json!("d-x"), json!(9));
    write(&log, "verdicts/2026-11-28/x.json", &other);
    let mut failed = verdict.clone();
    (failed["id"], failed["target"]) = (json!("d-y"), Value::Null);
    failed["failed"] = json!({"at": "judge", "code": "upstream_timeout"});
    write(&log, "verdicts/2026-11-28/y.json", &failed);
    fs::write(log.join("decisions/2026-11-28/part.parquet"), "PAR1").unwrap();
    let after = work.report(&[]);
    assert_eq!(after.measured.at_setting, before.measured.at_setting);
    assert_eq!((after.counts.duplicate_verdicts, after.counts.bad.count), (1, 2));
    assert_eq!(after.counts.failed, [("judge: upstream_timeout".to_owned(), 1)].into());
    assert_eq!((after.measured.missing, after.counts.other_files.count), (1, 1));
    let page = fs::read_to_string(work.path("report/shadow-report.md")).unwrap();
    assert!(
        page.contains("verdicts/2026-11-28/cut.json") && page.contains("found format 9"),
        "{page}"
    );
    // A verdict that was lost is missing, and counted against the weak LLM in the worst case.
    fs::remove_file(log.join(&path)).unwrap();
    fs::remove_file(log.join(format!("verdicts/2026-11-29/{}/{}.json", first.key, first.id())))
        .unwrap();
    let lost = work.report(&[]);
    assert_eq!((lost.counts.without_verdict, lost.measured.missing), (1, 2));
    assert!(lost.measured.kept_if_missing_lost <= lost.measured.at_setting.kept.value);
    assert!(
        work.fault(&["shadow-report", "nowhere", "--out", "r"])
            .contains("Set shadow in the gateway")
    );
}

fn router(folder: &Path) -> Router {
    Router::from_files(&bundle::read_files(folder).unwrap()).unwrap()
}

#[test]
fn one_command_retrains_from_the_log_and_lays_out_a_candidate() {
    const REQUESTS: usize = 6000;
    let work = Work::new(REQUESTS);
    // Feedback on a request that was not drawn, of the LLM that was called.
    let row = json!({"id": "d-1", "query": request(1).query, "dataset": "gateway", "scores": {"large": 1.0}});
    write(&work.log(), "outcomes/2026-11-26_d-1.jsonl", &row);
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bundles/default");
    let base = base.to_str().unwrap();
    let command = ["loop", "--from-log", "log", "--base", base, "--out", "own", "--yes"];
    let output = work.trainer(&command);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said = text(&output.stderr);
    assert!(
        said.contains("1 scores of feedback are not learnt from: state feedback = true"),
        "{said}"
    );

    // Preferences have their weights, and what is learnt from is thinned to one probability.
    let lines = |name: &str| -> Vec<Value> {
        let text = fs::read_to_string(work.path(name)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let drawn: Vec<_> = (0..REQUESTS).map(request).filter(|request| request.is_drawn()).collect();
    let preferences = lines("own/judged/preferences.jsonl");
    assert_eq!(preferences.len(), drawn.len());
    let of = |key: &str, rows: &[Value]| {
        let is_of = |row: &&Value| {
            let number: usize = row["id"].as_str().unwrap()[2..].parse().unwrap();
            request(number).key == key
        };
        rows.iter().filter(is_of).count() as f64
    };
    let weight = preferences.iter().map(|row| row["weight"].as_f64().unwrap()).fold(0.0, f64::max);
    assert!((weight - 1.0 / probability("team")).abs() < 1e-9, "{weight}");
    let outcomes = lines("own/judged/outcomes.jsonl");
    assert_eq!(of("team", &outcomes), of("team", &preferences));
    let share = of("other", &outcomes) / of("other", &preferences);
    assert!((share - 0.5).abs() < 0.06, "{share}");

    // The candidate is the bundle, by the hash that its snippet states.
    let read = |name: &str| -> Value {
        serde_json::from_str(&fs::read_to_string(work.path(name)).unwrap()).unwrap()
    };
    let entry = &read("own/candidate/current.json")["candidate"];
    let folder = work.path("own/candidate").join(entry["prefix"].as_str().unwrap());
    let manifest = fs::read(folder.join("router.json")).unwrap();
    assert_eq!(entry["sha256"].as_str().unwrap(), sha256_hex(&manifest));
    assert_eq!(manifest, fs::read(work.path("own/bundle/router.json")).unwrap());

    // It is compared with the present bundle on verdicts that neither was trained on, and the difference is true.
    let comparison = read("own/candidate/comparison.json");
    let verdict = comparison["verdict"].as_str().unwrap();
    assert!(text(&output.stdout).contains(verdict), "{verdict}");
    let kept: Vec<Estimate> =
        serde_json::from_value(comparison["comparison"]["kept"].clone()).unwrap();
    let share = comparison["strong_share"].as_f64().unwrap();
    let router = router(&folder);
    let policy = Policy::strong_share(share);
    let (truth, _) = truth(REQUESTS..REQUESTS + 4000, |request| {
        let decision = router.route(&Query::new(&request.query).unwrap(), &policy).unwrap();
        decision.model == "small"
    });
    assert!(agrees(&kept[0], truth), "{:?} and {truth}", kept[0]);
    assert!(
        kept[2].value > 0.0 && (kept[0].value - kept[1].value - kept[2].value).abs() < 1e-9,
        "{verdict}"
    );

    // Again, nothing is done; of another log in the same folder it is refused.
    let again = work.trainer(&command);
    assert!(
        again.status.success() && text(&again.stderr).contains("candidate: done already"),
        "{}",
        text(&again.stderr)
    );
    fs::create_dir(work.path("other")).unwrap();
    let other =
        work.fault(&["loop", "--from-log", "other", "--base", base, "--out", "own", "--yes"]);
    assert!(other.contains("--from-log is other") && other.contains("code: bad_loop"), "{other}");
}

#[test]
fn a_log_that_teaches_nothing_is_an_error_that_says_what_to_do() {
    let work = Work::new(40);
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bundles/default");
    let base = base.to_str().unwrap();
    let fault = |log: &str, out: &str| {
        work.fault(&["loop", "--from-log", log, "--base", base, "--out", out, "--yes"])
    };
    assert!(fault("log", "few").contains("expected at least"), "{}", fault("log", "few"));
    fs::create_dir(work.path("empty")).unwrap();
    let none = fault("empty", "none");
    assert!(
        none.contains("found 0 verdicts") && none.contains("Set shadow in the gateway"),
        "{none}"
    );
    // Without texts, comparisons can be counted and not learnt from.
    for number in 0..40 {
        let request = request(number);
        let day = format!("2026-11-{:02}", 25 + number % 4);
        let name = format!("verdicts/{day}/{}/{}.json", request.key, request.id());
        if let Ok(text) = fs::read_to_string(work.log().join(&name)) {
            let mut row: Value = serde_json::from_str(&text).unwrap();
            row.as_object_mut().unwrap().remove("query");
            write(&work.log(), &name, &row);
        }
    }
    let bare = fault("log", "bare");
    assert!(bare.contains("without the query's text") && bare.contains("log.content"), "{bare}");
    let usage = work.fault(&["loop", "--from-log", "log", "--yes"]);
    assert!(usage.contains("--base"), "{usage}");
}
