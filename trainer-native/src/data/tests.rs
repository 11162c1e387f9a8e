//! What the readers promise, whatever the format: rows as written, faults with their place.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

const MMLU: &str = "prompt,small,large\n\"One?\nA. x\nB. y\nAnswer:\",True,False\nTwo?,False,True\n";
const DC: &str = "[{\"question\": \"One?\", \"scores\": {\"small\": 0, \"large\": 0.5}, \"cluster_id\": 3},\n {\"question\": \"Two?\", \"scores\": {\"small\": 1.0, \"large\": 1}}]";
const JSONL: &str = "{\"id\": \"a\", \"query\": \"One?\", \"dataset\": \"own\", \"scores\": {\"small\": 0.25, \"large\": 1.0}}\n{\"id\": \"b\", \"query\": \"Two?\", \"dataset\": \"own\", \"category\": \"c\", \"scores\": {\"large\": 0.5}}\n";

struct Source {
    folder: TempDir,
}

impl Source {
    fn new(files: &[(&str, &[u8])]) -> Self {
        let folder = TempDir::new().unwrap();
        for (name, bytes) in files {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn strict(&self, name: &str) -> Result<Loaded, DataError> {
        read(&self.path(name), None, &ReadOptions::default())
    }

    fn lenient(&self, name: &str) -> Result<Loaded, DataError> {
        read(&self.path(name), None, &ReadOptions { skip_bad: true })
    }
}

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
fn mmlu_rows_are_read_with_subject_and_line_breaks() {
    let source = Source::new(&[("mmlu_logic.csv", MMLU.as_bytes()), ("mmlu_art.csv", MMLU.as_bytes())]);
    let loaded = source.strict("").unwrap();
    assert_eq!(loaded.format, Format::RouteLlmMmlu);
    assert_eq!(loaded.outcomes.models, ["small", "large"]);
    let ids: Vec<_> = loaded.outcomes.rows.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(ids, ["mmlu_art-0", "mmlu_art-1", "mmlu_logic-0", "mmlu_logic-1"]);
    let row = &loaded.outcomes.rows[2];
    assert_eq!((row.dataset.as_str(), row.category.as_deref()), ("mmlu", Some("logic")));
    assert_eq!(row.query, "One?\nA. x\nB. y\nAnswer:");
    assert_eq!(row.scores, [(0, 1.0), (1, 0.0)]);
}

#[test]
fn routerdc_rows_are_read_with_cluster_and_set() {
    let source = Source::new(&[("own_train.json", DC.as_bytes())]);
    let loaded = source.strict("own_train.json").unwrap();
    assert_eq!(loaded.format, Format::RouterDc);
    let rows = &loaded.outcomes.rows;
    assert_eq!((rows[0].id.as_str(), rows[0].dataset.as_str()), ("own_train-0", "own_train"));
    assert_eq!((rows[0].cluster, rows[1].cluster), (Some(3), None));
    assert_eq!(rows[0].scores, [(0, 0.0), (1, 0.5)]);
}

#[test]
fn jsonl_rows_are_read_sparse() {
    let source = Source::new(&[("own.jsonl", JSONL.as_bytes())]);
    let loaded = source.strict("own.jsonl").unwrap();
    assert_eq!(loaded.format, Format::OutcomesJsonl);
    let rows = &loaded.outcomes.rows;
    assert_eq!((rows[1].score(0), rows[1].score(1)), (None, Some(0.5)));
    assert_eq!(rows[1].category.as_deref(), Some("c"));
}

#[test]
fn null_means_not_measured() {
    let text = "{\"id\": \"a\", \"query\": \"q\", \"dataset\": \"d\", \"scores\": {\"m\": null, \"n\": 1, \"o\": 0}}";
    let source = Source::new(&[("own.jsonl", text.as_bytes())]);
    assert_eq!(source.strict("own.jsonl").unwrap().outcomes.models, ["n", "o"]);
}

#[test]
fn the_hash_is_that_of_the_contents_in_name_order() {
    let rows = |id: &str| format!("{{\"id\":\"{id}\",\"query\":\"q\",\"dataset\":\"d\",\"scores\":{{\"m\":0,\"n\":1}}}}\n");
    let (first, second) = (rows("a"), rows("b"));
    let parts = Source::new(&[("2.jsonl", second.as_bytes()), ("1.jsonl", first.as_bytes())]);
    let whole = Source::new(&[("all.jsonl", format!("{first}{second}").as_bytes())]);
    let (parts, whole) = (parts.strict("").unwrap(), whole.strict("all.jsonl").unwrap());
    assert_eq!(parts.sha256, whole.sha256);
    assert_eq!(parts.bytes, whole.bytes);
    assert_eq!(whole.sha256.len(), 64);
}

#[test]
fn byte_order_marks_and_crlf_change_nothing() {
    for (name, text) in [("mmlu_x.csv", MMLU), ("x.json", DC), ("x.jsonl", JSONL)] {
        let marked = format!("\u{FEFF}{}", text.replace('\n', "\r\n"));
        let plain = Source::new(&[(name, text.as_bytes())]).strict(name).unwrap();
        let marked = Source::new(&[(name, marked.as_bytes())]).strict(name).unwrap();
        assert_eq!(plain.outcomes, marked.outcomes, "{name}");
    }
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
    let dc = [b"[{\"question\": \"\xFF\", \"scores\": {}},", DC.as_bytes().get(1..).unwrap()].concat();
    assert_eq!(bad_row("x.json", &dc, 2).0, "not_utf8");
}

#[test]
fn jsonl_faults_are_placed_and_named() {
    let row = |middle: &str, scores: &str| format!("{{\"id\": \"z\", {middle}, \"dataset\": \"own\", \"scores\": {scores}}}");
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
        ("{\"id\": \"a\", \"query\": \"q\", \"dataset\": \"own\", \"scores\": {\"small\": 1}}".to_owned(), "duplicate_id"),
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
            DataError::JsonSyntax { line, column, .. } => assert_eq!((line, column), place, "{text}"),
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
        let source = Source::new(&[("mmlu_x.csv", format!("{header}\nOne?,True,True\n").as_bytes())]);
        let path = source.path("mmlu_x.csv");
        let error = read(&path, Some(Format::RouteLlmMmlu), &ReadOptions::default()).unwrap_err();
        assert_eq!(error.code(), "bad_header", "{header}: {error}");
    }
    let other = MMLU.replace("large", "huge");
    let source = Source::new(&[("mmlu_a.csv", MMLU.as_bytes()), ("mmlu_b.csv", other.as_bytes())]);
    let error = source.strict("").unwrap_err();
    assert!(error.to_string().contains("mmlu_b.csv") && error.to_string().contains("small, large"), "{error}");
}

#[test]
fn sources_without_usable_rows_are_errors() {
    for (name, bytes, code) in [
        ("mmlu_x.csv", &b""[..], "empty_file"),
        ("x.jsonl", b"\n \n", "empty_file"),
        ("x.json", b"\xEF\xBB\xBF \n", "empty_file"),
        ("x.json", b"[ ]", "empty_file"),
        ("mmlu_x.csv", b"prompt,small,large\n", "no_rows"),
        ("mmlu_x.csv", b"prompt,only\nOne?,True\n", "too_few_models"),
        ("x.jsonl", b"{\"id\":\"a\",\"query\":\"q\",\"dataset\":\"d\",\"scores\":{\"only\":1}}", "too_few_models"),
        ("x.txt", b"hello", "unknown_format"),
        ("x.jsonl", b"{\"id\": 1}\n", "no_rows"),
    ] {
        let source = Source::new(&[(name, bytes)]);
        let error = source.lenient(name).unwrap_err();
        assert_eq!(error.code(), code, "{name}: {error}");
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn folders_of_no_or_of_several_formats_are_errors() {
    assert_eq!(Source::new(&[("notes.txt", b"x")]).strict("").unwrap_err().code(), "no_files");
    let mixed = Source::new(&[("a.json", DC.as_bytes()), ("b.jsonl", JSONL.as_bytes())]);
    assert_eq!(mixed.strict("").unwrap_err().code(), "unknown_format");
    let chosen = read(&mixed.path(""), Some(Format::RouterDc), &ReadOptions::default()).unwrap();
    assert_eq!(chosen.outcomes.rows.len(), 2);
    assert_eq!(mixed.strict("missing").unwrap_err().code(), "io");
}

#[test]
fn formats_are_found_by_name() {
    for format in Format::ALL {
        assert_eq!(Format::from_name(format.name()).unwrap(), format);
    }
    let error = Format::from_name("parquet").unwrap_err();
    assert!(error.to_string().contains("routerdc"), "{error}");
}

#[test]
fn bad_rows_beyond_the_stored_ones_are_counted() {
    let bad = "{}\n".repeat(MAX_STORED_BAD_ROWS + 20);
    let source = Source::new(&[("x.jsonl", format!("{JSONL}{bad}").as_bytes())]);
    let loaded = source.lenient("x.jsonl").unwrap();
    assert_eq!((loaded.bad_rows.len(), loaded.bad_count), (MAX_STORED_BAD_ROWS, MAX_STORED_BAD_ROWS + 20));
}

#[test]
fn contaminated_prompts_are_removed_by_their_exact_text() {
    let list = "{\"train_prompt\": \"Two\", \"eval_prompt\": \"Two?\"}\n\n";
    let source = Source::new(&[("mmlu_x.csv", MMLU.as_bytes()), ("list.jsonl", list.as_bytes()), ("bad.jsonl", b"\n{}\n")]);
    let prompts = routellm_mmlu::contaminated_prompts(&source.path("list.jsonl")).unwrap();
    let rows = source.strict("mmlu_x.csv").unwrap().outcomes;
    let (kept, removed) = routellm_mmlu::remove_contaminated(&rows, &prompts);
    assert_eq!((kept.rows.len(), removed), (1, 1));
    assert!(kept.rows[0].query.starts_with("One?"));
    let error = routellm_mmlu::contaminated_prompts(&source.path("bad.jsonl")).unwrap_err();
    assert!(error.to_string().contains("bad.jsonl:2"), "{error}");
}

fn any_outcomes() -> impl Strategy<Value = Outcomes> {
    let models = prop::sample::subsequence(vec!["m/1", "モデル", "m \"2\"", "m\n3"], 2..=4);
    models.prop_flat_map(|models| {
        let n = models.len();
        let row = ("\\PC{0,30}[a-z]", "\\PC{1,8}", prop::option::of("\\PC{0,5}"), prop::option::of(0_u32..9));
        let scores = prop::collection::vec(0.0_f32..=1.0, n);
        let rows = prop::collection::vec((row, scores), 1..12);
        rows.prop_map(move |rows| Outcomes {
            models: models.iter().map(|&m| m.to_owned()).collect(),
            rows: rows
                .into_iter()
                .enumerate()
                .map(|(at, ((query, dataset, category, cluster), scores))| OutcomeRow {
                    id: format!("id {at}"),
                    query,
                    dataset,
                    category,
                    cluster,
                    // The first row scores every model, so that none is unknown to the reader;
                    // later ones leave some out.
                    scores: scores.into_iter().enumerate().filter(|(m, _)| at == 0 || (at + m) % n != 0).collect(),
                })
                .collect(),
        })
    })
}

/// The same table with models in name order: writing sorts the names of a row.
fn in_name_order(mut outcomes: Outcomes) -> Outcomes {
    let mut models = outcomes.models.clone();
    models.sort();
    let mut sorted = Outcomes { models, rows: Vec::new() };
    sorted.append(std::mem::take(&mut outcomes));
    sorted
}

proptest! {
    #[test]
    fn reading_what_was_written_gives_the_same_outcomes(outcomes in any_outcomes()) {
        let mut bytes = Vec::new();
        outcomes_jsonl::write(&outcomes, &mut bytes).unwrap();
        let source = Source::new(&[("x.jsonl", &bytes)]);
        let loaded = source.strict("x.jsonl").unwrap();
        prop_assert_eq!(in_name_order(loaded.outcomes), in_name_order(outcomes));
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), start in 0_usize..4) {
        let prefix = ["", "[{\"question\": \"q\", ", "prompt,a,b\n", "{\"id\": \"1\", "][start];
        let source = Source::new(&[("x", &[prefix.as_bytes(), &bytes].concat())]);
        let _ = source.lenient("x");
        for format in Format::ALL {
            let _ = read(&source.path("x"), Some(format), &ReadOptions { skip_bad: true });
        }
    }
}
