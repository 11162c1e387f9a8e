//! Asking LLMs: both APIs, faults of upstreams, the cost cap, interrupts.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::time::{Duration, Instant};

use pointsman_trainer::TrainerError;
use pointsman_trainer::completions::{
    CompletionRequest, CompletionStore, Event, Finish, Job, Limits, Message, ModelEntry,
    ModelsFile, Progress, RequestKey, Role, Silent, Stopped, Stream, Summary, complete_all,
    complete_streams,
};
use serde_json::json;
use tempfile::TempDir;

use crate::stand_in::{Reply, StandIn};

/// An entry that asks a stand-in; `more` are further lines.
fn entry(server: &StandIn, more: &str) -> ModelEntry {
    entry_of("small", server, more)
}

fn entry_of(id: &str, server: &StandIn, more: &str) -> ModelEntry {
    let api = if more.contains("api =") { "" } else { "api = \"openai\"\n" };
    let url = server.url();
    let text =
        format!("[[models]]\nid = {id:?}\nendpoint = {url:?}\nmax_tokens = 100\n{api}{more}");
    ModelsFile::parse(&text).unwrap().models.remove(0)
}

const PRICES: &str = "input_price = 1.0\noutput_price = 10.0\n";

fn limits() -> Limits {
    Limits { backoff_ms: 1, ..Limits::default() }
}

fn question(number: usize) -> CompletionRequest {
    CompletionRequest::new(vec![Message::user(format!("Question {number}?"))], 0)
}

fn store() -> (TempDir, CompletionStore) {
    let folder = TempDir::new().unwrap();
    let store = CompletionStore::open(folder.path()).unwrap();
    (folder, store)
}

/// Asks questions `0..count`.
fn ask(
    model: &ModelEntry,
    count: usize,
    store: &CompletionStore,
    limits: &Limits,
) -> Result<Summary, TrainerError> {
    let mut jobs = (0..count).map(|number| Job { model, request: question(number) });
    complete_all(&mut jobs, store, limits, &Silent, &AtomicBool::new(false))
}

fn answered(number: usize, model: &ModelEntry, store: &CompletionStore) -> Option<String> {
    let key = RequestKey::of(model, &question(number));
    store.get(&key).unwrap().map(|completion| completion.text)
}

#[test]
fn openai_is_asked_once_and_answers_are_kept() {
    let server = StandIn::start(|seen| Reply::openai(&format!("To {}", seen.query()), 7, 3));
    let model = entry(&server, PRICES);
    let (folder, store) = store();
    let summary = ask(&model, 20, &store, &limits()).unwrap();
    assert_eq!((summary.asked, summary.reused, summary.failed_count), (20, 0, 0));
    assert_eq!(summary.finishes.get(&Finish::Stop), Some(&20));
    assert_eq!(summary.spent_usd, 20.0 * (7.0 + 30.0) / 1e6);
    let seen = server.seen();
    assert_eq!(seen.len(), 20);
    assert!(seen.iter().all(|seen| seen.path == "/v1/chat/completions"));
    assert_eq!(seen[0].headers.get("authorization"), None);
    let expected = json!({"model": "small", "max_tokens": 100, "messages": [{"role": "user", "content": seen[0].query()}]});
    assert_eq!(seen[0].body, expected);
    drop(store);
    let store = CompletionStore::open(folder.path()).unwrap();
    let again = ask(&model, 22, &store, &limits()).unwrap();
    assert_eq!((again.asked, again.reused, server.count()), (2, 20, 22));
    let key = RequestKey::of(&model, &question(5));
    let completion = store.get(&key).unwrap().unwrap();
    assert_eq!(completion.text, "To Question 5?");
    assert_eq!(completion.answered_by.as_deref(), Some("stand-in-1"));
    assert_eq!((completion.input_tokens, completion.output_tokens), (7, 3));
    assert_eq!(completion.cost_usd, Some(37e-6));
    assert_eq!((completion.model.as_str(), completion.usage_stated), ("small", true));
    assert_eq!(store.spent_usd(), 22.0 * 37.0 / 1e6);
}

