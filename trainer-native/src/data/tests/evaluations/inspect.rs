//! Logs of Inspect.

use std::io::{Write, sink};

use rawzip::ZipArchiveWriter;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::*;

pub(super) fn archive(method: CompressionMethod, members: &[(&str, &Value)]) -> Vec<u8> {
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

pub(super) fn inspect_header(model: &str, created: &str) -> Value {
    json!({"version": 2, "status": "success",
        "eval": {"task": "metals", "model": model, "created": created, "config": {"epochs": 2}}})
}

pub(super) fn inspect_sample(id: &Value, epoch: u32, input: &str, value: &Value) -> Value {
    json!({"id": id, "epoch": epoch, "input": input, "target": "tin",
        "scores": {"match": {"value": value, "answer": "x"}, "tone": {"value": {"near": 0.5, "far": 1}}},
        "events": [{"event": "model", "output": "NaN"}], "attachments": {}})
}

pub(super) fn inspect_json(model: &str, created: &str, samples: &[Value]) -> Vec<u8> {
    let mut log = inspect_header(model, created);
    log["samples"] = samples.into();
    serde_json::to_string_pretty(&log).unwrap().replace("\"NAN\"", "NaN").into_bytes()
}

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
