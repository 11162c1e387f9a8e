//! Formats of preferences, with good and bad rows.

use super::*;

pub(super) const ARENA: &str = "id,model_a,model_b,prompt,response_a,response_b,winner_model_a,winner_model_b,winner_tie\n1,small,large,\"[\"\"One?\"\",\n \"\"And two?\"\"]\",\"[\"\"a\"\"]\",\"[null]\",1,0,0\n2,large,small,\"[\"\"Three?\"\"]\",x,y,0,1,0\n3,small,tiny,\"[\"\"Four?\"\"]\",x,y,0,0,1\n";
const GPT4: &str = "{\"prompt\": \"One?\", \"source\": \"own/chats\", \"mixtral_score\": 3}\n{\"prompt\": \"Two?\", \"mixtral_score\": \"4\"}\n";
pub(super) const PREFERENCES: &str = "{\"id\": \"a\", \"query\": \"One?\", \"dataset\": \"own\", \"model_a\": \"small\", \"model_b\": \"large\", \"winner\": \"model_b\"}\n{\"id\": \"b\", \"query\": \"Two?\", \"dataset\": \"own\", \"model_a\": \"small\", \"model_b\": \"large\", \"winner\": \"tie\", \"weight\": 0.5}\n";

impl Source {
    pub(super) fn preferences(
        &self,
        name: &str,
        skip_bad: bool,
    ) -> Result<(Vec<PreferenceRow>, PreferenceSource), DataError> {
        let mut rows = Vec::new();
        let source =
            for_each_preference(&self.path(name), None, &ReadOptions { skip_bad }, &mut |row| {
                rows.push(row);
                Ok(())
            })?;
        assert_eq!(source.rows, rows.len());
        Ok((rows, source))
    }
}

/// The code of the one bad row added to a file, after checking its place and what is left.
fn bad_code(name: &str, good: &str, bad: &[u8], rows_left: usize) -> &'static str {
    let source = Source::new(&[(name, &[good.as_bytes(), bad, b"\n"].concat())]);
    let error = source.preferences(name, false).unwrap_err();
    let line = good.matches('\n').count() + 1;
    assert!(error.to_string().contains(&format!("{name}:{line}: ")), "{error}");
    assert!(error.to_string().contains("expected"), "{error}");
    let (rows, found) = source.preferences(name, true).unwrap();
    assert_eq!((rows.len(), found.bad_count), (rows_left, 1));
    assert_eq!(found.bad_rows[0].code, error.code());
    error.code()
}

#[test]
fn arena_battles_are_read() {
    let source = Source::new(&[("battles.csv", ARENA.as_bytes())]);
    let (rows, found) = source.preferences("", false).unwrap();
    assert_eq!((found.format, found.bytes), (Format::Arena, ARENA.len() as u64));
    assert_eq!(rows[0].query, "One?\n\nAnd two?");
    assert_eq!((rows[0].id.as_str(), rows[0].dataset.as_str()), ("1", "battles"));
    let targets: Vec<f32> = rows.iter().map(|row| row.target).collect();
    assert_eq!(targets, [1.0, 0.0, 0.5]);
    assert!(rows[2].is_tie() && rows[2].model_b == "tiny");
    // Columns are known by name, in whatever order.
    let mixed = "winner_tie,prompt,winner_model_b,model_b,model_a,winner_model_a\n0,\"[\"\"One?\"\"]\",1,large,small,0\n";
    let source = Source::new(&[("b.csv", mixed.as_bytes())]);
    let (rows, _) = source.preferences("b.csv", false).unwrap();
    assert_eq!(
        (rows[0].model_a.as_str(), rows[0].target, rows[0].id.as_str()),
        ("small", 0.0, "b-0")
    );
}

