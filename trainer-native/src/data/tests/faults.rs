//! Bad input gives the place, a stable code and the remedy, and only the bad rows are left out.

#![allow(clippy::panic)]

use super::*;

/// Reads bytes that hold one bad row; returns its code, line and reason, after checking that
/// skipping it leaves the other rows.
fn bad_row(name: &str, bytes: &[u8], rows_left: usize) -> (&'static str, u64, String) {
    let source = Source::new(&[(name, bytes)]);
    let error = source.strict(name).unwrap_err();
    let DataError::BadRow(bad) = &error else { panic!("{error}") };
    assert_eq!(bad.code, error.code());
    let message = error.to_string();
    assert!(message.contains(&format!("{name}:{}", bad.line)), "{message}");
    assert!(message.contains("--skip-bad") && message.contains("expected"), "{message}");
    let loaded = source.lenient(name).unwrap();
    assert_eq!(loaded.bad_count, 1);
    assert_eq!(loaded.bad_rows, std::slice::from_ref(bad));
    assert_eq!(loaded.outcomes.rows.len(), rows_left);
    (bad.code, bad.line, bad.reason.clone())
}

#[test]
fn csv_faults_are_placed_at_the_row_they_begin_in() {
    let with = |row: &str| format!("{MMLU}{row}\nThree?,True,True\n");
    let cases = [
        ("\"Long\nprompt?\",True", "wrong_column_count"),
        ("Bad?,True,False,True", "wrong_column_count"),
        ("Bad?,True,", "empty_cell"),
        ("Bad?,True,Maybe", "unknown_boolean"),
        ("\" \",True,True", "empty_query"),
    ];
    for (row, code) in cases {
        let (found, line, _) = bad_row("mmlu_x.csv", with(row).as_bytes(), 3);
        assert_eq!((found, line), (code, 7), "{row}");
    }
}

#[test]
fn blank_lines_and_crlf_do_not_shift_csv_lines() {
    let text = "prompt,small,large\r\n\r\n\r\nOne?,True,True\r\n\r\nBad?,True,No\r\n";
    let (code, line, reason) = bad_row("mmlu_x.csv", text.as_bytes(), 1);
    assert_eq!((code, line), ("unknown_boolean", 6));
    assert!(reason.contains("\"No\"") && reason.contains("\"large\""), "{reason}");
}

#[test]
fn an_unclosed_quote_is_placed_where_it_opens() {
    let text = "prompt,small,large\nOne?,True,True\n\"Two?,True,True\nThree?,True,True\n";
    let (code, line, _) = bad_row("mmlu_x.csv", text.as_bytes(), 1);
    assert_eq!((code, line), ("wrong_column_count", 3));
}

#[test]
fn bytes_that_are_not_utf8_are_named() {
    let csv = b"prompt,small,large\nOne?,True,True\nCaf\xE9?,True,True\n";
    let (code, line, reason) = bad_row("mmlu_x.csv", csv, 1);
    assert_eq!((code, line), ("not_utf8", 3));
    assert!(reason.contains("0xe9") && reason.contains("3 bytes"), "{reason}");
    let jsonl = [JSONL.as_bytes(), b"{\"id\": \"\xFF\"}\n"].concat();
    assert_eq!(bad_row("x.jsonl", &jsonl, 2).0, "not_utf8");
    let dc =
        [b"[{\"question\": \"\xFF\", \"scores\": {}},", DC.as_bytes().get(1..).unwrap()].concat();
    assert_eq!(bad_row("x.json", &dc, 2).0, "not_utf8");
}

