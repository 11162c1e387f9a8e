//! Evaluations that other programs store: the answers of several models join to one row a question.

#![allow(clippy::panic)]

mod inspect;
mod promptfoo;

use rawzip::CompressionMethod;
use serde_json::{Value, json};

use super::*;
use inspect::{archive, inspect_header, inspect_json, inspect_sample};
use promptfoo::{promptfoo, promptfoo_result};

use crate::data::convert::{Conversion, Converted, ModelSource, Original, convert};

const FIRST: &str = "2026-11-28T10:00:00+00:00";
const LATER: &str = "2026-11-29T10:00:00+00:00";

/// Each row as `id|query|model score ...`.
fn shown(outcomes: &Outcomes) -> Vec<String> {
    let row = |row: &OutcomeRow| {
        let scores = row.scores.iter().map(|(at, score)| {
            let cost = row.cost(*at).map_or_else(String::new, |cost| format!(" for {cost}"));
            format!("{} {score}{cost}", outcomes.models[*at])
        });
        format!("{}|{}|{}", row.id, row.query, Vec::from_iter(scores).join(", "))
    };
    outcomes.rows.iter().map(row).collect()
}

fn conversion(source: &Source, from: Original, metric: Option<&str>) -> Conversion {
    let sources = vec![ModelSource { model: None, path: source.path("") }];
    Conversion { metric: metric.map(str::to_owned), ..Conversion::new(from, sources) }
}

fn converted(
    source: &Source,
    from: Original,
    metric: Option<&str>,
) -> Result<Converted, DataError> {
    convert(&conversion(source, from, metric))
}

fn evals_log(model: &[&str], created: &str, events: &[Value]) -> String {
    let spec = json!({"spec": {"completion_fns": model, "eval_name": "metals.dev.v0", "created_at": created}});
    let report = json!({"final_report": {"accuracy": f64::midpoint(0.0, 1.0)}, "run_id": "r"});
    let lines = [spec, report].into_iter().chain(events.iter().cloned());
    lines.map(|line| line.to_string() + "\n").collect()
}

fn evals_event(sample: &str, kind: &str, data: Value) -> Value {
    json!({"run_id": "r", "event_id": 0, "sample_id": sample, "type": kind, "data": data})
}

#[test]
fn event_logs_of_openai_evals_join_prompts_and_scores_by_sample() {
    let chat = |text: &str| json!({"prompt": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]});
    let small = [
        evals_event("s.0", "sampling", chat("Softest metal?")),
        evals_event("s.1", "sampling", json!({"prompt": "Palest metal?"})),
        evals_event("s.1", "match", json!({"correct": false})),
        evals_event("s.0", "match", json!({"correct": true})),
        evals_event("s.2", "sampling", json!({"prompt": "Dearest metal?"})),
        evals_event("s.3", "match", json!({"correct": true})),
    ];
    let large = [
        evals_event("s.0", "sampling", chat("Softest metal?")),
        evals_event("s.0", "sampling", chat("Is the answer right?")),
        evals_event("s.0", "metrics", json!({"choice": "B", "score": 0.5})),
        evals_event("s.1", "raw_sample", json!({"input": "Palest metal?"})),
        evals_event("s.1", "metrics", json!({"choice": "__invalid__", "score": null, "f1": 0.25})),
    ];
    let source = Source::new(&[
        ("large.jsonl", evals_log(&["large", "judge"], LATER, &large).as_bytes()),
        ("small.jsonl", evals_log(&["small"], FIRST, &small).as_bytes()),
    ]);
    let loaded = source.strict("").unwrap();
    assert_eq!(loaded.format, Format::OpenaiEvals);
    assert_eq!(
        shown(&loaded.outcomes),
        ["s.0|Softest metal?|large 0.5, small 1", "s.1|Palest metal?|small 0"]
    );
    assert_eq!(
        Vec::from_iter(loaded.passed_over),
        [("samples whose prompt was not recorded", 1), ("samples without a score", 2)]
    );
    let f1 = converted(&source, Original::OpenaiEvals, Some("f1")).unwrap();
    assert_eq!(shown(&f1.outcomes), ["s.1|Palest metal?|large 0.25"]);
}

