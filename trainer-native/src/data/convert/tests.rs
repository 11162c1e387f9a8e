//! Conversion of small files in the true layouts, with texts of our own.

#![allow(clippy::unwrap_used)]

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::data::{Format, OutcomeRow, ReadOptions, read};

struct Originals(TempDir);

impl Originals {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self(folder)
    }

    fn source(&self, name: &str) -> ModelSource {
        ModelSource { model: None, path: self.0.path().join(name) }
    }

    fn conversion(&self, from: Original) -> Conversion {
        Conversion::new(from, vec![self.source("")])
    }

    fn convert(&self, from: Original) -> Result<Converted, DataError> {
        convert(&self.conversion(from))
    }
}

/// Each row as `id|query|model score ...`.
fn shown(outcomes: &Outcomes) -> Vec<String> {
    let row = |row: &OutcomeRow| {
        let scores =
            row.scores.iter().map(|(at, score)| format!("{} {score}", outcomes.models[*at]));
        format!("{}|{}|{}", row.id, row.query, Vec::from_iter(scores).join(" "))
    };
    outcomes.rows.iter().map(row).collect()
}

fn entry(id: u32, question: &str, answer: &str, pred: &str) -> String {
    format!(
        r#"{{"question_id": {id}, "question": "{question}", "options": ["tin", "zinc"], "answer": "{answer}", "answer_index": 0, "cot_content": "", "category": "metals", "src": "own", "pred": {pred}, "model_outputs": "The answer is ({answer})."}}"#
    )
}

fn mmlu_pro() -> Originals {
    let small = [entry(7, "Softest?", "A", "\"A\""), entry(3, "Palest?", "B", "null")];
    let large = [entry(3, "Palest?", "B", "\"B\""), entry(9, "Dearest?", "A", "\"B\"")];
    Originals::new(&[
        ("model_outputs_large-2_5shots.json", &format!("[{}]", large.join(", "))),
        ("model_outputs_small_0shots.json", &format!("[\n  {}\n]\n", small.join(",\n  "))),
    ])
}

#[test]
fn mmlu_pro_answers_of_several_models_join_into_one_row_a_question() {
    let converted = mmlu_pro().convert(Original::MmluPro).unwrap();
    assert_eq!(
        shown(&converted.outcomes),
        [
            "mmlu-pro-3|Palest?|large-2 1 small 0",
            "mmlu-pro-9|Dearest?|large-2 0",
            "mmlu-pro-7|Softest?|small 1"
        ]
    );
    let row = &converted.outcomes.rows[0];
    assert_eq!((row.dataset.as_str(), row.category.as_deref()), ("mmlu-pro", Some("metals")));
    assert_eq!((converted.bad_count, converted.other_texts), (0, 0));
}

#[test]
fn what_is_written_is_read_again_as_the_same_outcomes() {
    let converted = mmlu_pro().convert(Original::MmluPro).unwrap();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("new/outcomes.jsonl");
    let sha256 = converted.write(&path).unwrap();
    let loaded = read(&path, None, &ReadOptions::default()).unwrap();
    assert_eq!(loaded.format, Format::OutcomesJsonl);
    assert_eq!(loaded.outcomes, converted.outcomes);
    assert_eq!(loaded.sha256, sha256);
    let first = fs::read_to_string(&path).unwrap().lines().next().unwrap().to_owned();
    assert_eq!(
        first,
        r#"{"id": "mmlu-pro-3", "query": "Palest?", "dataset": "mmlu-pro", "category": "metals", "scores": {"large-2": 1.0, "small": 0.0}}"#
    );
    let names: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().map(|n| n.unwrap()).collect();
    assert_eq!(names.len(), 1, "nothing is left beside the file: {names:?}");
}

