//! Every reader gives the same table for good rows.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

mod evaluations;
mod faults;
mod formats;
mod labels;
mod logs;
mod parquet;
mod preferences;
mod prompt_files;
mod prompts;

const MMLU: &str =
    "prompt,small,large\n\"One?\nA. x\nB. y\nAnswer:\",True,False\nTwo?,False,True\n";
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

#[test]
fn mmlu_rows_are_read_with_subject_and_line_breaks() {
    let source =
        Source::new(&[("mmlu_logic.csv", MMLU.as_bytes()), ("mmlu_art.csv", MMLU.as_bytes())]);
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
    let rows = |id: &str| {
        format!(
            "{{\"id\":\"{id}\",\"query\":\"q\",\"dataset\":\"d\",\"scores\":{{\"m\":0,\"n\":1}}}}\n"
        )
    };
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
fn formats_are_found_by_name() {
    for format in Format::ALL {
        assert_eq!(Format::from_name(format.name()).unwrap(), format);
    }
    let error = Format::from_name("parquet").unwrap_err();
    assert!(error.to_string().contains("routerdc"), "{error}");
}

#[test]
fn contaminated_prompts_are_removed_by_their_exact_text() {
    let list = "{\"train_prompt\": \"Two\", \"eval_prompt\": \"Two?\"}\n\n";
    let source = Source::new(&[
        ("mmlu_x.csv", MMLU.as_bytes()),
        ("list.jsonl", list.as_bytes()),
        ("bad.jsonl", b"\n{}\n"),
    ]);
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
        let row = (
            "\\PC{0,30}[a-z]",
            "\\PC{1,8}",
            prop::option::of("\\PC{0,5}"),
            prop::option::of(0_u32..9),
        );
        let scores = prop::collection::vec(0.0_f32..=1.0, n);
        let rows = prop::collection::vec((row, scores), 1..12);
        rows.prop_map(move |rows| Outcomes {
            score_scale: 1.0,
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
                    costs: Vec::new(),
                    scores: scores
                        .into_iter()
                        .enumerate()
                        .filter(|(m, _)| at == 0 || (at + m) % n != 0)
                        .collect(),
                })
                .collect(),
        })
    })
}

/// The same table with models in name order: writing sorts the names of a row.
fn in_name_order(mut outcomes: Outcomes) -> Outcomes {
    let mut models = outcomes.models.clone();
    models.sort();
    let mut sorted = Outcomes { models, ..Outcomes::default() };
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
            let _ = read_labels(&source.path("x"), Some(format), &ReadOptions { skip_bad: true });
            let _ = read_prompts(&source.path("x"), Some(format), &ReadOptions { skip_bad: true });
        }
    }
}
