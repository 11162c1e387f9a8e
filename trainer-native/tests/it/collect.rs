//! `trainer collect` as a process: its files, its exit codes, kills and interrupts.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pointsman_trainer::completions::{
    CompletionRequest, CompletionStore, Message, ModelsFile, RequestKey,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::stand_in::{Reply, StandIn};

/// A folder with prompts and models, and what is collected in it.
struct Work {
    folder: TempDir,
}

impl Work {
    fn new(prompts: &str, models: &str) -> Self {
        let work = Self { folder: TempDir::new().unwrap() };
        fs::write(work.path("prompts-in.jsonl"), prompts).unwrap();
        fs::write(work.path("models.toml"), models).unwrap();
        work
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, flags: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trainer"));
        command.arg("collect").arg("--prompts").arg(self.path("prompts-in.jsonl"));
        command.arg("--models").arg(self.path("models.toml")).arg("--out").arg(self.path("out"));
        command.args(flags);
        command
    }

    fn run(&self, flags: &[&str]) -> Output {
        self.command(flags).output().unwrap()
    }

    fn answers(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.path("out/answers.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The queries that have an answer of the only model.
    fn stored(&self, count: usize) -> BTreeSet<String> {
        let model = ModelsFile::read(&self.path("models.toml")).unwrap().models.remove(0);
        let store = CompletionStore::open(&self.path("out/completions")).unwrap();
        let queries = (0..count).map(|number| format!("Question {number}?"));
        let has = |query: &String| {
            let request = CompletionRequest::new(vec![Message::user(query.as_str())], 0);
            store.contains(&RequestKey::of(&model, &request))
        };
        queries.filter(has).collect()
    }
}

fn model(id: &str, server: &StandIn, more: &str) -> String {
    let url = server.url();
    format!("[[models]]\nid = {id:?}\nendpoint = {url:?}\nmax_tokens = 100\n{more}\n")
}

const OPENAI: &str = "api = \"openai\"\ninput_price = 1.0\noutput_price = 10.0\n";

fn questions(count: usize) -> String {
    (0..count)
        .map(|number| format!("{}\n", json!({"query": format!("Question {number}?")})))
        .collect()
}

fn text(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err))
}