#[test]
fn a_bad_entry_is_reported_with_file_line_and_number_and_skipped() {
    let good = entry(1, "Softest?", "A", "\"A\"");
    let no_pred = good.replace("\"pred\": \"A\", ", "");
    let text = format!("[{good},\n\"other\",\n{no_pred},\n{}]", entry(2, " ", "A", "\"A\""));
    let originals = Originals::new(&[("model_outputs_m_5shots.json", &text)]);
    let converted = originals.convert(Original::MmluPro).unwrap();
    assert_eq!(converted.outcomes.rows.len(), 1);
    let faults: Vec<_> = converted.bad_rows.iter().map(|bad| (bad.line, bad.code)).collect();
    assert_eq!(faults, [(2, "wrong_type"), (3, "missing_field"), (4, "empty_query")]);
    let bad = &converted.bad_rows[0];
    assert!(bad.file.ends_with("model_outputs_m_5shots.json"), "{bad:?}");
    assert!(bad.reason.starts_with("entry 2: "), "{bad:?}");
    assert!(converted.to_string().contains("3 entries skipped as bad"), "{converted}");
}

#[test]
fn a_second_answer_of_a_model_is_skipped_and_the_first_counts() {
    let text = format!("[{}, {}]", entry(1, "One?", "A", "\"A\""), entry(1, "One?", "A", "\"B\""));
    let originals = Originals::new(&[("model_outputs_m_5shots.json", &text)]);
    let converted = originals.convert(Original::MmluPro).unwrap();
    assert_eq!(shown(&converted.outcomes), ["mmlu-pro-1|One?|m 1"]);
    assert_eq!(converted.bad_rows[0].code, "duplicate_answer");
}

#[test]
fn the_first_text_of_a_question_counts_and_a_file_of_other_questions_is_refused() {
    let file = |questions: usize, changed: usize| {
        let entries = (0..questions).map(|id| {
            let text = if id < changed { format!("Changed {id}?") } else { format!("Text {id}?") };
            entry(u32::try_from(id).unwrap(), &text, "A", "\"A\"")
        });
        format!("[{}]", Vec::from_iter(entries).join(", "))
    };
    let two = |questions, changed| {
        Originals::new(&[
            ("model_outputs_a_5shots.json", &file(questions, 0)),
            ("model_outputs_b_5shots.json", &file(questions, changed)),
        ])
    };
    let converted = two(40, 10).convert(Original::MmluPro).unwrap();
    assert_eq!(converted.other_texts, 10);
    assert_eq!(shown(&converted.outcomes)[0], "mmlu-pro-0|Text 0?|a 1 b 1");
    let error = two(40, 11).convert(Original::MmluPro).unwrap_err();
    assert_eq!(error.code(), "bad_file");
    assert!(error.to_string().contains("another text of 11 of 40 questions"), "{error}");
    assert!(two(1100, 11).convert(Original::MmluPro).is_ok(), "1 % may differ");
}

