//! Formats of labels, with good and bad rows.

use super::*;

const LEVELS: &str = "{\"id\": \"a\", \"query\": \"One?\", \"dataset\": \"own\", \"difficulty\": 2, \"scale\": \"grade 1-6\", \"steps\": 3}\n\n{\"id\": \"b\", \"query\": \"Two?\", \"dataset\": \"own\", \"difficulty\": -0.5, \"scale\": \" grade 1-6\", \"category\": \"sums\"}\n";
const NEEDS: &str = "{\"id\": \"a\", \"query\": \"One?\", \"dataset\": \"own\", \"need\": 0, \"lang\": \"en\", \"kind\": \"chat\"}\n{\"id\": \"b\", \"query\": \"Two?\", \"dataset\": \"own\", \"need\": 100, \"scale\": \"not read\"}\n";

impl Source {
    fn labels(&self, name: &str, skip_bad: bool) -> Result<LoadedLabels, DataError> {
        read_labels(&self.path(name), None, &ReadOptions { skip_bad })
    }
}

/// The error of the one bad row added to a file, after checking its place and what is left.
fn fault(good: &str, bad: &str) -> DataError {
    let source = Source::new(&[("x.jsonl", format!("{good}{bad}\n").as_bytes())]);
    let error = source.labels("x.jsonl", false).unwrap_err();
    let line = good.matches('\n').count() + 1;
    assert!(error.to_string().contains(&format!("x.jsonl:{line}: found ")), "{error}");
    assert!(error.to_string().contains("expected"), "{error}");
    let loaded = source.labels("x.jsonl", true).unwrap();
    assert_eq!((loaded.rows.len(), loaded.bad_count), (2, 1));
    assert_eq!(loaded.bad_rows[0].code, error.code());
    error
}

#[test]
fn difficulties_are_read_with_their_scale() {
    let loaded = Source::new(&[("x.jsonl", LEVELS.as_bytes())]).labels("", false).unwrap();
    assert_eq!((loaded.format, loaded.scale.as_str()), (Format::DifficultyJsonl, "grade 1-6"));
    let values: Vec<f64> = loaded.rows.iter().map(|row| row.value).collect();
    assert_eq!(values, [2.0, -0.5]);
    assert_eq!(loaded.rows[1].category.as_deref(), Some("sums"));
    assert_eq!(loaded.sha256.len(), 64);
}

#[test]
fn needs_are_read_with_language_and_kind() {
    let loaded = Source::new(&[("x.jsonl", NEEDS.as_bytes())]).labels("", false).unwrap();
    assert_eq!((loaded.format, loaded.scale.as_str()), (Format::NeedJsonl, "need 0-100"));
    let (first, second) = (&loaded.rows[0], &loaded.rows[1]);
    assert_eq!((first.value, second.value), (0.0, 100.0));
    assert_eq!((first.lang.as_deref(), first.kind.as_deref()), (Some("en"), Some("chat")));
    assert_eq!((second.lang.as_deref(), second.kind.as_deref()), (None, None));
}

#[test]
fn outcomes_that_state_a_difficulty_too_stay_outcomes() {
    let row = "{\"id\": \"a\", \"query\": \"One?\", \"dataset\": \"own\", \"difficulty\": 2, \"need\": 3, \"scores\": {\"m\": 1, \"n\": 0}}";
    let source = Source::new(&[("x.jsonl", row.as_bytes())]);
    assert_eq!(detect(&source.path("x.jsonl")).unwrap(), Format::OutcomesJsonl);
}