#[test]
fn arena_faults_are_placed_and_named() {
    for (bad, code) in [
        (&b"4,small,large,\"[\"\"Q\"\"]\",x,y,0,0,0"[..], "winner_not_single"),
        (b"4,small,large,\"[\"\"Q\"\"]\",x,y,1,0,1", "winner_not_single"),
        (b"4,small,large,\"[\"\"Q\"\"]\",x,y,2,0,0", "winner_not_single"),
        (b"4,small,large,\"[\"\"Q\"\"]\",x,y,,0,1", "empty_cell"),
        (b"4,small,large,\"[\"\"Q\"\"]\",x,y,yes,0,0", "not_a_number"),
        (b"4,small,large,Plain text?,x,y,1,0,0", "prompt_not_json"),
        (b"4,small,large,\"{\"\"Q\"\": 1}\",x,y,1,0,0", "prompt_not_json"),
        (b"4,small,large,\"[1]\",x,y,1,0,0", "prompt_not_json"),
        (b"4,small,large,[],x,y,1,0,0", "empty_query"),
        (b"4,small,large,,x,y,1,0,0", "empty_cell"),
        (b"4,small,,\"[\"\"Q\"\"]\",x,y,1,0,0", "empty_cell"),
        (b"4, ,large,\"[\"\"Q\"\"]\",x,y,1,0,0", "empty_model_name"),
        (b"4,large,large,\"[\"\"Q\"\"]\",x,y,1,0,0", "same_model"),
        (b"2,small,large,\"[\"\"Q\"\"]\",x,y,1,0,0", "duplicate_id"),
        (b"4,small,large,\"[\"\"Q\"\"]\",1,0,0", "wrong_column_count"),
        (b"4,sm\xFFll,large,\"[\"\"Q\"\"]\",x,y,1,0,0", "not_utf8"),
    ] {
        assert_eq!(bad_code("b.csv", ARENA, bad, 3), code, "{}", String::from_utf8_lossy(bad));
    }
    // Prompt and model columns exchanged: no row fits, and none is silently dropped.
    let mixed = ARENA.replacen("model_b,prompt", "prompt,model_b", 1);
    let source = Source::new(&[("b.csv", mixed.as_bytes())]);
    assert_eq!(source.preferences("", false).unwrap_err().code(), "prompt_not_json");
    assert_eq!(source.preferences("", true).unwrap_err().code(), "no_rows");
    let without = ARENA.replace("winner_tie", "tie");
    let source = Source::new(&[("b.csv", without.as_bytes())]);
    let error = source.preferences("", false).unwrap_err();
    assert_eq!(error.code(), "bad_file");
    assert!(error.to_string().contains("winner_tie too"), "{error}");
}

#[test]
fn gpt4_dataset_scores_become_preferences() {
    let source = Source::new(&[("gpt4.jsonl", GPT4.as_bytes())]);
    let (rows, found) = source.preferences("", false).unwrap();
    assert_eq!(found.format, Format::Gpt4Dataset);
    assert_eq!((rows[0].target, rows[1].target), (1.0, 0.0));
    assert_eq!(
        (rows[0].model_a.as_str(), rows[0].model_b.as_str()),
        (gpt4_dataset::STRONG, gpt4_dataset::WEAK)
    );
    assert_eq!((rows[0].dataset.as_str(), rows[1].dataset.as_str()), ("own/chats", "gpt4"));
    for (bad, code) in [
        ("{\"prompt\": \"Q?\", \"mixtral_score\": 6}", "score_out_of_range"),
        ("{\"prompt\": \"Q?\", \"mixtral_score\": -1}", "score_out_of_range"),
        ("{\"prompt\": \"Q?\", \"mixtral_score\": \"good\"}", "score_not_a_number"),
        ("{\"prompt\": \"Q?\", \"mixtral_score\": null}", "missing_field"),
        ("{\"mixtral_score\": 3}", "missing_field"),
        ("{\"prompt\": [\"Q?\"], \"mixtral_score\": 3}", "wrong_type"),
        ("{\"prompt\": \"\", \"mixtral_score\": 3}", "empty_query"),
        ("{\"prompt\": ", "json_syntax"),
    ] {
        assert_eq!(bad_code("g.jsonl", GPT4, bad.as_bytes(), 2), code, "{bad}");
    }
}

