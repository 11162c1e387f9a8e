//! Prompts of every format.

use super::*;

/// Each prompt as `id|dataset|role: text, ...`.
fn shown(loaded: &LoadedPrompts) -> Vec<String> {
    let row = |row: &PromptRow| {
        assert_eq!(row.messages.last(), Some(&(Role::User, row.query.clone())));
        let turns = row.messages.iter().map(|(role, text)| format!("{role:?}: {text}"));
        format!("{}|{}|{}", row.id, row.dataset, Vec::from_iter(turns).join(", "))
    };
    loaded.rows.iter().map(row).collect()
}

fn strict(source: &Source, name: &str) -> Result<LoadedPrompts, DataError> {
    read_prompts(&source.path(name), None, &ReadOptions::default())
}

fn lenient(source: &Source, name: &str) -> Result<LoadedPrompts, DataError> {
    read_prompts(&source.path(name), None, &ReadOptions { skip_bad: true })
}

#[test]
fn own_prompts_are_texts_or_conversations() {
    let text = r#"{"id": "a", "query": "One?", "dataset": "own", "gold": {"numeric": 1}}

{"id": 7, "prompt": "Two?", "gold": null}
{"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Three?"}, {"role": "assistant", "content": "3"}]}
"#;
    let source = Source::new(&[("asked.jsonl", text.as_bytes())]);
    let loaded = strict(&source, "asked.jsonl").unwrap();
    assert_eq!(loaded.source.format, Format::PromptsJsonl);
    assert_eq!(
        shown(&loaded),
        ["a|own|User: One?", "7|asked|User: Two?", "asked-4|asked|System: Be brief., User: Three?"]
    );
    let gold = serde_json::json!({"numeric": 1});
    assert_eq!(
        loaded.rows.iter().map(|row| row.gold.clone()).collect::<Vec<_>>(),
        [Some(gold), None, None]
    );
    let found = inspect(&source.path("asked.jsonl"), None, &ReadOptions::default()).unwrap();
    assert_eq!((found.table, found.rows, found.warnings.len()), (Table::Prompts, 3, 0));
    assert_eq!(found.prompts, Some(PromptSummary { conversations: 1, gold: 1 }));
}

#[test]
fn bad_prompts_are_placed_and_those_not_of_text_counted() {
    let text = r#"{"query": "One?"}
{"query": "One?", "prompt": "Two?"}
{"query": " "}
{"id": [], "query": "One?"}
{"id": "own-1", "query": "One?"}
{"messages": 3}
{"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}
{"query": "cut
"#;
    let source = Source::new(&[("own.jsonl", text.as_bytes())]);
    let loaded = lenient(&source, "own.jsonl").unwrap();
    assert_eq!(shown(&loaded), ["own-1|own|User: One?"]);
    let faults: Vec<_> = loaded.source.bad_rows.iter().map(|bad| (bad.line, bad.code)).collect();
    assert_eq!(
        faults,
        [
            (2, "missing_field"),
            (3, "empty_query"),
            (4, "wrong_type"),
            (5, "duplicate_id"),
            (6, "bad_messages"),
            (8, "json_syntax")
        ]
    );
    assert_eq!(
        Vec::from_iter(loaded.source.passed_over),
        [("prompts with an image, a sound or a file", 1)]
    );
    let error = strict(&source, "own.jsonl").unwrap_err();
    assert!(error.to_string().contains("own.jsonl:2: "), "{error}");
    let error = read(&source.path("own.jsonl"), None, &ReadOptions::default()).unwrap_err();
    assert_eq!(error.code(), "wrong_table");
}

#[test]
fn the_queries_of_other_tables_are_prompts() {
    let battle = "{\"id\": \"b\", \"query\": \"Who?\", \"dataset\": \"d\", \"model_a\": \"m\", \"model_b\": \"n\", \"winner\": \"tie\"}\n";
    let need = "{\"id\": \"c\", \"query\": \"How?\", \"dataset\": \"e\", \"need\": 3}\n";
    let source = Source::new(&[
        ("outcomes.jsonl", JSONL.as_bytes()),
        ("battles.jsonl", battle.as_bytes()),
        ("needs.jsonl", need.as_bytes()),
    ]);
    let of = |name: &str| shown(&strict(&source, name).unwrap());
    assert_eq!(of("outcomes.jsonl"), ["a|own|User: One?", "b|own|User: Two?"]);
    assert_eq!(of("battles.jsonl"), ["b|d|User: Who?"]);
    assert_eq!(of("needs.jsonl"), ["c|e|User: How?"]);
}

#[test]
fn a_visitor_may_stop_the_reading() {
    let text = "{\"query\": \"One?\"}\n".repeat(3);
    let source = Source::new(&[("own.jsonl", text.as_bytes())]);
    for (name, text) in [("own.jsonl", text.as_str()), ("outcomes.jsonl", JSONL)] {
        fs::write(source.path(name), text).unwrap();
        let mut seen = 0;
        let stopped =
            for_each_prompt(&source.path(name), None, &ReadOptions::default(), &mut |_| {
                seen += 1;
                Err(DataError::Stopped { detail: "enough".into() })
            });
        assert_eq!((stopped.unwrap_err().code(), seen), ("stopped", 1), "{name}");
    }
}
