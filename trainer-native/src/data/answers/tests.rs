//! Tests of reading answers.

#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;

fn open(texts: &[&str], skip_bad: bool) -> (tempfile::TempDir, Result<AnswerSet, DataError>) {
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<PathBuf> =
        (0..texts.len()).map(|at| folder.path().join(format!("{at}.jsonl"))).collect();
    for (file, text) in files.iter().zip(texts) {
        std::fs::write(file, text).unwrap();
    }
    let check = |gold: &Value| match gold.as_str() {
        Some(text) => Err(format!("found {text}, expected an object")),
        None => Ok(()),
    };
    let set = AnswerSet::open(&files, &ReadOptions { skip_bad }, &check);
    (folder, set)
}

fn row(id: &str, model: &str, sample: u32, answer: &str) -> String {
    json!({"id": id, "query": format!("query {id}"), "model": model, "sample": sample, "answer": answer})
        .to_string()
}

#[test]
fn rows_of_a_prompt_come_together_from_anywhere() {
    let first = format!(
        "\u{feff}{}\n\n  \n{}\r\n{}\n",
        row("p", "small", 1, "s1"),
        row("q", "large", 0, "Größe"),
        row("p", "large", 0, "l0")
    );
    let second = format!("{}\n{}", row("q", "small", 0, "qs"), row("p", "small", 0, "s0"));
    let (_folder, set) = open(&[&first, &second], false);
    let set = set.unwrap();
    assert_eq!(
        (set.models.as_slice(), set.prompt_count(), set.answer_count()),
        (&["small".to_owned(), "large".to_owned()][..], 2, 5)
    );
    let prompts: Vec<AnsweredPrompt> = set.prompts().map(Result::unwrap).collect();
    let texts = |prompt: &AnsweredPrompt| -> Vec<(usize, u32, String)> {
        prompt.answers.iter().map(|a| (a.model, a.sample, a.text.clone())).collect()
    };
    assert_eq!((prompts[0].id.as_str(), prompts[0].query.as_str()), ("p", "query p"));
    assert_eq!(texts(&prompts[0]), [(0, 0, "s0".into()), (0, 1, "s1".into()), (1, 0, "l0".into())]);
    assert_eq!(texts(&prompts[1]), [(0, 0, "qs".into()), (1, 0, "Größe".into())]);
    assert_eq!(prompts[1].dataset, "own");
}

#[test]
fn optional_fields_are_read() {
    let text = json!({
        "id": "1", "query": "Why?", "model": "m", "answer": "", "dataset": "d", "finish": "refusal",
        "cost_usd": 0.5, "gold": {"exact": "a"}, "latency_ms": 5,
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}],
    });
    let (_folder, set) = open(&[&text.to_string()], false);
    let prompt = set.unwrap().prompts().next().unwrap().unwrap();
    assert_eq!((prompt.dataset.as_str(), prompt.gold), ("d", Some(json!({"exact": "a"}))));
    assert_eq!(prompt.messages.len(), 2);
    let answer = &prompt.answers[0];
    assert_eq!((answer.ending, answer.cost_usd), (Ending::Refusal, Some(0.5)));
}

#[test]
fn bad_rows_are_named_or_left_out() {
    let good = row("p", "m", 0, "a");
    for (bad, code, part) in [
        ("{", "json_syntax", "JSON"),
        (r#"{"id": "1", "query": " ", "model": "m", "answer": "a"}"#, "empty_query", "query"),
        (r#"{"id": "1", "query": "q", "model": " ", "answer": "a"}"#, "empty_model_name", "name"),
        (r#"{"id": "1", "query": "q", "model": "m"}"#, "missing_field", "\"answer\""),
        (
            r#"{"id": "1", "query": "q", "model": "m", "answer": "a", "finish": "eos"}"#,
            "wrong_type",
            "refusal",
        ),
        (
            r#"{"id": "1", "query": "q", "model": "m", "answer": "a", "cost_usd": -1}"#,
            "cost_out_of_range",
            "-1",
        ),
        (
            r#"{"id": "1", "query": "q", "model": "m", "answer": "a", "sample": -1}"#,
            "wrong_type",
            "-1",
        ),
        (
            r#"{"id": "1", "query": "q", "model": "m", "answer": "a", "gold": "B"}"#,
            "bad_gold",
            "found B",
        ),
        (
            r#"{"id": "1", "query": "q", "model": "m", "answer": "a", "messages": [{"role": "system", "content": ""}]}"#,
            "bad_messages",
            "user",
        ),
        (r#"{"id": "p", "query": "other", "model": "n", "answer": "a"}"#, "other_prompt", "\"p\""),
        (good.as_str(), "duplicate_answer", "0.jsonl:1"),
    ] {
        let text = format!("{good}\n{bad}\n");
        let (_folder, set) = open(&[&text], false);
        let error = set.unwrap_err();
        assert_eq!(error.code(), code, "{bad}: {error}");
        for part in [part, "0.jsonl:2"] {
            assert!(error.to_string().contains(part), "{part}: {error}");
        }
        let (_folder, set) = open(&[&text], true);
        let set = set.unwrap();
        assert_eq!((set.answer_count(), set.bad_count), (1, 1), "{bad}");
        assert_eq!(set.prompts().map(Result::unwrap).count(), 1);
    }
    let (_folder, empty) = open(&["{\n"], true);
    assert_eq!(empty.unwrap_err().code(), "no_rows");
}

#[test]
fn a_file_that_changes_while_it_is_read_is_an_error() {
    let (folder, set) = open(&[&row("p", "m", 0, "a")], false);
    let set = set.unwrap();
    std::fs::write(folder.path().join("0.jsonl"), "{}").unwrap();
    let error = set.prompts().next().unwrap().unwrap_err();
    assert!(error.to_string().contains("was changed"), "{error}");
}
