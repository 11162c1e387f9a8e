//! Queries that cannot be routed are refused with a stable code.

use pointsman::{MAX_QUERY_BYTES, MAX_RATED_BYTES, Message, Query, RouteRequest};

fn code(json: &str) -> &'static str {
    RouteRequest::from_json(json).unwrap_err().code()
}

#[test]
fn more_than_the_longest_query_is_too_long_and_the_limit_is_named() {
    let error = Query::new("a ".repeat(1 << 24)).unwrap_err();
    assert_eq!(error.code(), "query_too_long");
    assert!(error.to_string().contains(&MAX_QUERY_BYTES.to_string()));
    assert!(Query::new("a".repeat(MAX_QUERY_BYTES)).is_ok());
}

#[test]
fn a_long_conversation_keeps_its_newest_text() {
    let old = "古".repeat(MAX_RATED_BYTES / 3);
    let messages: Vec<Message> = serde_json::from_value(serde_json::json!([
        {"role": "user", "content": old},
        {"role": "user", "content": "newest"},
    ]))
    .unwrap();
    let query = Query::from_messages(&messages).unwrap();
    let [first, newest] = query.turns() else { panic!("{} turns", query.turns().len()) };
    assert!(first.len() + newest.len() <= MAX_RATED_BYTES);
    assert!(first.starts_with('古') && first.ends_with('古') && newest == "newest");
    assert_eq!(query.bytes(), MAX_RATED_BYTES / 3 * 3 + 6);
}

#[test]
fn empty_and_blank_queries_are_empty() {
    for text in ["", " ", "\n\t", "\u{3000}"] {
        assert_eq!(Query::new(text).unwrap_err().code(), "query_empty");
    }
}

#[test]
fn nul_and_lone_surrogates_are_ill_formed() {
    assert_eq!(Query::new("a\0b").unwrap_err().code(), "query_ill_formed");
    for json in [
        r#"{"query": "a\ud800b"}"#,
        r#"{"query": "\udc00"}"#,
        r#"{"query": "\ud83d"}"#,
        r#"{"query": "\ud83d\ud83d"}"#,
        r#"{"messages": [{"role": "user", "content": "\udfff"}]}"#,
    ] {
        assert_eq!(code(json), "query_ill_formed", "{json}");
    }
}

#[test]
fn malformed_requests_are_ill_formed() {
    for json in [
        "",
        "[]",
        "[\"a\", null, null]",
        "{}",
        "{\"query\": 7}",
        "{\"query\": \"a\", \"messages\": []}",
        "{\"query\": \"a\", \"polcy\": {}}",
        "{\"messages\": [{\"content\": \"no role\"}]}",
        "{\"query\": \"a\", \"policy\": {\"threshold\": \"high\"}}",
    ] {
        assert_eq!(code(json), "request_ill_formed", "{json}");
    }
}