#[test]
fn own_preferences_are_read_and_written() {
    let source = Source::new(&[("p.jsonl", PREFERENCES.as_bytes())]);
    let (rows, found) = source.preferences("", false).unwrap();
    assert_eq!(found.format, Format::PreferencesJsonl);
    assert_eq!((rows[0].target, rows[1].target, rows[1].weight), (0.0, 0.5, 0.5));
    let row = |rest: &str| {
        format!(
            "{{\"id\": \"z\", \"query\": \"q\", \"dataset\": \"d\", \"model_a\": \"x\", \"model_b\": \"y\", {rest}}}"
        )
    };
    for (rest, code) in [
        ("\"winner\": \"x\"", "unknown_winner"),
        ("\"winner\": 1", "wrong_type"),
        ("\"weight\": 1", "missing_field"),
        ("\"target\": 1.1", "target_out_of_range"),
        ("\"target\": 1, \"winner\": \"tie\"", "winner_and_target"),
        ("\"winner\": \"tie\", \"weight\": 0", "weight_out_of_range"),
        ("\"winner\": \"tie\", \"weight\": 1e300", "weight_out_of_range"),
    ] {
        assert_eq!(bad_code("p.jsonl", PREFERENCES, row(rest).as_bytes(), 2), code, "{rest}");
    }
    assert_eq!(
        bad_code("p.jsonl", PREFERENCES, PREFERENCES.lines().next().unwrap().as_bytes(), 2),
        "duplicate_id"
    );
    assert_eq!(bad_code("p.jsonl", PREFERENCES, b"{\"id\": \"\xFF\"}", 2), "not_utf8");
}

#[test]
fn a_format_of_the_other_table_is_refused() {
    let source = Source::new(&[("p.jsonl", PREFERENCES.as_bytes()), ("o.jsonl", JSONL.as_bytes())]);
    let error = source.strict("p.jsonl").unwrap_err();
    assert_eq!(error.code(), "wrong_table");
    assert!(
        error
            .to_string()
            .contains("found preferences (format preferences-jsonl), expected outcomes"),
        "{error}"
    );
    let error = source.preferences("o.jsonl", false).unwrap_err();
    assert!(
        error.to_string().contains("found outcomes (format outcomes-jsonl), expected preferences"),
        "{error}"
    );
    assert_eq!(source.strict("").unwrap_err().code(), "unknown_format");
}

#[test]
fn an_error_of_the_visitor_ends_the_reading() {
    let source = Source::new(&[("b.csv", ARENA.as_bytes())]);
    let mut seen = 0;
    let stop = || DataError::NoRatings { detail: "enough".to_owned() };
    let error =
        for_each_preference(&source.path("b.csv"), None, &ReadOptions::default(), &mut |_| {
            seen += 1;
            if seen == 2 { Err(stop()) } else { Ok(()) }
        });
    assert_eq!((error.unwrap_err().code(), seen), ("no_ratings", 2));
}

/// One preference as a line of JSON.
fn line(row: &PreferenceRow) -> String {
    let mut object = serde_json::Map::new();
    let texts = [
        ("id", &row.id),
        ("query", &row.query),
        ("dataset", &row.dataset),
        ("model_a", &row.model_a),
        ("model_b", &row.model_b),
    ];
    for (name, text) in texts {
        object.insert(name.to_owned(), serde_json::json!(text));
    }
    match row.target {
        1.0 => object.insert("winner".to_owned(), serde_json::json!("model_a")),
        0.0 => object.insert("winner".to_owned(), serde_json::json!("model_b")),
        0.5 => object.insert("winner".to_owned(), serde_json::json!("tie")),
        target => object.insert("target".to_owned(), serde_json::json!(target)),
    };
    if row.weight != 1.0 {
        object.insert("weight".to_owned(), serde_json::json!(row.weight));
    }
    format!("{}\n", serde_json::Value::Object(object))
}

proptest! {
    #[test]
    fn reading_what_was_written_gives_the_same_preferences(
        rows in prop::collection::vec(("\\PC{0,20}[a-z]", 0.0_f32..=1.0, 0.1_f32..10.0, 0_u8..4), 1..9),
    ) {
        let rows: Vec<PreferenceRow> = rows.into_iter().enumerate().map(|(at, (query, target, weight, kind))| PreferenceRow {
            id: at.to_string(),
            query,
            dataset: "own \"1\"\n".to_owned(),
            model_a: "m/1".to_owned(),
            model_b: "モデル".to_owned(),
            target: [0.0, 0.5, 1.0, target][usize::from(kind)],
            weight: if kind == 0 { 1.0 } else { weight },
        }).collect();
        let bytes = rows.iter().map(line).collect::<String>().into_bytes();
        let source = Source::new(&[("p.jsonl", &bytes)]);
        prop_assert_eq!(source.preferences("", false).unwrap().0, rows);
    }
}