#[test]
fn anthropic_gets_system_turns_as_a_field_and_its_own_headers() {
    let server = StandIn::start(|_| Reply::anthropic("Yes.", 7, 3));
    // A variable that is set wherever tests run.
    let model = entry(&server, "api = \"anthropic\"\nkey_env = \"HOME\"");
    let (_folder, store) = store();
    let request = CompletionRequest {
        max_tokens: Some(9),
        ..CompletionRequest::new(
            vec![Message::new(Role::System, "Be brief."), Message::user("Is it?")],
            0,
        )
    };
    let mut jobs = [Job { model: &model, request: request.clone() }].into_iter();
    let never = AtomicBool::new(false);
    let summary = complete_all(&mut jobs, &store, &limits(), &Silent, &never).unwrap();
    assert_eq!((summary.asked, server.count()), (1, 1));
    let seen = server.seen().remove(0);
    assert_eq!(seen.path, "/v1/messages");
    assert_eq!(seen.headers["anthropic-version"], "2023-06-01");
    assert_eq!(seen.headers["x-api-key"], std::env::var("HOME").unwrap());
    let expected = json!({"model": "small", "max_tokens": 9, "system": "Be brief.",
        "messages": [{"role": "user", "content": "Is it?"}]});
    assert_eq!(seen.body, expected);
    let completion = store.get(&RequestKey::of(&model, &request)).unwrap().unwrap();
    assert_eq!((completion.text.as_str(), completion.cost_usd), ("Yes.", None));
}

#[test]
fn samples_are_asked_apart_and_repeated_jobs_once() {
    let server = StandIn::start(|_| Reply::openai("Yes.", 1, 1));
    let model = entry(&server, "");
    let (_folder, store) = store();
    let sample = |sample| CompletionRequest { sample, ..question(0) };
    let requests = [0, 1, 2, 0, 1, 2, 0].map(sample);
    let mut jobs = requests.into_iter().map(|request| Job { model: &model, request });
    let never = AtomicBool::new(false);
    let summary = complete_all(&mut jobs, &store, &limits(), &Silent, &never).unwrap();
    assert_eq!((summary.asked, summary.reused, server.count()), (3, 4, 3));
}

#[test]
fn what_may_pass_is_asked_again_and_what_will_not_is_not() {
    // Each question fails in its own way until its third attempt.
    let attempts: Mutex<Vec<usize>> = Mutex::new(vec![0; 12]);
    let server = StandIn::start(move |seen| {
        let number: usize =
            seen.query().trim_start_matches("Question ").trim_end_matches('?').parse().unwrap();
        let attempt = {
            let mut attempts = attempts.lock().unwrap();
            attempts[number] += 1;
            attempts[number]
        };
        if attempt >= 3 && number < 8 {
            return Reply::openai("At last.", 1, 1);
        }
        let error = json!({"error": {"message": "try again"}});
        match number {
            0 => Reply::json(500, &error),
            1 => Reply::json(503, &error).with("retry-after", "0"),
            2 => Reply::json(429, &error).with("retry-after", "0.01"),
            3 => Reply::json(529, &json!({"type": "error", "error": {"type": "overloaded_error"}})),
            4 => Reply::html(502),
            5 => Reply::Close,
            6 => Reply::Torn,
            7 => Reply::html(200),
            8 => Reply::json(400, &json!({"error": {"message": "too long a prompt"}})),
            9 => Reply::json(422, &json!({"detail": "no"})),
            10 => Reply::json(500, &error),
            _ => Reply::json(200, &json!({"choices": []})),
        }
    });
    let model = entry(&server, "");
    let (_folder, store) = store();
    let limits = Limits { attempts: 4, ..limits() };
    let summary = ask(&model, 12, &store, &limits).unwrap();
    assert_eq!((summary.asked, summary.failed_count), (8, 4), "{summary:?}");
    assert!((0..8).all(|number| answered(number, &model, &store).is_some()));
    let reason = |number| {
        let key = RequestKey::of(&model, &question(number));
        let failure = summary.failed.iter().find(|failure| failure.key == key).unwrap();
        failure.reason.clone()
    };
    assert!(reason(8).ends_with("answered with status 400: too long a prompt"), "{}", reason(8));
    assert!(reason(9).contains("status 422"), "{}", reason(9));
    assert!(reason(10).contains("status 500: try again (attempt 4, the last)"), "{}", reason(10));
    assert!(reason(11).contains("found no choices"), "{}", reason(11));
    // Two that are not asked again, eight that succeed at the third attempt, two that fail four times.
    assert_eq!(server.count(), 2 + 8 * 3 + 2 * 4);
    assert_eq!(summary.retries, 8 * 2 + 2 * 3);
}

