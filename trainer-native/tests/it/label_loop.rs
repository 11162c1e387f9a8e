//! `trainer init` and `trainer loop` against stand-in LLMs of known ability: what the report says is compared with the
//! truth, and the loop is killed, capped and given bad input.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use pointsman::{Policy, Query, Router};
use pointsman_trainer::eval::bootstrap::Interval;
use pointsman_trainer::eval::savings::{Estimate, Policy as Way};
use pointsman_trainer::export::bundle;
use pointsman_trainer::report::own_prompts::{NoRouter, OwnPrompts};
use serde_json::Value;
use tempfile::TempDir;

use crate::stand_in::{Reply, Seen, StandIn};
use crate::world;

/// Requests in flight to each LLM.
const CONCURRENCY: usize = 2;

/// A folder with prompts, in which a loop is set up.
struct Work {
    folder: TempDir,
}

impl Work {
    /// Writes prompts, `loop.toml` and `models.toml`; `more` are further lines of the former.
    fn new(prompts: &str, server: &StandIn, labels: &str, more: &str) -> Self {
        let work = Self { folder: TempDir::new().unwrap() };
        fs::write(work.path("prompts.jsonl"), prompts).unwrap();
        fs::create_dir(work.path("own")).unwrap();
        fs::write(work.path("own/models.toml"), world::models(&server.url(), CONCURRENCY)).unwrap();
        work.set(labels, more);
        work
    }

