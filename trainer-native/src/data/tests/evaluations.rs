//! Evaluations that other programs store: the answers of several models join to one row a question.

#![allow(clippy::panic)]

use std::io::{Write, sink};

use rawzip::{CompressionMethod, ZipArchiveWriter};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde_json::{Value, json};

use super::*;
use crate::data::convert::{Conversion, Converted, ModelSource, Original, convert};

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

fn archive(method: CompressionMethod, members: &[(&str, &Value)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut zip = ZipArchiveWriter::new(&mut bytes);
    for (name, value) in members {
        let text = value.to_string().replace("\"NAN\"", "NaN");
        let stored = match method {
            CompressionMethod::DEFLATE => {
                let mut encoder =
                    flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(text.as_bytes()).unwrap();
                encoder.finish().unwrap()
            }
            CompressionMethod::ZSTD => compress_to_vec(text.as_bytes(), CompressionLevel::Fastest),
            _ => text.clone().into_bytes(),
        };
        let (mut entry, config) = zip.new_file(name).compression_method(method).start().unwrap();
        let mut plain = config.wrap(sink());
        plain.write_all(text.as_bytes()).unwrap();
        entry.write_all(&stored).unwrap();
        entry.finish(plain.finish().unwrap().1).unwrap();
    }
    zip.finish().unwrap();
    bytes
}

fn inspect_header(model: &str, created: &str) -> Value {
    json!({"version": 2, "status": "success",
        "eval": {"task": "metals", "model": model, "created": created, "config": {"epochs": 2}}})
}

fn inspect_sample(id: &Value, epoch: u32, input: &str, value: &Value) -> Value {
    json!({"id": id, "epoch": epoch, "input": input, "target": "tin",
        "scores": {"match": {"value": value, "answer": "x"}, "tone": {"value": {"near": 0.5, "far": 1}}},
        "events": [{"event": "model", "output": "NaN"}], "attachments": {}})
}

fn inspect_json(model: &str, created: &str, samples: &[Value]) -> Vec<u8> {
    let mut log = inspect_header(model, created);
    log["samples"] = samples.into();
    serde_json::to_string_pretty(&log).unwrap().replace("\"NAN\"", "NaN").into_bytes()
}

const FIRST: &str = "2026-11-28T10:00:00+00:00";
const LATER: &str = "2026-11-29T10:00:00+00:00";

#[test]
fn inspect_logs_of_both_formats_give_the_same_rows() {
    let samples = [
        inspect_sample(&json!("a/1"), 1, "Softest metal?", &json!("C")),
        inspect_sample(&json!("a/1"), 2, "Softest metal?", &json!("P")),
        inspect_sample(&json!(2), 1, "Palest metal?", &json!("I")),
        inspect_sample(&json!(3), 1, "Dearest metal?", &json!("NAN")),
    ];
    let header = inspect_header("maker/small", FIRST);
    let members = [
        ("_journal/start.json", &json!({"eval": {}})),
        ("samples/a/1_epoch_1.json", &samples[0]),
        ("samples/a/1_epoch_2.json", &samples[1]),
        ("samples/2_epoch_1/sample.json", &samples[2]),
        ("samples/2_epoch_1/skeleton.json", &json!([])),
        ("samples/3_epoch_1.json", &samples[3]),
        ("summaries.json", &json!([])),
        ("header.json", &header),
    ];
    let expected =
        ["metals-a/1|Softest metal?|maker/small 0.75", "metals-2|Palest metal?|maker/small 0"];
    let files = [
        ("x.json", inspect_json("maker/small", FIRST, &samples)),
        ("stored.eval", archive(CompressionMethod::STORE, &members)),
        ("deflated.eval", archive(CompressionMethod::DEFLATE, &members)),
        ("zstd.eval", archive(CompressionMethod::ZSTD, &members)),
    ];
    for (name, bytes) in files {
        let source = Source::new(&[(name, &bytes)]);
        assert_eq!(detect(&source.path(name)).unwrap(), Format::InspectAi, "{name}");
        let converted = converted(&source, Original::InspectAi, None).unwrap();
        assert_eq!(shown(&converted.outcomes), expected, "{name}");
        assert_eq!(
            Vec::from_iter(converted.passed_over),
            [("samples without a score", 1)],
            "{name}"
        );
        assert_eq!(Vec::from_iter(converted.other_scores), ["tone"], "{name}");
        assert_eq!((converted.repeated, converted.bad_count), (1, 0), "{name}");
    }
}

#[test]
fn inspect_logs_of_several_models_join_and_the_newest_of_a_model_counts() {
    let question = |value: Value| [inspect_sample(&json!(1), 1, "Softest metal?", &value)];
    let header = inspect_header("large", LATER);
    let sample = &question(json!("C"))[0];
    let members = [("header.json", &header), ("samples/1_epoch_1.json", sample)];
    let source = Source::new(&[
        ("1.json", &inspect_json("small", LATER, &question(json!(1)))),
        ("2.json", &inspect_json("small", FIRST, &question(json!(0)))),
        ("3.eval", &archive(CompressionMethod::ZSTD, &members)),
        ("4.json", &inspect_json("tiny", FIRST, &question(json!("no")))),
        ("5.json", &inspect_json("tiny", LATER, &question(json!("0.25")))),
        ("listing.json", b"{\"1.json\": {\"status\": \"success\"}}"),
    ]);
    let converted = converted(&source, Original::InspectAi, None).unwrap();
    assert_eq!(shown(&converted.outcomes), ["metals-1|Softest metal?|small 1, large 1, tiny 0.25"]);
    assert_eq!(converted.superseded, 2);
    assert_eq!(Vec::from_iter(converted.passed_over), [("files of another layout", 1)]);
    let loaded = source.strict("").unwrap();
    assert_eq!((loaded.format, &loaded.outcomes), (Format::InspectAi, &converted.outcomes));
    let found = inspect(&source.path(""), None, &ReadOptions::default()).unwrap();
    assert_eq!((found.rows, found.files.len()), (1, 5));
    let said = found.warnings.join("\n");
    assert!(
        said.contains("2 answers skipped") && said.contains("scores not read: \"tone\""),
        "{said}"
    );
}

#[test]
fn the_scorer_of_inspect_that_is_named_counts() {
    let samples = [inspect_sample(&json!(1), 1, "Softest metal?", &json!("C"))];
    let source = Source::new(&[("x.json", &inspect_json("small", FIRST, &samples))]);
    let of = |metric| converted(&source, Original::InspectAi, Some(metric));
    assert_eq!(shown(&of("tone/near").unwrap().outcomes), ["metals-1|Softest metal?|small 0.5"]);
    assert_eq!(of("other").unwrap_err().code(), "no_rows");
    let error = of("tone").unwrap_err().to_string();
    assert!(
        error.contains("several values (far, near)") && error.contains("--metric tone/KEY"),
        "{error}"
    );
}

#[test]
fn options_of_inspect_stand_behind_the_question_and_conversations_are_cut_to_it() {
    let mut choice = inspect_sample(&json!(1), 1, "Which is a metal?", &json!("C"));
    choice["choices"] = json!(["tin", "salt"]);
    let mut other = inspect_sample(&json!(2), 1, "Which is a metal?", &json!("I"));
    other["choices"] = json!(["wood", "zinc"]);
    let mut chat = inspect_sample(&json!(3), 1, "", &json!("C"));
    chat["input"] =
        json!([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]);
    let mut image = chat.clone();
    image["input"][1]["content"] = json!([{"type": "image", "image": "attachment://1"}]);
    let mut ended = inspect_sample(&json!(4), 1, "Why not?", &json!("C"));
    ended["scores"] = json!({});
    ended["error"] = json!({"message": "no answer"});
    let source =
        Source::new(&[("x.json", &inspect_json("m", FIRST, &[choice, other, chat, image, ended]))]);
    let converted = converted(&source, Original::InspectAi, None).unwrap();
    assert_eq!(
        shown(&converted.outcomes),
        [
            "metals-1|Which is a metal?\nA) tin\nB) salt|m 1",
            "metals-2|Which is a metal?\nA) wood\nB) zinc|m 0",
            "metals-3|Why?|m 1"
        ]
    );
    assert_eq!(
        Vec::from_iter(converted.passed_over),
        [("prompts with an image, a sound or a file", 1), ("samples that an error ended", 1)]
    );
}

#[test]
fn bad_samples_of_inspect_are_named_by_line_or_member() {
    let good = inspect_sample(&json!(1), 1, "Softest metal?", &json!("C"));
    let bad = [
        (inspect_sample(&json!(2), 1, " ", &json!("C")), "empty_query"),
        (inspect_sample(&json!(3), 1, "q", &json!(7)), "score_out_of_range"),
        (inspect_sample(&json!(4), 1, "q", &json!("quite")), "score_not_a_number"),
        (inspect_sample(&json!(5), 1, "q", &json!([1, 0])), "score_not_a_number"),
        (inspect_sample(&json!([]), 1, "q", &json!("C")), "wrong_type"),
        (json!({"id": 6, "scores": {"match": {"value": "C"}}}), "missing_field"),
        (json!({"id": 7, "scores": 3}), "wrong_type"),
        (json!("text"), "wrong_type"),
    ];
    let header = inspect_header("m", FIRST);
    for (sample, code) in bad {
        let json = inspect_json("m", FIRST, &[good.clone(), sample.clone()]);
        let line = String::from_utf8(json.clone()).unwrap();
        let before = line.lines().enumerate().filter(|(_, line)| *line == "    },").last();
        let line = before.unwrap().0 as u64 + 2;
        let zip = archive(
            CompressionMethod::DEFLATE,
            &[
                ("header.json", &header),
                ("samples/1_epoch_1.json", &good),
                ("samples/x_epoch_1.json", &sample),
            ],
        );
        let source = Source::new(&[("x.json", &json), ("x.eval", &zip)]);
        for (name, place) in [
            ("x.json", format!("x.json:{line}: ")),
            ("x.eval", "x.eval/samples/x_epoch_1.json:1: ".into()),
        ] {
            let DataError::BadRow(found) = source.strict(name).unwrap_err() else {
                panic!("{name}")
            };
            let message = DataError::BadRow(found.clone()).to_string();
            assert!(found.code == code && message.contains(&place), "{name}: {code}: {message}");
            let loaded =
                inspect(&source.path(name), None, &ReadOptions { skip_bad: true }).unwrap();
            assert_eq!((loaded.rows, loaded.bad_count), (1, 1), "{name}: {code}");
        }
    }
}

fn promptfoo_result(provider: &str, test: u32, prompt: &str, score: f64) -> Value {
    json!({"provider": {"id": "maker:x", "label": provider}, "prompt": {"raw": prompt, "label": "p"},
        "promptIdx": 0, "testIdx": test, "success": score == 1.0, "score": score,
        "namedScores": {"tone": 0.25}, "cost": if score == 1.0 { 0.002 } else { 0.0 }, "failureReason": 0,
        "testCase": {"assert": [{"type": "equals", "value": "tin"}]}, "gradingResult": {"pass": true}})
}

fn promptfoo(version: u32, results: &[Value]) -> Value {
    let table = if version == 2 { json!({"head": {}, "body": []}) } else { Value::Null };
    json!({"evalId": "eval-1", "config": {"description": "metals"},
        "results": {"version": version, "timestamp": "2026-11-29T14:44:32.760Z", "table": table, "results": results}})
}

#[test]
fn promptfoo_outputs_of_both_versions_and_lines_are_read() {
    let chat =
        r#"[{"role":"system","content":"Be brief."},{"role":"user","content":"Palest metal?"}]"#;
    let mut failed = promptfoo_result("large", 1, chat, 0.0);
    failed["failureReason"] = json!(2);
    let mut ungraded = promptfoo_result("large", 2, "Dearest metal?", 1.0);
    ungraded["testCase"] = json!({"vars": {}});
    let results = [
        promptfoo_result("small", 0, "Softest metal?", 0.5),
        promptfoo_result("large", 0, "Softest metal?", 1.0),
        promptfoo_result("small", 1, chat, 1.0),
        promptfoo_result("small", 1, "Palest metal?", 0.0),
        failed,
        ungraded,
    ];
    let rows = |set: &str| {
        [
            format!("{set}-0|Softest metal?|small 0.5, large 1 for 0.002"),
            format!("{set}-1|Palest metal?|small 0.5 for 0.002"),
        ]
    };
    let mut older = results.clone();
    for result in &mut older {
        result.as_object_mut().unwrap().remove("failureReason");
    }
    older[4]["error"] = json!("503");
    older[4]["gradingResult"] = Value::Null;
    let lines: Vec<String> = results.iter().map(Value::to_string).collect();
    let files = [
        ("3.json", serde_json::to_string_pretty(&promptfoo(3, &results)).unwrap(), "metals"),
        ("2.json", promptfoo(2, &older).to_string(), "metals"),
        ("lines.jsonl", lines.join("\n"), "lines"),
    ];
    for (name, text, set) in files {
        let source = Source::new(&[(name, text.as_bytes())]);
        assert_eq!(detect(&source.path(name)).unwrap(), Format::Promptfoo, "{name}");
        let found = converted(&source, Original::Promptfoo, None).unwrap();
        assert_eq!(shown(&found.outcomes), rows(set), "{name}");
        assert_eq!(
            Vec::from_iter(found.passed_over),
            [("answers that no assertion graded", 1), ("calls that failed", 1)],
            "{name}"
        );
        assert_eq!((found.repeated, found.bad_count), (1, 0), "{name}");
        let tone = converted(&source, Original::Promptfoo, Some("tone")).unwrap();
        assert!(shown(&tone.outcomes)[0].contains("small 0.25, large 0.25"), "{name}");
        let success = converted(&source, Original::Promptfoo, Some("success")).unwrap();
        assert!(shown(&success.outcomes)[0].contains("small 0, large 1"), "{name}");
    }
}

#[test]
fn one_file_a_model_of_promptfoo_joins_on_the_query() {
    let of = |provider: &str| {
        promptfoo(3, &[promptfoo_result(provider, 0, "Softest metal?", 1.0)]).to_string()
    };
    let source = Source::new(&[("a.json", of("a").as_bytes()), ("b.json", of("b").as_bytes())]);
    assert_eq!(
        shown(&source.strict("").unwrap().outcomes),
        ["metals-0|Softest metal?|a 1 for 0.002, b 1 for 0.002"]
    );
    let named = |model: &str, name: &str| ModelSource {
        model: Some(model.into()),
        path: source.path(name),
    };
    let sources = vec![named("x", "a.json"), named("y", "b.json")];
    let found = convert(&Conversion::new(Original::Promptfoo, sources)).unwrap();
    assert_eq!(found.outcomes.models, ["x", "y"]);
    let both = [promptfoo_result("a", 0, "q", 1.0), promptfoo_result("b", 0, "q", 1.0)];
    fs::write(source.path("a.json"), promptfoo(3, &both).to_string()).unwrap();
    let error =
        convert(&Conversion::new(Original::Promptfoo, vec![named("x", "a.json")])).unwrap_err();
    assert!(error.to_string().contains("answers of a and b"), "{error}");
}

#[test]
fn bad_answers_of_promptfoo_are_placed() {
    let good = promptfoo_result("a", 0, "q", 1.0);
    let with = |name: &str, value: Value| {
        let mut bad = good.clone();
        bad[name] = value;
        bad
    };
    for (bad, code) in [
        (with("provider", json!({})), "missing_field"),
        (with("prompt", json!({"label": "x"})), "missing_field"),
        (with("prompt", json!("\n")), "empty_query"),
        (with("score", json!(1.5)), "score_out_of_range"),
        (with("score", json!("1")), "score_not_a_number"),
        (with("cost", json!(-1)), "cost_out_of_range"),
        (json!([1]), "wrong_type"),
    ] {
        let text =
            promptfoo(3, &[good.clone(), bad]).to_string().replace("},{\"cost\"", "},\n{\"cost\"");
        let source = Source::new(&[("x.json", text.replace(",[1]", ",\n[1]").as_bytes())]);
        let error = source.strict("x.json").unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains("x.json:2: "), "{error}");
    }
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