#[test]
fn a_file_of_another_layout_is_refused_with_what_to_do() {
    let entry = format!("[{}]", entry(1, "One?", "A", "\"A\""));
    let cases = [
        ("model_outputs_m_5shots.json", "PK\u{3}\u{4}zipped", "found a zip archive"),
        ("model_outputs_m_5shots.json", "{\"accuracy\": 0.5}", "found no JSON array"),
        ("model_outputs_m_5shots.json", "[{\"question\": \"x\", \"scores\": {}}]", "no entry"),
        ("answers.json", &entry, "Name the model: MODEL=PATH"),
    ];
    for (name, text, expected) in cases {
        let error = Originals::new(&[(name, text)]).convert(Original::MmluPro).unwrap_err();
        assert_eq!(error.code(), "bad_file", "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
    let zips = Originals::new(&[("model_outputs_m_5shots.zip", "PK")]);
    let error = zips.convert(Original::MmluPro).unwrap_err().to_string();
    assert!(error.contains("unzip 'model_outputs_*.zip'"), "{error}");
}

#[test]
fn a_name_before_the_path_names_the_model() {
    let originals = Originals::new(&[("x.json", &format!("[{}]", entry(1, "One?", "A", "\"A\"")))]);
    let path = originals.0.path().join("x.json");
    let source = ModelSource::parse(&format!("my/model={}", path.display()));
    let converted = convert(&Conversion::new(Original::MmluPro, vec![source])).unwrap();
    assert_eq!(converted.outcomes.models, ["my/model"]);
    fs::write(originals.0.path().join("a=b.json"), "[]").unwrap();
    let with_sign = originals.0.path().join("a=b.json");
    assert_eq!(ModelSource::parse(with_sign.to_str().unwrap()).model, None);
}

fn sample(document: u32, prompt: &str, filter: &str, scores: &str) -> String {
    let metrics: Vec<&str> =
        scores.split(", ").map(|score| score.split(':').next().unwrap()).collect();
    format!(
        r#"{{"doc_id": {document}, "doc": {{"goal": "own"}}, "target": "0", "arguments": {{"gen_args_0": {{"arg_0": "{prompt}", "arg_1": " tin"}}, "gen_args_1": {{"arg_0": "{prompt}", "arg_1": " zinc"}}}}, "resps": [[["-1.5", "False"]], [["-2.5", "False"]]], "filter": "{filter}", "metrics": [{}], "doc_hash": "00", {scores}}}"#,
        metrics.join(", ")
    )
}

const SMALL: &str = "runs/maker__small/samples_metals_2025-04-10T07-27-25.241016.jsonl";
const LARGE: &str = "runs/maker__large/samples_metals_2025-04-11T07-27-25.241016.jsonl";

#[test]
fn logs_of_several_models_join_and_the_first_metric_is_the_score() {
    let small = [
        sample(0, " Softest?\\n", "none", r#""acc": 1.0, "acc_norm": 0.0"#),
        sample(1, "Palest?", "none", r#""acc": 0, "acc_norm": 1"#),
    ];
    let large = [sample(1, "Palest?", "none", r#""acc": true, "acc_norm": false"#)];
    let originals = Originals::new(&[
        (SMALL, &small.join("\n")),
        (LARGE, &large.join("\n")),
        ("runs/maker__large/results_2025-04-11T07-27-25.241016.json", "{}"),
    ]);
    let converted = originals.convert(Original::LmEval).unwrap();
    assert_eq!(
        shown(&converted.outcomes),
        ["metals-1|Palest?|maker__large 1 maker__small 0", "metals-0|Softest?|maker__small 1"]
    );
    assert_eq!(converted.outcomes.rows[0].dataset, "metals");
    assert_eq!(converted.outcomes.rows[0].category, None);
    let mut conversion = originals.conversion(Original::LmEval);
    conversion.metric = Some("acc_norm".to_owned());
    let by_norm = convert(&conversion).unwrap();
    assert_eq!(shown(&by_norm.outcomes)[0], "metals-1|Palest?|maker__large 0 maker__small 1");
    let listed = sample(0, "Softest?", "none", r#""math_verify": 1, "exact_match": 0"#);
    let listed = Originals::new(&[(SMALL, &listed)]).convert(Original::LmEval).unwrap();
    assert_eq!(shown(&listed.outcomes), ["metals-0|Softest?|maker__small 1"]);
}

#[test]
fn a_model_may_come_in_several_sources_and_its_scores_stay_in_order() {
    let line = |document| sample(document, "Softest?", "none", "\"acc\": 1.0");
    let originals = Originals::new(&[(SMALL, &line(0)), (LARGE, &line(1))]);
    let path = |name: &str| originals.0.path().join(name);
    fs::create_dir(path("more")).unwrap();
    let more = "more/samples_metals_2025-04-10T07-27-25.241016.jsonl";
    fs::write(path(more), line(1)).unwrap();
    let source =
        |model: &str, name: &str| ModelSource { model: Some(model.into()), path: path(name) };
    let sources = vec![source("a", SMALL), source("b", LARGE), source("a", more)];
    let converted = convert(&Conversion::new(Original::LmEval, sources)).unwrap();
    assert_eq!(shown(&converted.outcomes), ["metals-0|Softest?|a 1", "metals-1|Softest?|a 1 b 1"]);
}

#[test]
fn older_logs_without_metrics_and_with_lists_of_arguments_are_read() {
    let text = r#"{"doc_id": 4, "arguments": [["Softest?", " tin"], ["Softest?", " zinc"]], "exact_match": 0.0, "acc": 1.0}"#;
    let converted = Originals::new(&[(SMALL, text)]).convert(Original::LmEval).unwrap();
    assert_eq!(shown(&converted.outcomes), ["metals-4|Softest?|maker__small 1"]);
}

#[test]
fn the_first_filter_of_a_document_and_the_newest_log_of_a_task_count() {
    let lines = [
        sample(0, "Softest?", "strict", "\"exact_match\": 0.0"),
        sample(0, "Softest?", "flexible", "\"exact_match\": 1.0"),
    ];
    let older = SMALL.replace("04-10", "04-09");
    let originals = Originals::new(&[
        (SMALL, &lines.join("\n")),
        (&older, &sample(0, "Softest?", "strict", "\"exact_match\": 1.0")),
    ]);
    let converted = originals.convert(Original::LmEval).unwrap();
    assert_eq!(shown(&converted.outcomes), ["metals-0|Softest?|maker__small 0"]);
    assert_eq!((converted.other_filters, converted.bad_count), (1, 0));
    assert_eq!(converted.older, [originals.0.path().join(older)]);
}

#[test]
fn tasks_are_chosen_by_their_beginning() {
    let name = |task: &str| format!("m/samples_{task}_2025-04-10T07-27-25.241016.jsonl");
    let line = sample(0, "Softest?", "none", "\"acc\": 1.0");
    let files: Vec<_> = ["arc_easy", "mmlu_art", "mmlu_law"].map(name).into();
    let files: Vec<_> = files.iter().map(|name| (name.as_str(), line.as_str())).collect();
    let originals = Originals::new(&files);
    let chosen = |only: &[&str], without: &[&str]| {
        let mut conversion = originals.conversion(Original::LmEval);
        conversion.only = only.iter().map(|&task| task.to_owned()).collect();
        conversion.without = without.iter().map(|&task| task.to_owned()).collect();
        let converted = convert(&conversion)?;
        Ok(Vec::from_iter(converted.outcomes.rows.into_iter().map(|row| row.dataset)))
    };
    let all = |chosen: Result<Vec<String>, DataError>| chosen.unwrap().join(" ");
    assert_eq!(all(chosen(&[], &[])), "arc_easy mmlu_art mmlu_law");
    assert_eq!(all(chosen(&["mmlu"], &[])), "mmlu_art mmlu_law");
    assert_eq!(all(chosen(&["mmlu", "arc"], &["mmlu_l"])), "arc_easy mmlu_art");
    let error = chosen(&["piqa"], &[]).unwrap_err();
    assert!(error.to_string().contains("logs of arc_easy, mmlu_art, mmlu_law"), "{error}");
}

#[test]
fn a_bad_log_line_is_skipped_and_a_log_without_a_good_one_is_refused() {
    let good = sample(0, "Softest?", "none", "\"acc\": 1.0");
    let lines = [
        good.as_str(),
        "{\"doc_id\": 1",
        "{\"query\": \"x\"}",
        &sample(2, "Palest?", "none", "\"bleu\": 4.5"),
        &good.replace("\"doc_id\": 0", "\"doc_id\": 3").replace("gen_args", "requests"),
    ];
    let originals = Originals::new(&[(SMALL, &lines.join("\n"))]);
    let converted = originals.convert(Original::LmEval).unwrap();
    let faults: Vec<_> = converted.bad_rows.iter().map(|bad| (bad.line, bad.code)).collect();
    assert_eq!(
        faults,
        [(2, "json_syntax"), (3, "missing_field"), (4, "score_out_of_range"), (5, "missing_field")]
    );
    let error = Originals::new(&[(SMALL, lines[3])]).convert(Original::LmEval).unwrap_err();
    assert_eq!(error.code(), "bad_file");
    assert!(error.to_string().contains("metric \"bleu\": found the score 4.5"), "{error}");
    assert!(error.to_string().contains("--without"), "{error}");
    let none = Originals::new(&[("runs/own.jsonl", &good)]).convert(Original::LmEval).unwrap_err();
    assert!(none.to_string().contains("expected samples_<task>_<time>.jsonl"), "{none}");
}