    fn set(&self, labels: &str, more: &str) {
        let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bundles/default");
        let text = format!(
            "name = \"own\"\nprompts = [\"../prompts.jsonl\"]\nmodels = \"models.toml\"\nstrong = \"large\"\nweak = \
             \"small\"\nlabels = {labels:?}\nbase = {base:?}\n{more}"
        );
        fs::write(self.path("own/loop.toml"), text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trainer"));
        command.arg("loop").arg(self.path("own/loop.toml"));
        command
    }

    fn run(&self, flags: &[&str]) -> Output {
        self.command().args(flags).output().unwrap()
    }

    /// Runs the loop to its end.
    fn finish(&self, flags: &[&str]) -> OwnPrompts {
        let output = self.run(&[&["--yes"], flags].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        self.report()
    }

    /// Runs the loop, which fails; returns what it says.
    fn fault(&self, flags: &[&str]) -> String {
        let output = self.run(&[&["--yes"], flags].concat());
        assert!(!output.status.success(), "{}", text(&output.stderr));
        text(&output.stderr)
    }

    fn report(&self) -> OwnPrompts {
        serde_json::from_str(&fs::read_to_string(self.path("own/report.json")).unwrap()).unwrap()
    }

    fn judged(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(self.path("own/judged/judge.json")).unwrap())
            .unwrap()
    }

    fn router(&self) -> Router {
        Router::from_files(&bundle::read_files(&self.path("own/bundle")).unwrap()).unwrap()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The steps that a run did, and those that it kept.
fn steps(stderr: &str) -> (Vec<&str>, Vec<&str>) {
    let names = ["collect", "judge", "split", "train", "calibrate", "evaluate", "bundle", "report"];
    let of = |kept: bool| {
        let line = |name: &&&str| {
            let lines = stderr
                .lines()
                .filter_map(|line| line.strip_prefix(&format!("{name}: ")).map(str::to_owned));
            let lines: Vec<String> = lines.collect();
            !lines.is_empty() && lines.iter().all(|line| (line == "done already") == kept)
        };
        names.iter().filter(line).copied().collect()
    };
    (of(false), of(true))
}

/// What a router really keeps and saves at a share of strong calls: on prompts that nobody labelled, by the
/// probabilities of the world.
fn truth(router: &Router, share: f64, of_judge: bool) -> (f64, f64) {
    let policy = Policy::strong_share(share);
    let (mut kept, mut whole, mut spent, mut always) = (0.0, 0.0, 0.0, 0.0);
    for number in 60_000..68_000 {
        let query = world::prompt(number);
        let decision = router.route(&Query::new(&query).unwrap(), &policy).unwrap();
        let strong = world::ability("large", &query);
        let (of_strong, of_weak) = match of_judge {
            true => (0.5, 0.5 - world::expected_difference(&query) / 2.0),
            false => (strong, world::ability("small", &query)),
        };
        kept += if decision.model == "large" { of_strong } else { of_weak };
        whole += of_strong;
        spent += world::cost(&decision.model, &query);
        always += world::cost("large", &query);
    }
    (kept / whole, 1.0 - spent / always)
}

/// The report's intervals at each share that do not hold the truth.
fn misses(report: &OwnPrompts, router: &Router, of_judge: bool) -> Vec<String> {
    let mut found = Vec::new();
    for share in [0.2, 0.4, 0.6] {
        let point = report.savings.at(Way::Router, share).unwrap();
        let (kept, saved) = truth(router, share, of_judge);
        for (what, estimate, truth) in [("kept", point.kept, kept), ("saved", point.saved, saved)] {
            let Estimate { value, interval } = estimate.unwrap();
            let Interval { low, high, .. } = interval.unwrap();
            if !(low..=high).contains(&truth) {
                found.push(format!(
                    "{what} at {share}: {truth:.4}, found {value:.4} [{low:.4}, {high:.4}]"
                ));
            }
        }
    }
    found
}

fn agrees_with_truth(report: &OwnPrompts, router: &Router, of_judge: bool) {
    assert_eq!(misses(report, router, of_judge), Vec::<String>::new());
}

#[test]
#[ignore = "some minutes: the share of intervals that hold the truth, over loops on other prompts"]
fn measure_how_many_intervals_of_the_loop_hold_the_truth() {
    let server = StandIn::start(world::reply);
    for (labels, of_judge, more) in [("judge", true, "max_usd = 20.0\n"), ("gold", false, "")] {
        let (mut missed, worlds) = (0, 20);
        for world in 1..=worlds {
            let prompts = world::prompts(world * 600..(world + 1) * 600, !of_judge);
            let work = Work::new(&prompts, &server, labels, more);
            let report = work.finish(&[]);
            let found = misses(&report, &work.router(), of_judge);
            missed += found.len();
            println!("{labels}, world {world}: {}", found.join("; "));
        }
        println!("{labels}: {} of {} intervals hold the truth", 6 * worlds - missed, 6 * worlds);
    }
}

#[test]
fn the_loop_finds_a_router_whose_quality_and_saving_agree_with_the_truth() {
    let server = StandIn::start(world::reply);
    let work = Work::new(&world::prompts(0..600, false), &server, "judge", "max_usd = 20.0\n");
    let report = work.finish(&[]);
    let counts = report.counts;
    assert_eq!((counts.prompts, counts.answered, counts.labelled), (600, 600, 600));
    assert_eq!(counts.trained_on + counts.held_out, 600);
    assert!((140..220).contains(&counts.held_out), "{counts:?}");
    agrees_with_truth(&report, &work.router(), true);
    let at = |way| report.savings.at(way, 0.4).unwrap();
    assert!(at(Way::Router).is_above_chance(), "{}", report.verdict);
    assert!(report.verdict.starts_with("With "), "{}", report.verdict);
    let gain = |way| at(way).over_chance.unwrap().value;
    assert!(
        gain(Way::Router) > gain(Way::Untrained) && gain(Way::Router) > gain(Way::Length),
        "{report:?}"
    );
    assert!(report.router.as_ref().unwrap().corrected);
    // The judge's position bias is found: of two verdicts on answers of one quality, one or both name the first place.
    let bias = &work.judged()["llm"]["position_bias"];
    assert!(bias["low"].as_f64().unwrap() > 0.5, "{bias}");
    let says = |note: &String| note.contains("it has a position bias");
    assert!(report.labels.notes.iter().any(says), "{:?}", report.labels.notes);
    // Every request was sent once, and every cent is accounted for.
    let seen = server.seen();
    assert_eq!(repeated(&seen), 0);
    let paid: f64 = seen.iter().map(world::cost_of).sum();
    assert!((paid - report.money.total_usd()).abs() < 1e-9, "{paid} and {:?}", report.money);
    assert!(report.requests_to_pay(0.001).is_some());
    let page = fs::read_to_string(work.path("own/report.html")).unwrap();
    assert!(page.contains(&maud_escaped(&report.verdict)) && page.contains("<svg"));

    // Again, nothing is done; other shares need no other router.
    let again = work.run(&["--yes"]);
    let stderr = text(&again.stderr);
    assert_eq!(steps(&stderr).0, Vec::<&str>::new(), "{stderr}");
    work.set("judge", "max_usd = 20.0\nshares = [0.3, 0.5]\n");
    let other = work.run(&["--yes"]);
    let stderr = text(&other.stderr);
    assert_eq!(steps(&stderr).0, ["evaluate", "report"], "{stderr}");
    fs::remove_dir_all(work.path("own/bundle")).unwrap();
    let stderr = text(&work.run(&["--yes"]).stderr);
    assert_eq!(steps(&stderr).0, ["bundle"], "{stderr}");
    assert_eq!(server.count(), seen.len());
}

fn maud_escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// How many requests repeat an earlier one.
fn repeated(seen: &[Seen]) -> usize {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    seen.iter().for_each(|seen| *counts.entry(seen.body.to_string()).or_default() += 1);
    counts.values().map(|count| count - 1).sum()
}

/// Ends a process as a power cut would.
fn kill(process: u32) {
    assert!(Command::new("kill").arg("-9").arg(process.to_string()).status().unwrap().success());
}

#[test]
fn killed_ten_times_the_loop_goes_on_and_asks_no_answered_prompt_again() {
    // The process to kill, at the request of this number.
    let (process, at) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicUsize::new(usize::MAX)));
    let server = StandIn::start({
        let (process, at) = (Arc::clone(&process), Arc::clone(&at));
        move |seen| {
            let taken =
                at.compare_exchange(seen.number, usize::MAX, Ordering::SeqCst, Ordering::SeqCst);
            if taken.is_ok() {
                kill(process.load(Ordering::SeqCst));
                return Reply::Close;
            }
            world::reply(seen)
        }
    });
    let work = Work::new(&world::prompts(0..600, false), &server, "judge", "max_usd = 20.0\n");
    let start = || -> Child {
        work.command().arg("--yes").stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let mut kills = 0;
    // 1,200 answers and up to 1,200 verdicts: after a number of further requests that is drawn.
    for round in 0..6 {
        let further = 20 + (world::unit(&("kill", round)) * 330.0) as usize;
        process.store(0, Ordering::SeqCst);
        let mut child = start();
        process.store(child.id(), Ordering::SeqCst);
        at.store(server.count() + further, Ordering::SeqCst);
        let stderr = child.stderr.take().unwrap();
        let said: Vec<String> = BufReader::new(stderr).lines().map_while(Result::ok).collect();
        assert!(!child.wait().unwrap().success(), "{said:#?}");
        assert_eq!(at.load(Ordering::SeqCst), usize::MAX, "ended before its kill: {said:#?}");
        kills += 1;
    }
    // The steps that ask nothing, each as it begins, some lines later.
    for step in ["split: ", "train: ", "evaluate: ", "bundle: "] {
        let mut child = start();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let mut said = Vec::new();
        for line in lines {
            let is_step = line.starts_with(step) && !line.ends_with("done already");
            said.push(line);
            if is_step {
                break;
            }
        }
        assert!(said.last().is_some_and(|line| line.starts_with(step)), "{said:#?}");
        kill(child.id());
        child.wait().unwrap();
        kills += 1;
    }
    assert_eq!(kills, 10);
    let report = work.finish(&[]);
    assert_eq!(report.counts.labelled, 600);
    agrees_with_truth(&report, &work.router(), true);
    // A request that was in flight at a kill has no answer, so it is asked again: at most one a thread.
    let seen = server.seen();
    let lost = repeated(&seen);
    assert!(lost <= 6 * 2 * CONCURRENCY, "{lost} requests were sent twice");
    // The same world without kills gives the same router.
    let whole = Work::new(&world::prompts(0..600, false), &server, "judge", "max_usd = 20.0\n");
    let expected = whole.finish(&[]);
    assert_eq!(expected.savings, report.savings);
    assert_eq!(server.count() - seen.len(), seen.len() - lost);
}

#[test]
fn the_cap_holds_to_the_cent_and_a_higher_one_goes_on() {
    let server = StandIn::start(world::reply);
    let all = world::prompts(0..300, false);
    let answers: f64 = (0..300)
        .map(world::prompt)
        .map(|query| world::cost("large", &query) + world::cost("small", &query))
        .sum();
    let paid = || server.seen().iter().map(world::cost_of).sum::<f64>();
    let work = Work::new(&all, &server, "judge", "max_usd = 0.5\n");
    let error = work.fault(&[]);
    assert!(
        error.contains("the cap of USD 0.5 is reached") && error.contains("max_usd in loop.toml"),
        "{error}"
    );
    assert!(error.contains("code: cap_reached"), "{error}");
    assert!(paid() <= 0.5 && paid() > 0.4, "{}", paid());
    // A cap within judging.
    let cap = answers + 0.08;
    work.set("judge", &format!("max_usd = {cap:?}\n"));
    let error = work.fault(&[]);
    assert!(error.contains(" is reached: ") && error.contains("verdicts are missing"), "{error}");
    assert!(paid() <= cap && paid() > cap - 0.01, "{} of {cap}", paid());
    let partial = work.finish(&["--partial"]);
    assert!(
        partial.counts.labelled < 300 && partial.counts.answered == 300,
        "{:?}",
        partial.counts
    );
    assert!((partial.money.total_usd() - paid()).abs() < 1e-9);
    work.set("judge", "max_usd = 20.0\n");
    let report = work.finish(&[]);
    assert_eq!(report.counts.labelled, 300);
    assert!((report.money.total_usd() - paid()).abs() < 1e-9);
    assert_eq!(repeated(&server.seen()), 0);
}

#[test]
fn gold_answers_need_no_judge() {
    let server = StandIn::start(world::reply);
    let work = Work::new(&world::prompts(0..600, true), &server, "gold", "");
    let report = work.finish(&[]);
    assert!(!report.labels.is_relative && report.money.judging_usd == 0.0);
    assert_eq!(server.count(), 1200);
    agrees_with_truth(&report, &work.router(), false);
    assert!(report.savings.at(Way::Router, 0.4).unwrap().is_above_chance(), "{}", report.verdict);
}

#[test]
fn without_a_terminal_nothing_is_asked_before_a_yes() {
    let server = StandIn::start(world::reply);
    let work = Work::new(&world::prompts(0..100, true), &server, "gold", "");
    let output = work.run(&[]);
    let stderr = text(&output.stderr);
    assert!(!output.status.success() && stderr.contains("--yes"), "{stderr}");
    assert!(stderr.contains("collect: asks 200 answers to 100 prompts; costs USD"), "{stderr}");
    assert_eq!(server.count(), 0);
}

#[test]
fn answers_that_teach_no_router_end_in_a_report_that_says_where_to_send_requests() {
    let right = |_: &Seen| true;
    let equal = StandIn::start(move |seen| answered(seen, right(seen)));
    let of = |server: &StandIn| {
        let work = Work::new(&world::prompts(0..150, true), server, "gold", "");
        let report = work.finish(&[]);
        assert!(!work.path("own/bundle").exists());
        assert!(work.path("own/report.html").exists());
        (report.no_router, report.verdict)
    };
    let (reason, verdict) = of(&equal);
    assert_eq!(reason, Some(NoRouter::AllEqual));
    assert!(verdict.contains("send all requests to small, which saves"), "{verdict}");
    let one_class = StandIn::start(|seen| answered(seen, seen.body["model"] == "large"));
    let (reason, verdict) = of(&one_class);
    assert_eq!(reason, Some(NoRouter::StrongAlwaysBetter));
    assert!(verdict.contains("send all requests to large"), "{verdict}");
    let swapped = StandIn::start(|seen| answered(seen, seen.body["model"] == "small"));
    assert_eq!(of(&swapped).0, Some(NoRouter::StrongNeverBetter));
}

fn answered(seen: &Seen, right: bool) -> Reply {
    let text = if right { "Checked by hand." } else { "Guessed." };
    Reply::openai(&format!("{text} {}", seen.number), 10, 20)
}

#[test]
fn an_llm_that_refuses_everything_is_worse_on_every_prompt() {
    let server = StandIn::start(|seen| match seen.body["model"].as_str() {
        Some("small") => Reply::json(
            200,
            &serde_json::json!({
                "choices": [{"message": {"role": "assistant", "content": null, "refusal": "I cannot."},
                             "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 9, "completion_tokens": 3},
            }),
        ),
        _ => world::reply(seen),
    });
    let work = Work::new(&world::prompts(0..120, false), &server, "judge", "");
    let report = work.finish(&[]);
    assert_eq!(report.no_router, Some(NoRouter::StrongAlwaysBetter));
    assert!(
        report.labels.notes.iter().any(|note| note.contains("120 refusal")),
        "{:?}",
        report.labels.notes
    );
    // A refusal loses without a call.
    assert_eq!(server.count(), 240);
}

#[test]
fn input_that_serves_nothing_is_an_error_that_says_what_to_do() {
    let server = StandIn::start(world::reply);
    let fault = |prompts: &str, labels: &str, more: &str| {
        Work::new(prompts, &server, labels, more).fault(&[])
    };
    let error = fault("", "gold", "");
    assert!(error.contains("prompts.jsonl") && error.contains("empty"), "{error}");
    let error = fault(&world::prompts(0..30, true), "gold", "");
    assert!(
        error.contains("found 30 prompts labelled") && error.contains("Add prompts"),
        "{error}"
    );
    let error = fault(&world::prompts(0..100, false), "gold", "");
    assert!(error.contains("gold"), "{error}");
    let error = fault(&world::prompts(0..10, true), "gold", "sharez = [0.5]\n");
    assert!(error.contains("loop.toml") && error.contains("sharez"), "{error}");

    let work = Work::new(&world::prompts(0..100, false), &server, "judge", "");
    let models = fs::read_to_string(work.path("own/models.toml")).unwrap();
    fs::write(work.path("own/models.toml"), models.replace("judge = \"judge\"\n", "")).unwrap();
    let before = server.count();
    assert!(work.fault(&[]).contains("found no judge"));
    let keyed = models
        .replace("id = \"judge\"", "id = \"judge\"\nkey_env = \"POINTSMAN_TEST_NO_SUCH_KEY\"");
    fs::write(work.path("own/models.toml"), keyed).unwrap();
    assert!(work.fault(&[]).contains("POINTSMAN_TEST_NO_SUCH_KEY"));
    let unpriced = models.replace("input_price = 0.5\noutput_price = 2.0\n", "");
    fs::write(work.path("own/models.toml"), unpriced).unwrap();
    work.set("judge", "max_usd = 5.0\n");
    assert!(work.fault(&[]).contains("\"small\" states no prices"));
    assert_eq!(server.count(), before, "nobody pays before the faults are told");

    let gone = StandIn::start(|seen| match seen.body["model"].as_str() {
        Some("small") => {
            Reply::json(404, &serde_json::json!({"error": {"message": "no such model"}}))
        }
        _ => world::reply(seen),
    });
    let error = Work::new(&world::prompts(0..100, true), &gone, "gold", "").fault(&[]);
    assert!(error.contains("small") && error.contains("404"), "{error}");
}
