//! Prompts, and scores, from the logs of Langfuse and LiteLLM.

use serde_json::{Value, json};

use super::*;
use crate::data::convert::{Conversion, ModelSource, Original, convert};

fn prompts(source: &Source, name: &str) -> LoadedPrompts {
    read_prompts(&source.path(name), None, &ReadOptions { skip_bad: true }).unwrap()
}

/// Each prompt as `id|dataset|query`.
fn shown(loaded: &LoadedPrompts) -> Vec<String> {
    loaded.rows.iter().map(|row| format!("{}|{}|{}", row.id, row.dataset, row.query)).collect()
}

fn generation(id: &str, model: &str, query: &str) -> Value {
    json!({"id": id, "traceId": "t", "type": "GENERATION", "name": "chat", "model": model,
        "input": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": query}],
        "output": {"role": "assistant", "content": "x"}, "tags": ["a"], "totalCost": "0.002", "helpful": [1, 0], "comments": []})
}

fn csv(rows: &[Value]) -> String {
    let names: Vec<&String> = rows[0].as_object().unwrap().keys().collect();
    let cell = |row: &Value, name: &String| match &row[name] {
        Value::Null => String::new(),
        Value::String(text) => format!("\"{}\"", text.replace('"', "\"\"")),
        other => format!("\"{}\"", other.to_string().replace('"', "\"\"")),
    };
    let line = |row: &Value| names.iter().map(|name| cell(row, name)).collect::<Vec<_>>().join(",");
    let head = names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(",");
    let lines = rows.iter().map(line);
    std::iter::once(head).chain(lines).map(|line| line + "\n").collect()
}

#[test]
fn langfuse_exports_of_every_layout_give_the_same_prompts_and_scores() {
    let mut span = generation("o-3", "small", "Inner?");
    span["type"] = json!("SPAN");
    let rows =
        [generation("o-1", "small", "Softest?"), generation("o-2", "large", "Softest?"), span];
    let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
    let snake = |text: String| {
        text.replace("traceId", "trace_id")
            .replace("totalCost", "total_cost")
            .replace("\"model\"", "\"provided_model_name\"")
    };
    let files = [
        ("x.json", serde_json::to_string_pretty(&json!(rows)).unwrap()),
        ("x.jsonl", lines.join("\n")),
        ("page.json", json!({"data": rows, "meta": {"page": 1}}).to_string()),
        ("x.csv", csv(&rows)),
        ("daily.jsonl", snake(lines.join("\n"))),
    ];
    for (name, text) in files {
        let source = Source::new(&[(name, text.as_bytes())]);
        let loaded = prompts(&source, name);
        assert_eq!(loaded.source.format, Format::Langfuse, "{name}");
        assert_eq!(shown(&loaded), ["o-1|chat|Softest?", "o-2|chat|Softest?"], "{name}");
        assert_eq!(loaded.rows[0].messages[0], (Role::System, "Be brief.".to_owned()), "{name}");
        assert_eq!(
            Vec::from_iter(&loaded.source.passed_over),
            [(&"observations that are no generation", &1)],
            "{name}"
        );
        let found = inspect(&source.path(name), None, &ReadOptions::default()).unwrap();
        assert!(
            found.warnings.iter().any(|warning| warning.contains("scores not read: \"helpful\"")),
            "{name}: {found}"
        );
        let from = vec![ModelSource { model: None, path: source.path(name) }];
        let converted = convert(&Conversion::new(Original::Langfuse, from)).unwrap();
        assert_eq!(converted.outcomes.models, ["small", "large"], "{name}");
        let row = &converted.outcomes.rows[0];
        assert_eq!(
            (row.id.as_str(), &row.scores[..]),
            ("o-1", &[(0, 0.5), (1, 0.5)][..]),
            "{name}"
        );
        assert_eq!(row.costs, [(0, 0.002), (1, 0.002)], "{name}");
    }
}

#[test]
fn one_score_of_langfuse_is_read_and_must_be_in_range_and_of_a_model() {
    let mut rows = [generation("o-1", "small", "Softest?"), generation("o-2", "large", "Softest?")];
    rows[0]["tone"] = json!([4]);
    rows[1]["scores"] = json!([{"name": "exact", "value": 1}]);
    let source = Source::new(&[("x.json", json!(rows).to_string().as_bytes())]);
    let of = |metric: Option<&str>, model: Option<&str>| {
        let from =
            vec![ModelSource { model: model.map(str::to_owned), path: source.path("x.json") }];
        let metric = metric.map(str::to_owned);
        convert(&Conversion { metric, ..Conversion::new(Original::Langfuse, from) })
    };
    let exact = of(Some("exact"), None).unwrap();
    assert_eq!(
        (exact.outcomes.models, exact.outcomes.rows[0].scores.clone()),
        (vec!["large".into()], vec![(0, 1.0)])
    );
    assert_eq!(Vec::from_iter(exact.other_scores), ["helpful", "tone"]);
    let error = of(None, None).unwrap_err().to_string();
    assert!(error.contains("several scores (") && error.contains("--metric"), "{error}");
    let error = of(Some("tone"), None).unwrap_err().to_string();
    assert!(error.contains("found the score 4 for \"small\""), "{error}");
    let mut trace = generation("t-1", "", "Softest?");
    trace["sessionId"] = Value::Null;
    fs::write(source.path("x.json"), json!([trace]).to_string()).unwrap();
    assert!(of(None, None).unwrap_err().to_string().contains("MODEL=PATH"));
    assert_eq!(of(None, Some("small")).unwrap().outcomes.models, ["small"]);
}