#[test]
fn jsonl_faults_are_placed_and_named() {
    let row = |middle: &str, scores: &str| {
        format!("{{\"id\": \"z\", {middle}, \"dataset\": \"own\", \"scores\": {scores}}}")
    };
    let query = "\"query\": \"q\"";
    let cases = [
        (row(query, "{\"small\": 1.5}"), "score_out_of_range"),
        (row(query, "{\"small\": -0.1}"), "score_out_of_range"),
        (row(query, "{\"small\": NaN}"), "json_syntax"),
        (row(query, "{\"small\": true}"), "score_not_a_number"),
        (row(query, "{\"small\": \"1\"}"), "score_not_a_number"),
        (row(query, "{}"), "no_scores"),
        (row(query, "{\"small\": 1, \"small\": 0}"), "duplicate_model"),
        (row(query, "{\"small\": null, \"small\": 0}"), "duplicate_model"),
        (row(query, "{\" \": 1}"), "empty_model_name"),
        (row(query, "[1]"), "wrong_type"),
        (row("\"query\": \"\\n\"", "{\"small\": 1}"), "empty_query"),
        (row("\"query\": 3", "{\"small\": 1}"), "wrong_type"),
        (row("\"text\": \"q\"", "{\"small\": 1}"), "missing_field"),
        ("[1, 2]".to_owned(), "wrong_type"),
        ("{\"id\": ".to_owned(), "json_syntax"),
        (
            "{\"id\": \"a\", \"query\": \"q\", \"dataset\": \"own\", \"scores\": {\"small\": 1}}"
                .to_owned(),
            "duplicate_id",
        ),
    ];
    for (bad, code) in cases {
        let text = format!("{JSONL}\n{bad}\n{}\n", row(query, "{\"small\": 1}"));
        let (found, line, _) = bad_row("x.jsonl", text.as_bytes(), 3);
        assert_eq!((found, line), (code, 4), "{bad}");
    }
}

#[test]
fn json_syntax_is_placed_by_line_and_column() {
    let (_, _, reason) = bad_row("x.jsonl", format!("{JSONL}{{\"id\" 1}}\n").as_bytes(), 2);
    assert!(reason.contains("column 7"), "{reason}");
    for (text, place) in [
        ("[{\"question\" 1}]", (1, 14)),
        ("[\n{\"question\": \"q\",\n  oops}]", (3, 3)),
        ("[{\"question\": \"q\", \"scores\": {\"m\": 1}} {}]", (1, 40)),
        ("[{\"question\": \"q\", \"scores\": {\"m\": 1}}] x", (1, 41)),
        ("[{\"question\": \"q\", \"scores\": {\"m\": 1}},", (1, 40)),
    ] {
        let source = Source::new(&[("x.json", text.as_bytes())]);
        // Rows behind the fault cannot be found: skipping does not apply.
        match source.lenient("x.json").unwrap_err() {
            DataError::BadFile { place: found, detail } => {
                let (line, column) = place;
                assert!(found.ends_with(&format!("x.json:{line}:{column}")), "{text}: {found}");
                assert!(detail.starts_with("not valid JSON: "), "{text}: {detail}");
            }
            other => panic!("{text}: {other}"),
        }
    }
}

#[test]
fn routerdc_faults_are_placed_at_the_row_they_begin_in() {
    for (bad, code) in [
        ("{\"question\": \"q\"}", "missing_field"),
        ("{\"question\": \"q\",\n \"scores\": {\"small\": 2}}", "score_out_of_range"),
        ("{\"question\": \"q\", \"cluster_id\": -1, \"scores\": {\"small\": 0}}", "wrong_type"),
        ("\"text\"", "wrong_type"),
    ] {
        let text = DC.replacen('\n', &format!("\n {bad},\n"), 1);
        let (found, line, _) = bad_row("x.json", text.as_bytes(), 2);
        assert_eq!((found, line), (code, 2), "{bad}");
    }
}

#[test]
fn headers_are_checked_against_the_format_and_each_other() {
    for header in ["question,small,large", "prompt", "prompt,small,small", "prompt,small,"] {
        let source =
            Source::new(&[("mmlu_x.csv", format!("{header}\nOne?,True,True\n").as_bytes())]);
        let path = source.path("mmlu_x.csv");
        let error = read(&path, Some(Format::RouteLlmMmlu), &ReadOptions::default()).unwrap_err();
        assert_eq!(error.code(), "bad_file", "{header}: {error}");
        assert!(error.to_string().contains("mmlu_x.csv:1: found the columns "), "{error}");
    }
    let other = MMLU.replace("large", "huge");
    let source = Source::new(&[("mmlu_a.csv", MMLU.as_bytes()), ("mmlu_b.csv", other.as_bytes())]);
    let error = source.strict("").unwrap_err();
    assert!(
        error.to_string().contains("mmlu_b.csv") && error.to_string().contains("small, large"),
        "{error}"
    );
}