#[test]
fn faults_of_difficulties_are_placed_and_named() {
    let row = |rest: &str| format!("{{\"id\": \"c\", \"dataset\": \"own\", {rest}}}");
    for (rest, code, says) in [
        ("\"query\": \"Q?\", \"difficulty\": 1", "missing_scale", "no \"scale\""),
        (
            "\"query\": \"Q?\", \"difficulty\": 1, \"scale\": \" \"",
            "missing_scale",
            "Add \"scale\" to every row",
        ),
        (
            "\"query\": \"Q?\", \"difficulty\": 1, \"scale\": \"steps\"",
            "mixed_scale",
            "\"steps\", expected \"grade 1-6\"",
        ),
        (
            "\"query\": \"Q?\", \"difficulty\": \"2\", \"scale\": \"grade 1-6\"",
            "label_not_a_number",
            "\"2\"",
        ),
        (
            "\"query\": \"Q?\", \"difficulty\": null, \"scale\": \"grade 1-6\"",
            "missing_field",
            "\"difficulty\"",
        ),
        (
            "\"query\": \"Q?\", \"difficulty\": 1e999, \"scale\": \"grade 1-6\"",
            "json_syntax",
            "out of range",
        ),
        (
            "\"query\": \" \", \"difficulty\": 1, \"scale\": \"grade 1-6\"",
            "empty_query",
            "empty query",
        ),
        ("\"difficulty\": 1, \"scale\": \"grade 1-6\"", "missing_field", "\"query\""),
    ] {
        let error = fault(LEVELS, &row(rest));
        assert_eq!(error.code(), code, "{rest}: {error}");
        assert!(error.to_string().contains(says), "{error}");
    }
    let again = row("\"query\": \"Q?\", \"difficulty\": 1, \"scale\": \"grade 1-6\"")
        .replace("\"c\"", "\"a\"");
    let error = fault(LEVELS, &again);
    assert_eq!(error.code(), "duplicate_id");
    assert!(error.to_string().contains("x.jsonl:1)"), "{error}");
}

#[test]
fn faults_of_needs_are_placed_and_named() {
    for (need, code) in [
        ("-1", "need_out_of_range"),
        ("100.5", "need_out_of_range"),
        ("\"high\"", "label_not_a_number"),
        ("true", "label_not_a_number"),
        ("[3]", "label_not_a_number"),
        ("null", "missing_field"),
    ] {
        let row =
            format!("{{\"id\": \"c\", \"query\": \"Q?\", \"dataset\": \"own\", \"need\": {need}}}");
        assert_eq!(fault(NEEDS, &row).code(), code, "{need}");
    }
    let error = fault(NEEDS, "{\"id\": \"c\", \"query\": \"Q?\", \"dataset\": \"own\"}");
    assert!(error.to_string().contains("found no \"need\""), "{error}");
}

#[test]
fn labels_of_one_value_are_refused_and_inspected_with_a_warning() {
    let text = NEEDS.replace("100", "0.0");
    let source = Source::new(&[("x.jsonl", text.as_bytes())]);
    let error = source.labels("x.jsonl", false).unwrap_err();
    assert_eq!(error.code(), "labels_constant");
    assert!(error.to_string().contains("the label 0 in each of the 2 rows"), "{error}");
    let found = inspect(&source.path("x.jsonl"), None, &ReadOptions::default()).unwrap();
    assert!(found.warnings[0].contains("every label is 0"), "{:?}", found.warnings);
}

#[test]
fn other_tables_are_refused_in_both_directions() {
    let source = Source::new(&[("needs.jsonl", NEEDS.as_bytes()), ("own.jsonl", JSONL.as_bytes())]);
    let error = source.strict("needs.jsonl").unwrap_err();
    assert_eq!(error.code(), "wrong_table");
    assert!(error.to_string().contains("found labels (format need-jsonl), expected outcomes"));
    let error = source.labels("own.jsonl", true).unwrap_err();
    assert!(error.to_string().contains("found outcomes (format outcomes-jsonl), expected labels"));
    let bad = Source::new(&[("x.jsonl", b"{\"id\": \"a\", \"need\": 3}\n")]);
    assert_eq!(bad.labels("x.jsonl", true).unwrap_err().code(), "no_rows");
}

#[test]
fn an_inspection_states_scale_range_languages_and_kinds() {
    let more = "{\"id\": \"c\", \"query\": \"one\", \"dataset\": \"own\", \"need\": 40, \"lang\": \"en\"}\n{\"id\": \"d\"}\n";
    let source = Source::new(&[("x.jsonl", format!("{NEEDS}{more}").as_bytes())]);
    let options = ReadOptions { skip_bad: true };
    let found = inspect(&source.path("x.jsonl"), None, &options).unwrap();
    assert_eq!((found.rows, found.bad_count, found.duplicates), (3, 1, 1));
    let labels = found.labels.as_ref().unwrap();
    assert_eq!((labels.lowest, labels.median, labels.highest), (0.0, 40.0, 100.0));
    assert_eq!((labels.values, labels.languages["en"], labels.kinds["chat"]), (3, 2, 1));
    let text = found.to_string();
    for part in [
        "need-jsonl (labels)",
        "scale       need 0-100",
        "0 to 100, median 40, 3 different values",
        "languages (1)",
        "kinds (1)",
        "1 bad rows left out",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("models") && !text.contains("density"), "{text}");
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!(json["labels"]["scale"], "need 0-100");
}