#[test]
fn html_in_place_of_json_is_named() {
    let server = StandIn::start(|_| Reply::html(200));
    let model = entry(&server, PRICES);
    let (_folder, store) = store();
    let summary = ask(&model, 1, &store, &Limits { attempts: 2, ..limits() }).unwrap();
    assert_eq!((summary.asked, summary.failed_count, store.len()), (0, 1, 0));
    let reason = &summary.failed[0].reason;
    assert!(reason.contains("found an HTML page of 50 bytes, expected JSON"), "{reason}");
    // The page may stand for an answer that costs: both attempts count at their most, 100 tokens of output and
    // a token for each byte of input.
    let most = 64.0 + 16.0 + 11.0 + 10.0 * 100.0;
    assert_eq!(summary.spent_usd, 2.0 * most / 1e6);
}

#[test]
fn a_rate_limit_is_waited_for_and_halves_what_is_in_flight() {
    let (most, now) = (Arc::new(AtomicUsize::new(0)), AtomicUsize::new(0));
    let (seen_most, all) = (Arc::clone(&most), Barrier::new(16));
    let server = StandIn::start(move |seen| {
        let in_flight = now.fetch_add(1, Ordering::SeqCst) + 1;
        let limited = seen.number < 16;
        if limited {
            // Sixteen are in flight at once, and too many.
            all.wait();
        } else if seen.number < 24 {
            seen_most.fetch_max(in_flight, Ordering::SeqCst);
        }
        now.fetch_sub(1, Ordering::SeqCst);
        match limited {
            true => Reply::json(429, &json!({"error": {"message": "slow down"}}))
                .with("retry-after", "0.02"),
            false => Reply::openai("Yes.", 1, 1),
        }
    });
    let model = entry(&server, "concurrency = 16");
    let (_folder, store) = store();
    let summary = ask(&model, 200, &store, &limits()).unwrap();
    assert_eq!((summary.asked, summary.failed_count, summary.retries), (200, 0, 16));
    assert!((1..=8).contains(&most.load(Ordering::SeqCst)));
}

#[test]
fn retry_after_is_honoured_in_seconds_and_as_a_date() {
    for (name, wait) in [("retry-after", "1"), ("retry-after-ms", "1000"), ("date", "")] {
        let times: Arc<Mutex<Vec<Instant>>> = Arc::default();
        let taken = Arc::clone(&times);
        let server = StandIn::start(move |seen| {
            taken.lock().unwrap().push(Instant::now());
            let limited = Reply::json(429, &json!({"error": {"message": "slow down"}}));
            match (seen.number, wait) {
                (0, "") => limited
                    .with("date", "Sun, 06 Nov 1994 08:49:37 GMT")
                    .with("retry-after", "Sun, 06 Nov 1994 08:49:38 GMT"),
                (0, wait) => limited.with(name, wait),
                _ => Reply::openai("Yes.", 1, 1),
            }
        });
        let model = entry(&server, "");
        let (_folder, store) = store();
        assert_eq!(ask(&model, 1, &store, &limits()).unwrap().asked, 1);
        let times = times.lock().unwrap();
        assert!(times[1] - times[0] >= Duration::from_secs(1), "{name}");
    }
}