/// Waits until a condition holds, at most a minute.
fn until(condition: impl Fn() -> bool) {
    for _ in 0..60_000 {
        if condition() {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("it does not happen");
}

fn is_part(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "part")
}

#[test]
fn answers_stand_in_the_order_of_prompts_models_and_samples() {
    let small = StandIn::start(|seen| Reply::openai(&format!("S {}", seen.query()), 12, 80));
    let large = StandIn::start(|seen| Reply::anthropic(&format!("L {}", seen.query()), 10, 5));
    let judge = StandIn::start(|_| Reply::openai("A", 1, 1));
    let models = [
        "judge = \"judge\"\n".to_owned(),
        model("small", &small, OPENAI),
        model("large", &large, "api = \"anthropic\"\ninput_price = 3\noutput_price = 15"),
        model("judge", &judge, OPENAI),
    ];
    let prompts = [
        json!({"id": "p1", "query": "Name a prime above 10.", "dataset": "support", "gold": {"numeric": 11}}),
        json!({"prompt": "Name a river."}),
        json!({"id": 7, "query": "Name a prime above 10."}),
        json!({"id": "p4", "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]}),
    ];
    let work = Work::new(&prompts.map(|row| format!("{row}\n")).concat(), &models.concat());
    let output = work.run(&["--samples", "2", "--max-usd", "1"]);
    assert!(output.status.success(), "{}", text(&output));
    let printed = text(&output);
    for part in [
        "3 prompts\n  1 ask what an earlier one asks: asked once",
        "small: 6 to ask, 0 answered before; USD 0.00",
        "in all: 12 to ask",
        "capped at USD 1.00 in all",
        "12 asked, 0 failed, USD 0.0055 spent, USD 0.0055 in all",
        "answers.jsonl: 12 answers, 0 missing",
    ] {
        assert!(printed.contains(part), "{part}\n{printed}");
    }
    let answers = work.answers();
    let order: Vec<(&str, &str, u64)> = answers
        .iter()
        .map(|row| {
            (
                row["id"].as_str().unwrap(),
                row["model"].as_str().unwrap(),
                row["sample"].as_u64().unwrap(),
            )
        })
        .collect();
    let expected: Vec<(&str, &str, u64)> = ["p1", "prompts-in-2", "p4"]
        .into_iter()
        .flat_map(|id| ["small", "large"].map(|model| [(id, model, 0), (id, model, 1)]).concat())
        .collect();
    assert_eq!(order, expected);
    let first = &answers[0];
    assert!(first["latency_ms"].is_u64());
    let mut first = first.clone();
    first["latency_ms"] = 0.into();
    assert_eq!(
        first,
        json!({"id": "p1", "query": "Name a prime above 10.", "dataset": "support", "model": "small", "sample": 0,
            "answer": "S Name a prime above 10.", "finish": "stop", "input_tokens": 12, "output_tokens": 80,
            "cost_usd": 0.000812, "latency_ms": 0, "gold": {"numeric": 11}})
    );
    assert_eq!(answers[8]["messages"][0], json!({"role": "system", "content": "Be brief."}));
    assert_eq!((small.count(), large.count(), judge.count()), (6, 6, 0));
    let again = work.run(&["--samples", "2"]);
    assert!(again.status.success(), "{}", text(&again));
    assert!(text(&again).contains("0 asked, 0 failed, USD 0.0000 spent, USD 0.0055 in all"));
    assert_eq!((small.count(), large.count(), work.answers()), (6, 6, answers));
    assert!(!fs::read_dir(work.path("out")).unwrap().any(|entry| is_part(&entry.unwrap().path())));
}

#[test]
fn a_process_killed_at_random_goes_on_and_asks_nothing_answered_twice() {
    const COUNT: usize = 400;
    // Requests from this number on get no answer.
    let held_from = Arc::new(AtomicUsize::new(usize::MAX));
    let held = Arc::clone(&held_from);
    let server = StandIn::start(move |seen| {
        while seen.number >= held.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(1));
        }
        Reply::openai(&format!("To {}", seen.query()), 10, 10)
    });
    // The key tells the runs apart.
    let entry = format!("{OPENAI}concurrency = 4\nkey_env = \"POINTSMAN_TEST_RUN\"");
    let work = Work::new(&questions(COUNT), &model("small", &server, &entry));
    let command = |run: usize| {
        let mut command = work.command(&["--max-usd", "5"]);
        command.env("POINTSMAN_TEST_RUN", format!("run-{run}"));
        command
    };
    let asked_in = |run: usize| -> Vec<String> {
        let by = format!("Bearer run-{run}");
        let seen = server.seen().into_iter().filter(|seen| seen.headers["authorization"] == by);
        seen.map(|seen| seen.query().to_owned()).collect()
    };
    let mut before = BTreeSet::new();
    // Kills after numbers of requests without a pattern.
    let kills = [0, 1, 17, 3, 42, 8, 29, 5, 71, 13];
    for (run, kill_after) in kills.into_iter().enumerate() {
        let first = server.count() + kill_after;
        held_from.store(first, Ordering::SeqCst);
        let mut command = command(run);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        until(|| server.count() > first);
        child.kill().unwrap();
        child.wait().unwrap();
        held_from.store(usize::MAX, Ordering::SeqCst);
        let asked = asked_in(run);
        let again: Vec<&String> = asked.iter().filter(|query| before.contains(*query)).collect();
        assert!(again.is_empty(), "asked though answered: {again:?}");
        before = work.stored(COUNT);
    }
    let output = command(kills.len()).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let said = text(&output);
    assert!(said.contains("requests were sent whose answers were lost"), "{said}");
    let last: BTreeSet<String> = asked_in(kills.len()).into_iter().collect();
    assert_eq!((last.len(), asked_in(kills.len()).len()), (COUNT - before.len(), last.len()));
    assert!(last.is_disjoint(&before));
    let answers = work.answers();
    let order: Vec<String> = (0..COUNT).map(|number| format!("To Question {number}?")).collect();
    let found: Vec<&str> = answers.iter().map(|row| row["answer"].as_str().unwrap()).collect();
    assert_eq!(found, order);
    // What the server charged is covered by what the store counts as spent, and nothing else is asked twice.
    let store = CompletionStore::open(&work.path("out/completions")).unwrap();
    let charged = server.count() as f64 * 110e-6;
    assert!(store.spent_usd() >= charged - 1e-12, "{} {charged}", store.spent_usd());
    let lost = store.found().lost as usize;
    assert!((kills.len()..=kills.len() * 4).contains(&lost), "{lost}");
    assert!((COUNT..=COUNT + lost).contains(&server.count()), "{} {lost}", server.count());
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_with_what_is_there_and_how_to_go_on() {
    let server = StandIn::start(|seen| Reply::openai(seen.query(), 10, 10));
    let rate = format!("{OPENAI}requests_per_minute = 6000");
    let work = Work::new(&questions(2000), &model("small", &server, &rate));
    let mut command = work.command(&["--yes"]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    until(|| server.count() >= 20);
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", text(&output));
    let said = text(&output);
    for part in
        ["of 2000 answers are in", "Run the same command again to resume", "code: interrupted"]
    {
        assert!(said.contains(part), "{said}");
    }
    // What was in flight is kept.
    assert_eq!(work.answers().len(), server.count());
    assert_eq!(work.stored(2000).len(), server.count());
}

#[test]
fn the_cap_ends_a_run_and_a_higher_one_goes_on() {
    let server = StandIn::start(|_| Reply::openai("Yes.", 0, 100));
    let work = Work::new(&questions(40), &model("small", &server, OPENAI));
    let unconfirmed = work.run(&[]);
    assert_eq!((unconfirmed.status.code(), server.count()), (Some(1), 0));
    let said = text(&unconfirmed);
    for part in
        ["in all: 40 to ask", "up to USD 0.04", "--max-usd", "--yes", "code: cost_unconfirmed"]
    {
        assert!(said.contains(part), "{part}\n{said}");
    }
    let dry = work.run(&["--dry-run"]);
    assert!(dry.status.success() && server.count() == 0, "{}", text(&dry));
    let capped = work.run(&["--max-usd", "0.01"]);
    assert_eq!(capped.status.code(), Some(1));
    let said = text(&capped);
    for part in [
        "the cap of USD 0.01 is reached",
        "of 40 answers",
        "a higher cap (--max-usd",
        "code: cap_reached",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    // An answer costs USD 0.001, and its question at most a token for each of some 90 bytes.
    assert_eq!((server.count(), work.answers().len()), (9, 9));
    let output = work.run(&["--max-usd", "1"]);
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!((server.count(), work.answers().len()), (40, 40));
}

#[test]
fn a_model_that_is_gone_is_said_and_the_others_answers_are_written() {
    let gone = StandIn::start(|_| {
        Reply::json(404, &json!({"error": {"message": "no such model", "code": "model_not_found"}}))
    });
    let good = StandIn::start(|_| Reply::openai("Yes.", 1, 1));
    let free = "api = \"openai\"\ninput_price = 0\noutput_price = 0\nconcurrency = 1";
    let models = model("gone", &gone, free) + &model("good", &good, free);
    let work = Work::new(&questions(10), &models);
    let output = work.run(&[]);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for part in ["10 of 20 answers", "gone: http", "no such model", "code: models_stopped"] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    assert!(work.answers().iter().all(|row| row["model"] == "good"));
    assert_eq!((gone.count(), good.count()), (1, 10));
    let one = work.run(&["--model", "good"]);
    assert!(one.status.success(), "{}", text(&one));
    assert_eq!((gone.count(), good.count()), (1, 10));
}

#[test]
fn what_cannot_be_asked_is_said_before_anything_is() {
    let server = StandIn::start(|_| Reply::openai("Yes.", 1, 1));
    let unpriced = model("small", &server, "api = \"openai\"");
    let keyed = model("small", &server, "api = \"openai\"\nkey_env = \"POINTSMAN_TEST_ABSENT\"");
    for (prompts, models, flags, code) in [
        (questions(1), unpriced.clone(), vec!["--max-usd", "1"], "unknown_price"),
        (questions(1), unpriced.clone(), vec![], "cost_unconfirmed"),
        (questions(1), keyed, vec!["--yes"], "missing_key"),
        (questions(1), unpriced.clone(), vec!["--yes", "--model", "huge"], "bad_models"),
        (questions(1), format!("judge = \"small\"\n{unpriced}"), vec!["--yes"], "bad_models"),
        (questions(1), "models = 3".into(), vec!["--yes"], "bad_models"),
        ("{\"query\": 3}\n".into(), unpriced.clone(), vec!["--yes"], "wrong_type"),
        ("{\"query\": \" \"}\n".into(), unpriced.clone(), vec!["--yes", "--skip-bad"], "no_rows"),
    ] {
        let work = Work::new(&prompts, &models);
        let output = work.run(&flags);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));
        assert!(text(&output).contains(&format!("code: {code}\n")), "{code}\n{}", text(&output));
    }
    assert_eq!(server.count(), 0);
}

#[test]
fn a_folder_is_filled_by_one_process_at_a_time() {
    let server = StandIn::start(|_| Reply::openai("Yes.", 1, 1));
    let work = Work::new(&questions(1), &model("small", &server, OPENAI));
    let store = CompletionStore::open(&work.path("out/completions")).unwrap();
    let output = work.run(&["--yes"]);
    assert!(text(&output).contains("code: store_in_use"), "{}", text(&output));
    drop(store);
    let output = work.run(&["--yes"]);
    assert!(output.status.success(), "{}", text(&output));
}