#[test]
fn traces_of_langfuse_may_hold_their_input_as_text() {
    let trace = |id: &str, input: Value| json!({"id": id, "timestamp": "2026-11-29", "name": null, "userId": null, "sessionId": null, "input": input, "output": null});
    let rows = [
        trace("t-1", json!("[{\"role\": \"user\", \"content\": \"Softest?\"}]")),
        trace("t-2", json!("Palest?")),
        trace("t-3", json!({"args": ["Dearest?"], "kwargs": {}})),
        trace("t-4", json!({"city": "Bern"})),
        trace("t-5", Value::Null),
        trace("t-6", json!("  ")),
        json!({"input": "x", "userId": null}),
    ];
    let source = Source::new(&[("traces.json", json!(rows).to_string().as_bytes())]);
    let loaded = prompts(&source, "traces.json");
    assert_eq!(
        shown(&loaded),
        ["t-1|traces|Softest?", "t-2|traces|Palest?", "t-3|traces|Dearest?"]
    );
    let faults: Vec<_> = loaded.source.bad_rows.iter().map(|bad| bad.code).collect();
    assert_eq!(faults, ["empty_query", "missing_field"]);
    assert_eq!(
        Vec::from_iter(loaded.source.passed_over),
        [("inputs that are neither a text nor a conversation", 1), ("rows without an input", 1)]
    );
}

fn spend(id: &str, call: &str, messages: Value, request: Value) -> Value {
    json!({"request_id": id, "call_type": call, "spend": 0.002, "model": "small", "messages": messages, "proxy_server_request": request})
}

#[test]
fn spend_logs_of_litellm_give_the_prompts_that_they_store() {
    let turn = |text: &str| json!([{"role": "user", "content": text}]);
    let request = |text: &str| json!({"model": "small", "messages": turn(text)});
    let cut = "Long (litellm_truncated skipped 9 chars. x) ... end";
    let rows = [
        spend("r-1", "acompletion", turn("Softest?"), json!({})),
        spend("r-2", "acompletion", json!({}), request("Palest?")),
        spend("r-3", "completion", json!("{}"), json!(request("Dearest?").to_string())),
        spend(
            "r-4",
            "aresponses",
            json!({}),
            json!({"input": "Oldest?", "instructions": "Be brief."}),
        ),
        spend("r-5", "acompletion", json!({}), json!({})),
        spend("r-6", "aembedding", json!({}), json!({"input": "a text"})),
        spend("r-7", "acompletion", turn(cut), json!({})),
        spend("r-8", "acompletion", turn("Long... (truncated 300 chars)"), json!({})),
        spend("r-9", "acompletion", turn("redacted-by-litellm"), json!({})),
        json!({"spend": 3, "startTime": "2026-11-29", "users": {}}),
    ];
    let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
    for (name, text) in [
        ("x.json", json!(rows).to_string()),
        ("x.jsonl", lines.join("\n")),
        ("page.json", json!({"data": rows, "total": 10}).to_string()),
    ] {
        let source = Source::new(&[(name, text.as_bytes())]);
        let loaded = prompts(&source, name);
        assert_eq!(loaded.source.format, Format::LiteLlm, "{name}");
        let set = name.split('.').next().unwrap();
        let expected =
            [("r-1", "Softest?"), ("r-2", "Palest?"), ("r-3", "Dearest?"), ("r-4", "Oldest?")];
        assert_eq!(
            shown(&loaded),
            expected.map(|(id, query)| format!("{id}|{set}|{query}")),
            "{name}"
        );
        assert_eq!(loaded.rows[3].messages[0], (Role::System, "Be brief.".to_owned()));
        let passed: Vec<usize> = loaded.source.passed_over.into_values().collect();
        assert_eq!(passed, [1, 1, 2, 1], "{name}");
        let bad = &loaded.source.bad_rows[0];
        assert!(bad.code == "missing_field" && bad.reason.contains("summarize=false"), "{bad:?}");
    }
}

proptest! {
    #[test]
    fn cut_and_garbled_logs_never_panic(at in 0_usize..400, byte in any::<u8>(), cut in any::<bool>(), which in 0_usize..4) {
        let rows = [generation("o-1", "small", "Softest?"), generation("o-2", "large", "Palest?")];
        let spends = [spend("r-1", "acompletion", json!([{"role": "user", "content": "q"}]), json!({}))];
        let (name, text) = match which {
            0 => ("x.json", json!(rows).to_string()),
            1 => ("x.csv", csv(&rows)),
            2 => ("x.json", json!({"data": spends}).to_string()),
            _ => ("x.jsonl", spends[0].to_string()),
        };
        let mut bytes = text.into_bytes();
        let at = at % bytes.len();
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        let source = Source::new(&[(name, &bytes)]);
        for format in [Format::Langfuse, Format::LiteLlm] {
            let found = read_prompts(&source.path(name), Some(format), &ReadOptions { skip_bad: true });
            if let Err(error) = found {
                prop_assert!(error.to_string().contains(name), "{error}");
            }
        }
        let _ = detect(&source.path(name));
    }
}