#[test]
fn a_wait_of_hours_stops_the_model_with_a_word() {
    let server = StandIn::start(|_| {
        Reply::json(429, &json!({"error": {"message": "daily quota"}})).with("retry-after", "7200")
    });
    let model = entry(&server, "concurrency = 1");
    let (_folder, store) = store();
    let summary = ask(&model, 5, &store, &limits()).unwrap();
    assert_eq!((summary.asked, summary.failed_count, server.count()), (0, 0, 1));
    let reason = &summary.stopped_models[0].reason;
    assert!(reason.contains("daily quota") && reason.contains("7200 s"), "{reason}");
}

#[test]
fn a_vanished_model_or_a_wrong_key_stops_that_model_alone() {
    let wrong =
        json!({"error": {"message": "Incorrect API key: sk-li**abc", "code": "invalid_api_key"}});
    let gone =
        json!({"error": {"message": "The model `old` does not exist", "code": "model_not_found"}});
    let no_money =
        json!({"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}});
    for (status, body, part) in [
        (401, &wrong, "status 401: invalid_api_key. Check the key"),
        (403, &wrong, "status 403: invalid_api_key. Check that the key may"),
        (404, &gone, "status 404: The model `old` does not exist. Check endpoint and model"),
        (429, &no_money, "status 429: You exceeded your quota. Add credit"),
        (307, &gone, "State the address that it redirects to"),
    ] {
        let reply = Reply::json(status, body);
        let (bad, good) = (
            StandIn::start(move |_| reply.clone()),
            StandIn::start(|_| Reply::openai("Yes.", 1, 1)),
        );
        let models = [entry_of("old", &bad, "concurrency = 1"), entry_of("new", &good, "")];
        let (_folder, store) = store();
        let mut jobs = (0..40).flat_map(|number| {
            models.iter().map(move |model| Job { model, request: question(number) })
        });
        let never = AtomicBool::new(false);
        let summary = complete_all(&mut jobs, &store, &limits(), &Silent, &never).unwrap();
        assert_eq!((summary.asked, summary.failed_count, bad.count()), (40, 0, 1), "{summary:?}");
        let [stopped] = summary.stopped_models.as_slice() else { panic!("{summary:?}") };
        assert_eq!(stopped.model, "old");
        assert!(stopped.reason.contains(part), "{}", stopped.reason);
        assert!(!stopped.reason.contains("sk-li"), "{}", stopped.reason);
    }
}

#[test]
fn a_server_that_is_down_stops_its_model_after_some_failures() {
    let address = StandIn::start(|_| Reply::Close).url();
    let text = format!(
        "[[models]]\nid = \"m\"\napi = \"openai\"\nendpoint = {address:?}\nmax_tokens = 9\nconcurrency = 2\n{PRICES}"
    );
    let model = ModelsFile::parse(&text).unwrap().models.remove(0);
    // The stand-in accepts until its thread has woken.
    while std::net::TcpStream::connect(
        address.trim_start_matches("http://").trim_end_matches("/v1"),
    )
    .is_ok()
    {}
    let (_folder, store) = store();
    let summary = ask(&model, 500, &store, &Limits { attempts: 2, ..limits() }).unwrap();
    assert!((25..=27).contains(&summary.failed_count), "{}", summary.failed_count);
    assert!(summary.stopped_models[0].reason.starts_with("25 requests failed one after another"));
    assert_eq!(summary.spent_usd, 0.0);
}

#[test]
fn keys_stand_in_no_error_and_no_store() {
    let server = StandIn::start(|seen| {
        let key = seen.headers["authorization"].trim_start_matches("Bearer ").to_owned();
        Reply::json(400, &json!({"error": {"message": format!("bad request with {key}")}}))
    });
    let model = entry(&server, "key_env = \"HOME\"");
    let key = std::env::var("HOME").unwrap();
    let (folder, store) = store();
    let summary = ask(&model, 3, &store, &limits()).unwrap();
    assert_eq!(summary.failed_count, 3);
    assert!(summary.failed[0].reason.ends_with("bad request with (key)"), "{summary:?}");
    drop(store);
    let stored = std::fs::read_to_string(folder.path().join("completions.log")).unwrap();
    assert!(!stored.contains(&key), "{stored}");

    let absent = entry(&server, "key_env = \"POINTSMAN_TEST_ABSENT\"");
    let store = CompletionStore::open(folder.path()).unwrap();
    let error = ask(&absent, 1, &store, &limits()).unwrap_err();
    assert_eq!(error.code(), "missing_key");
    for part in ["\"small\"", "POINTSMAN_TEST_ABSENT is not set"] {
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn answers_that_are_none_are_counted_by_what_they_are() {
    let server = StandIn::start(|seen| {
        let choice = |content: serde_json::Value, reason: &str| {
            Reply::json(
                200,
                &json!({"choices": [{"message": content, "finish_reason": reason}],
                    "usage": {"prompt_tokens": 2, "completion_tokens": 2}}),
            )
        };
        match seen.query() {
            "Question 0?" => choice(json!({"content": null, "refusal": "No."}), "stop"),
            "Question 1?" => choice(json!({"content": ""}), "stop"),
            "Question 2?" => choice(json!({"content": "Half an"}), "length"),
            "Question 3?" => choice(json!({"content": ""}), "content_filter"),
            "Question 4?" => Reply::json(
                200,
                &json!({"choices": [{"message": {"content": "Twelve bytes"}, "finish_reason": "stop"}]}),
            ),
            _ => Reply::openai("Yes.", 1, 1),
        }
    });
    let model = entry(&server, PRICES);
    let (_folder, store) = store();
    let summary = ask(&model, 6, &store, &limits()).unwrap();
    let count = |finish| summary.finishes.get(&finish).copied().unwrap_or_default();
    assert_eq!(Finish::ALL.map(count), [2, 1, 1, 1, 1]);
    assert_eq!((summary.asked, summary.without_usage), (6, 1));
    let key = RequestKey::of(&model, &question(4));
    let estimated = store.get(&key).unwrap().unwrap();
    assert!(!estimated.usage_stated);
    assert_eq!((estimated.input_tokens, estimated.output_tokens), (3, 3));
    assert_eq!(estimated.cost_usd, Some(33e-6));
    // Four answers of 2 and 2 tokens, one of 1 and 1, and the most of the one that does not say.
    let most = 64.0 + 16.0 + 11.0 + 1000.0;
    assert_eq!(store.spent_usd(), (4.0 * 22.0 + 11.0 + most) / 1e6);
}

#[test]
fn the_cap_holds_to_the_cent_under_sixteen_threads() {
    // Answers of 1 to 100 tokens at USD 100 a million: up to a cent each.
    let server =
        StandIn::start(|seen| Reply::openai("Yes.", 0, 1 + (seen.number as u64 * 37) % 100));
    let prices = "input_price = 0.0\noutput_price = 100.0\nconcurrency = 16";
    let model = entry(&server, prices);
    let (folder, mut store) = store();
    let mut asked = 0;
    for cap in [0.10, 0.25, 1.0] {
        let limits = Limits { max_usd: Some(cap), ..limits() };
        let summary = ask(&model, 500, &store, &limits).unwrap();
        assert_eq!(summary.stopped, Some(Stopped::Cap));
        asked += summary.asked;
        let charged: u64 =
            server.seen().iter().map(|seen| 1 + (seen.number as u64 * 37) % 100).sum();
        let true_cost = charged as f64 / 1e4;
        assert!(true_cost <= cap, "{true_cost} of {cap}");
        assert!(true_cost > cap - 0.01, "{true_cost} of {cap}: another request would have fitted");
        assert!((store.spent_usd() - true_cost).abs() < 1e-12);
        drop(store);
        store = CompletionStore::open(folder.path()).unwrap();
        assert!((store.spent_usd() - true_cost).abs() < 1e-12);
    }
    assert_eq!((store.len(), server.count()), (asked as usize, asked as usize));
}

#[test]
fn a_cap_needs_prices_and_an_upstream_that_keeps_to_max_tokens() {
    let server = StandIn::start(|_| Reply::openai("Long.", 1, 5000));
    let (_folder, store) = store();
    let capped = Limits { max_usd: Some(1.0), ..limits() };
    let error = ask(&entry(&server, ""), 1, &store, &capped).unwrap_err();
    assert_eq!((error.code(), server.count()), ("unknown_price", 0));
    assert!(error.to_string().contains("\"small\""), "{error}");
    let model = entry(&server, &format!("{PRICES}concurrency = 1"));
    let summary = ask(&model, 10, &store, &capped).unwrap();
    assert_eq!((summary.asked, server.count()), (1, 1));
    let reason = &summary.stopped_models[0].reason;
    assert!(reason.contains("5000 tokens") && reason.contains("max_completion_tokens"), "{reason}");
}

#[test]
fn limits_that_are_none_are_errors() {
    let server = StandIn::start(|_| Reply::openai("Yes.", 1, 1));
    let model = entry(&server, PRICES);
    let (_folder, store) = store();
    for (bad, part) in [
        (Limits { max_usd: Some(f64::NAN), ..limits() }, "max_usd"),
        (Limits { max_usd: Some(-1.0), ..limits() }, "found -1"),
        (Limits { attempts: 0, ..limits() }, "attempts"),
        (Limits { concurrency: 0, ..limits() }, "concurrency"),
    ] {
        let error = ask(&model, 1, &store, &bad).unwrap_err();
        assert_eq!(error.code(), "bad_setting");
        assert!(error.to_string().contains(part), "{error}");
    }
    assert_eq!(server.count(), 0);
}

/// Sets a flag when so many answers are there.
struct StopAfter<'a> {
    stop: &'a AtomicBool,
    answers: usize,
    seen: AtomicUsize,
}

impl Progress for StopAfter<'_> {
    fn report(&self, event: Event<'_>, _: f64) {
        let asked = matches!(event, Event::Asked(_));
        if asked && self.seen.fetch_add(1, Ordering::SeqCst) + 1 == self.answers {
            self.stop.store(true, Ordering::SeqCst);
        }
    }
}

#[test]
fn an_interrupt_keeps_what_is_in_flight_and_the_next_call_goes_on() {
    let server = StandIn::start(|_| Reply::openai("Yes.", 1, 1));
    let model = entry(&server, PRICES);
    let (_folder, store) = store();
    let stop = AtomicBool::new(false);
    let progress = StopAfter { stop: &stop, answers: 30, seen: AtomicUsize::new(0) };
    let mut jobs = (0..100).map(|number| Job { model: &model, request: question(number) });
    let summary = complete_all(&mut jobs, &store, &limits(), &progress, &stop).unwrap();
    assert_eq!(summary.stopped, Some(Stopped::Interrupted));
    assert!((30..30 + 8).contains(&summary.asked), "{}", summary.asked);
    assert_eq!((store.len(), server.count()), (summary.asked as usize, summary.asked as usize));
    let rest = ask(&model, 100, &store, &limits()).unwrap();
    assert_eq!((rest.asked, rest.reused, rest.stopped), (100 - summary.asked, summary.asked, None));
    let queries: BTreeSet<String> = server.seen().iter().map(|seen| seen.query().into()).collect();
    assert_eq!((queries.len(), server.count()), (100, 100));
}

#[test]
fn an_interrupt_ends_waits() {
    let server = StandIn::start(|_| {
        Reply::json(503, &json!({"error": {"message": "later"}})).with("retry-after", "600")
    });
    let model = entry(&server, "");
    let (_folder, store) = store();
    struct StopAtWait<'a>(&'a AtomicBool);
    impl Progress for StopAtWait<'_> {
        fn report(&self, event: Event<'_>, _: f64) {
            if let Event::Waits { seconds, .. } = event {
                assert_eq!(seconds, 600.0);
                self.0.store(true, Ordering::SeqCst);
            }
        }
    }
    let stop = AtomicBool::new(false);
    let mut jobs = (0..20).map(|number| Job { model: &model, request: question(number) });
    let summary = complete_all(&mut jobs, &store, &limits(), &StopAtWait(&stop), &stop).unwrap();
    assert_eq!((summary.stopped, summary.asked), (Some(Stopped::Interrupted), 0));
    assert_eq!((summary.failed_count, store.spent_usd()), (0, 0.0));
}

