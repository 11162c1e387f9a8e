//! Prompts in tables, text, conversation exports and the gateway's decisions.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::data::{
    DataError, Format, PromptRow, PromptSource, ReadOptions, Role, detect, for_each_prompt,
};

fn read(path: &Path, format: Option<Format>) -> Result<(Vec<PromptRow>, PromptSource), DataError> {
    let mut rows = Vec::new();
    let source = for_each_prompt(path, format, &ReadOptions::default(), &mut |row| {
        rows.push(row);
        Ok(())
    })?;
    Ok((rows, source))
}

/// Writes a file, recognises it and reads it.
fn of(name: &str, text: &str, format: Format) -> Result<(Vec<PromptRow>, PromptSource), DataError> {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    assert_eq!(detect(&path).unwrap(), format, "{text}");
    read(&path, None)
}

fn queries(rows: &[PromptRow]) -> Vec<&str> {
    rows.iter().map(|row| row.query.as_str()).collect()
}

#[test]
fn a_table_of_prompts_may_state_ids_sets_and_right_answers() {
    let text = "note,prompt,gold,id\n,\"Name a prime, above 10.\",\"{\"\"numeric\"\": 11}\",q1\nx,\"Two\nlines?\",Paris,\n";
    let (rows, source) = of("mine.csv", text, Format::PromptsCsv).unwrap();
    assert_eq!((source.rows, queries(&rows)), (2, vec!["Name a prime, above 10.", "Two\nlines?"]));
    let ids: Vec<(&str, &str)> = rows.iter().map(|row| (&*row.id, &*row.dataset)).collect();
    assert_eq!(ids, [("q1", "mine"), ("mine-3", "mine")]);
    let gold: Vec<Option<Value>> = rows.into_iter().map(|row| row.gold).collect();
    assert_eq!(gold, [Some(json!({"numeric": 11})), Some(json!({"exact": "Paris"}))]);
    for header in ["query", "prompt", "id,query,dataset", "prompt,id", "prompt,dataset,gold"] {
        let cells = header.replace("query", "Why?").replace("prompt", "Why?");
        let (rows, _) = of("a.csv", &format!("{header}\n{cells}\n"), Format::PromptsCsv).unwrap();
        assert_eq!(queries(&rows), ["Why?"], "{header}");
    }
}

#[test]
fn a_table_of_outcomes_is_no_table_of_prompts() {
    let text = "prompt,gpt-4,small\nWhy?,True,False\n";
    let (rows, source) = of("mmlu_a.csv", text, Format::RouteLlmMmlu).unwrap();
    assert_eq!((source.format, queries(&rows)), (Format::RouteLlmMmlu, vec!["Why?"]));
}

#[test]
fn a_table_whose_prompt_cannot_be_told_is_an_error() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("a.csv");
    for (text, part) in [
        ("query,prompt\na,b\n", "one of query and prompt"),
        ("question\na\n", "one of query and prompt"),
        ("query\n\" \"\n", "empty query"),
        ("query,id\na\n", "found 1 columns"),
    ] {
        fs::write(&path, text).unwrap();
        let error = read(&path, Some(Format::PromptsCsv)).unwrap_err();
        assert!(error.to_string().contains(part), "{text}: {error}");
    }
}

#[test]
fn text_has_a_prompt_a_line() {
    let text = "\u{feff}Why?\r\n\r\n  [1, 2]: the sum?  \n{\"a\": 1}";
    let (rows, _) = of("asked.txt", text, Format::PromptsText).unwrap();
    assert_eq!(queries(&rows), ["Why?", "[1, 2]: the sum?", "{\"a\": 1}"]);
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(ids, ["asked-1", "asked-3", "asked-4"]);
    // Beside data files a text is a note about them, unless the format is named.
    let folder = tempfile::TempDir::new().unwrap();
    fs::write(folder.path().join("a.txt"), "Why?").unwrap();
    assert_eq!(detect(folder.path()).unwrap_err().code(), "bad_file");
    fs::write(folder.path().join("a.csv"), "query\nHow?\n").unwrap();
    assert_eq!(queries(&read(folder.path(), None).unwrap().0), ["How?"]);
    let (rows, _) = read(folder.path(), Some(Format::PromptsText)).unwrap();
    assert_eq!(queries(&rows), ["Why?"]);
}

#[test]
fn sharegpt_conversations_are_cut_to_the_last_user_turn() {
    let turns = json!([{"from": "system", "value": "Be brief."}, {"from": "human", "value": "One?"},
        {"from": "gpt", "value": "1"}, {"from": "human", "value": "Two?"}, {"from": "gpt", "value": "2"}]);
    let first = json!({"id": "c-1", "conversations": turns});
    let second = json!({"conversations": [{"from": "human", "value": "Three?"}]});
    let third = json!({"conversations": [{"from": "gpt", "value": "Hello."}]});
    let lines = format!("{first}\n{second}\n{third}\n");
    let list = serde_json::to_string_pretty(&[&first, &second, &third]).unwrap();
    for (name, text) in [("talk.jsonl", lines), ("talk.json", list)] {
        let (rows, source) = of(name, &text, Format::ShareGpt).unwrap();
        assert_eq!(queries(&rows), ["Two?", "Three?"]);
        assert_eq!((rows[0].messages.len(), rows[0].messages[0].0), (4, Role::System));
        assert_eq!([&*rows[0].id, &*rows[1].id], ["c-1", "talk-2"]);
        assert_eq!(source.passed_over.values().sum::<usize>(), 1);
    }
}