#[test]
fn sources_without_usable_rows_are_errors() {
    let empty = "the file is empty";
    for (name, bytes, code, part) in [
        ("mmlu_x.csv", &b""[..], "bad_file", empty),
        ("x.jsonl", b"\n \n", "bad_file", empty),
        ("x.json", b"\xEF\xBB\xBF \n", "bad_file", empty),
        ("x.json", b"[ ]", "bad_file", empty),
        ("mmlu_x.csv", b"prompt,small,large\n", "no_rows", "no usable row"),
        ("mmlu_x.csv", b"prompt,only\nOne?,True\n", "bad_file", "one model only (only)"),
        (
            "x.jsonl",
            b"{\"id\":\"a\",\"query\":\"q\",\"dataset\":\"d\",\"scores\":{\"only\":1}}",
            "bad_file",
            "one model only (only)",
        ),
        ("x.md", b"hello", "unknown_format", "unknown format"),
        (
            "x.txt",
            b"hello",
            "wrong_table",
            "found prompts (format prompts-text), expected outcomes",
        ),
        ("x.jsonl", b"{\"id\": 1}\n", "no_rows", "no usable row"),
    ] {
        let source = Source::new(&[(name, bytes)]);
        let error = source.lenient(name).unwrap_err();
        assert_eq!(error.code(), code, "{name}: {error}");
        assert!(error.to_string().contains(name) && error.to_string().contains(part), "{error}");
    }
}

#[test]
fn outcomes_of_one_model_are_read_where_the_caller_takes_them() {
    let source = Source::new(&[("mmlu_x.csv", b"prompt,only\nOne?,True\nTwo?,False\n")]);
    let path = source.path("mmlu_x.csv");
    let loaded = read_of_any_models(&path, None, &ReadOptions::default()).unwrap();
    assert_eq!(loaded.outcomes.models, ["only"]);
    let scores: Vec<_> = loaded.outcomes.rows.iter().map(|row| row.score(0)).collect();
    assert_eq!(scores, [Some(1.0), Some(0.0)]);
    let error = source.strict("mmlu_x.csv").unwrap_err().to_string();
    assert!(error.contains("add the scores of another model") && error.contains("auxiliary"));
}

#[test]
fn folders_of_no_or_of_several_formats_are_errors() {
    let error = Source::new(&[("notes.txt", b"x")]).strict("").unwrap_err();
    assert_eq!(error.code(), "bad_file");
    assert!(error.to_string().contains("found no file to read in this folder"), "{error}");
    let mixed = Source::new(&[("a.json", DC.as_bytes()), ("b.jsonl", JSONL.as_bytes())]);
    assert_eq!(mixed.strict("").unwrap_err().code(), "unknown_format");
    let chosen = read(&mixed.path(""), Some(Format::RouterDc), &ReadOptions::default()).unwrap();
    assert_eq!(chosen.outcomes.rows.len(), 2);
    assert_eq!(mixed.strict("missing").unwrap_err().code(), "io");
}

#[test]
fn bad_rows_beyond_the_stored_ones_are_counted() {
    let bad = "{}\n".repeat(MAX_STORED_BAD_ROWS + 20);
    let source = Source::new(&[("x.jsonl", format!("{JSONL}{bad}").as_bytes())]);
    let loaded = source.lenient("x.jsonl").unwrap();
    assert_eq!(
        (loaded.bad_rows.len(), loaded.bad_count),
        (MAX_STORED_BAD_ROWS, MAX_STORED_BAD_ROWS + 20)
    );
}
