//! Results of promptfoo.

use super::*;

pub(super) fn promptfoo_result(provider: &str, test: u32, prompt: &str, score: f64) -> Value {
    json!({"provider": {"id": "maker:x", "label": provider}, "prompt": {"raw": prompt, "label": "p"},
        "promptIdx": 0, "testIdx": test, "success": score == 1.0, "score": score,
        "namedScores": {"tone": 0.25}, "cost": if score == 1.0 { 0.002 } else { 0.0 }, "failureReason": 0,
        "testCase": {"assert": [{"type": "equals", "value": "tin"}]}, "gradingResult": {"pass": true}})
}

pub(super) fn promptfoo(version: u32, results: &[Value]) -> Value {
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