/// A node of ChatGPT's tree.
fn node(parent: Option<&str>, role: &str, content: &Value) -> Value {
    json!({"parent": parent, "children": [], "message": {"author": {"role": role}, "content": content, "recipient": "all"}})
}

fn said(text: &str) -> Value {
    json!({"content_type": "text", "parts": [text]})
}

#[test]
fn chatgpts_export_is_read_along_the_way_that_was_kept() {
    let hidden = json!({"content_type": "user_editable_context", "user_profile": "x"});
    let thought = json!({"content_type": "thoughts", "thoughts": []});
    let mapping = json!({
        "root": {"parent": null, "message": null, "children": ["s"]},
        "s": node(Some("root"), "system", &said("")),
        "h": node(Some("s"), "user", &hidden),
        "u1": node(Some("h"), "user", &said("One?")),
        "a1": node(Some("u1"), "assistant", &said("1, said otherwise")),
        "t": node(Some("u1"), "assistant", &thought),
        "a2": node(Some("t"), "assistant", &said("1")),
        "u2": node(Some("a2"), "user", &said("Two?")),
        "a3": node(Some("u2"), "assistant", &said("2")),
    });
    let picture = json!({"content_type": "multimodal_text", "parts": [{"content_type": "image_asset_pointer"}, "What is it?"]});
    let seen = json!({"p": node(None, "user", &picture)});
    let chats = json!([
        {"title": "x", "id": "c-1", "mapping": mapping, "current_node": "a3"},
        {"title": "y", "conversation_id": "c-2", "mapping": seen, "current_node": "p"},
    ]);
    let (rows, source) =
        of("conversations.json", &chats.to_string(), Format::ChatGptExport).unwrap();
    assert_eq!((rows.len(), source.passed_over.values().sum::<usize>()), (1, 1));
    assert_eq!(rows[0].id, "c-1");
    let turns: Vec<&str> = rows[0].messages.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(turns, ["One?", "1", "Two?"]);
}

#[test]
fn a_damaged_tree_of_chatgpt_is_a_fault() {
    let circle = json!({"a": node(Some("b"), "user", &said("One?")), "b": node(Some("a"), "user", &said("Two?"))});
    let cut = json!({"a": node(Some("gone"), "user", &said("One?"))});
    for (chat, code) in [
        (json!({"mapping": circle, "current_node": "a"}), "circle"),
        (json!({"mapping": cut, "current_node": "a"}), "missing_node"),
        (json!({"mapping": {}, "current_node": "a"}), "missing_node"),
        (json!({"mapping": cut}), "missing_field"),
        (json!({"mapping": 3, "current_node": "a"}), "wrong_type"),
    ] {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("conversations.json");
        fs::write(&path, format!("[{chat}]")).unwrap();
        let error = read(&path, Some(Format::ChatGptExport)).unwrap_err();
        assert_eq!(error.code(), code, "{chat}: {error}");
    }
}

#[test]
fn decisions_of_the_gateway_are_read_from_their_folders() {
    let folder = tempfile::TempDir::new().unwrap();
    let day = folder.path().join("decisions/2026-11-22/team");
    fs::create_dir_all(&day).unwrap();
    let decision = |id: &str, query: Value| {
        let mut row = json!({"id": "r-1", "decision_id": id, "at": "2026-11-22T08:00:00Z", "key": "team",
            "endpoint": "chat/completions", "status": 200, "router": "default", "model": "small", "reason": "routed"});
        match query {
            Value::Null => row["query_hmac"] = json!("0a"),
            query => row["query"] = query,
        }
        fs::write(day.join(format!("{id}.json")), row.to_string()).unwrap();
    };
    decision("d-1", json!("One?\n\nTwo?"));
    decision("d-2", Value::Null);
    decision("d-3", json!("Three?"));
    for path in [folder.path().join("decisions"), day.clone()] {
        assert_eq!(detect(&path).unwrap(), Format::Decisions);
        let (rows, source) = read(&path, None).unwrap();
        assert_eq!(queries(&rows), ["One?\n\nTwo?", "Three?"]);
        assert_eq!([&*rows[0].id, &*rows[0].dataset], ["d-1", "gateway"]);
        assert_eq!((source.files.len(), source.passed_over.values().sum::<usize>()), (3, 1));
    }
    let (rows, _) = read(&day.join("d-3.json"), None).unwrap();
    assert_eq!(queries(&rows), ["Three?"]);
    fs::remove_file(day.join("d-1.json")).unwrap();
    fs::remove_file(day.join("d-3.json")).unwrap();
    assert_eq!(read(folder.path(), None).unwrap_err().code(), "no_rows");
}