#[test]
fn a_slow_model_does_not_hold_up_the_others() {
    // The slow model's answers come after all answers of the fast one, or never.
    let done = Arc::new(AtomicUsize::new(0));
    let (fast_done, slow_sees) = (Arc::clone(&done), Arc::clone(&done));
    let fast = StandIn::start(move |_| {
        fast_done.fetch_add(1, Ordering::SeqCst);
        Reply::openai("Fast.", 1, 1)
    });
    let slow = StandIn::start(move |_| {
        while slow_sees.load(Ordering::SeqCst) < 2000 {
            std::thread::yield_now();
        }
        Reply::openai("Slow.", 1, 1)
    });
    let models = [entry_of("slow", &slow, "concurrency = 1"), entry_of("fast", &fast, "")];
    let (_folder, store) = store();
    let streams =
        models.iter().map(|model| Stream { model, requests: Box::new((0..2000).map(question)) });
    let never = AtomicBool::new(false);
    let summary = complete_streams(streams.collect(), &store, &limits(), &Silent, &never).unwrap();
    assert_eq!((summary.asked, store.len()), (4000, 4000));
}

#[test]
fn a_models_file_that_is_wrong_says_what() {
    let base = "id = \"m\"\napi = \"openai\"\nendpoint = \"http://a/v1\"\nmax_tokens = 9\n";
    for (text, parts) in [
        ("".to_owned(), ["missing field `models`", ""]),
        ("models = []".to_owned(), ["no [[models]]", "at least one"]),
        (
            format!("[[models]]\n{base}temprature = 1"),
            ["unknown field `temprature`", "temperature"],
        ),
        (format!("[[models]]\n{base}api_key = \"x\""), ["unknown field `api_key`", "key_env"]),
        (format!("[[models]]\n{base}key_env = \"sk-12\""), ["key_env", "environment"]),
        (format!("[[models]]\n{base}input_price = 1"), ["one price", "output_price"]),
        (
            format!("[[models]]\n{base}input_price = -1\noutput_price = 1"),
            ["input_price = -1", "0 to"],
        ),
        (
            format!("[[models]]\n{base}input_price = nan\noutput_price = 1"),
            ["input_price = NaN", "0 to"],
        ),
        (format!("[[models]]\n{base}concurrency = 0"), ["concurrency = 0", "1 to 1024"]),
        (format!("[[models]]\n{base}requests_per_minute = 0"), ["requests_per_minute = 0", ""]),
        (format!("[[models]]\n{base}body = {{ stream = true }}"), ["body states \"stream\"", ""]),
        (
            format!("[[models]]\n{base}body = {{ max_completion_tokens = 0 }}"),
            ["max_completion_tokens", "from 1"],
        ),
        (format!("[[models]]\n{base}[[models]]\n{base}"), ["\"m\" twice", "each once"]),
        (format!("judge = \"j\"\n[[models]]\n{base}"), ["judge \"j\"", "one of m"]),
        (
            base.replace("http://a/v1", "a/v1").replace("id", "[[models]]\nid"),
            ["\"a/v1\"", "https://"],
        ),
        (
            base.replace("/v1", "/v1/chat/completions").replace("id", "[[models]]\nid"),
            ["/chat/completions", "\"http://a/v1\""],
        ),
        (
            base.replace("//a", "//key@a").replace("id", "[[models]]\nid"),
            ["endpoint holds a user", "key_env"],
        ),
        (
            base.replace("openai", "cohere").replace("id", "[[models]]\nid"),
            ["unknown variant `cohere`", "anthropic"],
        ),
        (
            base.replace("= 9", "= 0").replace("id", "[[models]]\nid"),
            ["max_tokens = 0", "at least 1"],
        ),
    ] {
        let error = ModelsFile::parse(&text).unwrap_err();
        for part in parts {
            assert!(error.contains(part), "{text}\n{part}\n{error}");
        }
        assert!(!error.contains("key@a"), "{error}");
    }
}