#[test]
fn bad_events_of_openai_evals_are_placed() {
    let good = [
        evals_event("s.0", "sampling", json!({"prompt": "q"})),
        evals_event("s.0", "match", json!({"correct": true})),
    ];
    for (bad, code) in [
        (evals_event("s.1", "sampling", json!({"prompt": 3})).to_string(), "bad_messages"),
        (evals_event("s.1", "match", json!({"correct": "yes"})).to_string(), "score_not_a_number"),
        ("{\"run_id\": ".to_owned(), "json_syntax"),
        ("[]".to_owned(), "wrong_type"),
    ] {
        let text = evals_log(&["m"], FIRST, &good) + &bad;
        let source = Source::new(&[("x.jsonl", text.as_bytes())]);
        let error = source.strict("x.jsonl").unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains("x.jsonl:5: "), "{error}");
    }
    let far = [good[0].clone(), evals_event("s.0", "metrics", json!({"score": 7}))];
    let source = Source::new(&[("x.jsonl", evals_log(&["m"], FIRST, &far).as_bytes())]);
    assert_eq!(source.strict("x.jsonl").unwrap_err().code(), "score_out_of_range");
    let orphan = format!("{}\n{}", good[0], good[1]);
    let twice = evals_log(&["m"], FIRST, &good).repeat(2);
    let nameless = evals_log(&[], FIRST, &good);
    for (text, said) in
        [(orphan, "before the \"spec\""), (twice, "a second \"spec\""), (nameless, "MODEL=PATH")]
    {
        fs::write(source.path("x.jsonl"), &text).unwrap();
        let error =
            read(&source.path("x.jsonl"), Some(Format::OpenaiEvals), &ReadOptions::default())
                .unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[test]
fn logs_of_the_harness_in_folders_are_a_format_too() {
    let line = |score: u8| {
        format!(
            "{{\"doc_id\": 0, \"doc_hash\": \"x\", \"arguments\": {{\"gen_args_0\": {{\"arg_0\": [\"[{{\\\"role\\\": \\\"user\\\", \\\"content\\\": \\\"Why?\\\"}}]\"]}}}}, \"metrics\": [\"acc\"], \"acc\": {score}}}\n"
        )
    };
    let source = Source::new(&[]);
    for (model, score) in [("large", 1), ("small", 0)] {
        fs::create_dir(source.path(model)).unwrap();
        let log = format!("{model}/samples_metals_2026-11-29T10-00-00.jsonl");
        fs::write(source.path(&log), line(score)).unwrap();
        let summary = format!("{model}/results_2026-11-29T10-00-00.json");
        fs::write(source.path(&summary), "{\"results\": {}, \"n-shot\": {}}").unwrap();
    }
    let loaded = source.strict("").unwrap();
    assert_eq!(loaded.format, Format::LmEval);
    assert_eq!(shown(&loaded.outcomes), ["metals-0|Why?|large 1, small 0"]);
    fs::write(source.path("own.jsonl"), line(1)).unwrap();
    let found = inspect(&source.path("own.jsonl"), None, &ReadOptions::default()).unwrap();
    assert_eq!((found.rows, found.format), (1, Format::LmEval));
}

/// Damages of a file: cuts, and single bytes replaced.
fn damaged(sound: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let step = (sound.len() / 80).max(1);
    (0..sound.len()).step_by(step).flat_map(move |at| {
        let with = |byte: u8| {
            let mut bytes = sound.to_vec();
            bytes[at] = byte;
            bytes
        };
        [
            sound[..at].to_vec(),
            with(b'"'),
            with(0xFF),
            with(b'0'),
            [&sound[..at], &sound[at + 1..]].concat(),
        ]
    })
}

#[test]
fn cut_and_garbled_evaluations_never_panic_and_every_error_names_the_file() {
    let sample = inspect_sample(&json!(1), 1, "Softest metal?", &json!("C"));
    let header = inspect_header("m", FIRST);
    let members = [("header.json", &header), ("samples/1_epoch_1.json", &sample)];
    let event = [
        evals_event("s.0", "sampling", json!({"prompt": "q"})),
        evals_event("s.0", "match", json!({"correct": true})),
    ];
    let files = [
        ("x.json", inspect_json("m", FIRST, std::slice::from_ref(&sample)), Format::InspectAi),
        ("z.eval", archive(CompressionMethod::ZSTD, &members), Format::InspectAi),
        ("d.eval", archive(CompressionMethod::DEFLATE, &members), Format::InspectAi),
        (
            "p.json",
            promptfoo(3, &[promptfoo_result("a", 0, "q", 1.0)]).to_string().into_bytes(),
            Format::Promptfoo,
        ),
        ("e.jsonl", evals_log(&["m"], FIRST, &event).into_bytes(), Format::OpenaiEvals),
    ];
    for (name, sound, format) in files {
        let source = Source::new(&[(name, &sound)]);
        assert_eq!(
            inspect(&source.path(name), None, &ReadOptions::default()).unwrap().rows,
            1,
            "{name}"
        );
        for bytes in damaged(&sound) {
            fs::write(source.path(name), &bytes).unwrap();
            for skip_bad in [false, true] {
                let options = ReadOptions { skip_bad };
                if let Err(error) = inspect(&source.path(name), Some(format), &options) {
                    assert!(error.to_string().contains(name), "{error}");
                }
            }
        }
    }
}
