//! Parquet files, written with the library's own writer and damaged in several ways.

#![allow(clippy::panic)]

use std::sync::Arc;

use ::parquet::basic::Compression;
use ::parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::parser::parse_message_type;

use super::formats::BENCH;
use super::preferences::ARENA;
use super::*;

/// One column of a row group.
#[derive(Clone)]
enum Values {
    Text(Vec<Option<Vec<u8>>>),
    Whole(Vec<i64>),
    Real(Vec<Option<f64>>),
    Truth(Vec<bool>),
    /// A list of texts a row, none of them empty.
    Lists(Vec<Vec<&'static str>>),
}

fn texts(values: &[&str]) -> Values {
    Values::Text(values.iter().map(|value| Some(value.as_bytes().to_vec())).collect())
}

fn present<T>(values: &[Option<T>]) -> Vec<i16> {
    values.iter().map(|value| i16::from(value.is_some())).collect()
}

fn write(fields: &str, compression: Compression, groups: &[Vec<Values>]) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(&format!("message own {{ {fields}; }}")).unwrap());
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .set_data_page_row_count_limit(100)
        .set_write_batch_size(50)
        .build();
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
    for values in groups {
        let mut group = writer.next_row_group().unwrap();
        for values in values {
            let mut column = group.next_column().unwrap().unwrap();
            match values {
                Values::Text(values) => {
                    let stored: Vec<ByteArray> =
                        values.iter().flatten().map(|value| value.clone().into()).collect();
                    let levels = present(values);
                    column.typed::<ByteArrayType>().write_batch(&stored, Some(&levels), None)
                }
                Values::Whole(values) => {
                    column.typed::<Int64Type>().write_batch(values, None, None)
                }
                Values::Real(values) => {
                    let stored: Vec<f64> = values.iter().flatten().copied().collect();
                    let levels = present(values);
                    column.typed::<DoubleType>().write_batch(&stored, Some(&levels), None)
                }
                Values::Truth(values) => column.typed::<BoolType>().write_batch(values, None, None),
                Values::Lists(rows) => {
                    let stored: Vec<ByteArray> =
                        rows.iter().flatten().map(|&value| value.into()).collect();
                    let repeated: Vec<i16> = rows
                        .iter()
                        .flat_map(|row| (0..row.len()).map(|at| i16::from(at > 0)))
                        .collect();
                    let defined = vec![1; stored.len()];
                    column.typed::<ByteArrayType>().write_batch(
                        &stored,
                        Some(&defined),
                        Some(&repeated),
                    )
                }
            }
            .unwrap();
            column.close().unwrap();
        }
        group.close().unwrap();
    }
    writer.into_inner().unwrap()
}

const BATTLE: &str = "required int64 id; optional binary model_a (UTF8); optional binary model_b (UTF8); optional binary prompt (UTF8); required int64 winner_model_a; required int64 winner_model_b; required int64 winner_tie; required boolean checked";

fn battles(first: i64, n: i64) -> Vec<Values> {
    let ids: Vec<i64> = (first..first + n).collect();
    let flag = |kind: i64| Values::Whole(ids.iter().map(|id| i64::from(id % 3 == kind)).collect());
    let prompts: Vec<String> = ids.iter().map(|id| format!("[\"Is {id} a prime?\"]")).collect();
    let prompts: Vec<&str> = prompts.iter().map(String::as_str).collect();
    vec![
        Values::Whole(ids.clone()),
        texts(&vec!["small"; ids.len()]),
        texts(&vec!["large"; ids.len()]),
        texts(&prompts),
        flag(0),
        flag(1),
        flag(2),
        Values::Truth(vec![true; ids.len()]),
    ]
}

#[test]
fn battles_are_read_across_batches_groups_and_codecs() {
    for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY] {
        let bytes =
            write(BATTLE, compression, &[battles(0, 700), battles(700, 1), battles(701, 300)]);
        let source = Source::new(&[("own.parquet", &bytes)]);
        let (rows, found) = source.preferences("", false).unwrap();
        assert_eq!(
            (found.format, found.rows, found.bytes),
            (Format::Arena, 1001, bytes.len() as u64)
        );
        for (at, row) in rows.iter().enumerate() {
            assert_eq!((row.id.as_str(), row.dataset.as_str()), (at.to_string().as_str(), "own"));
            assert_eq!(row.query, format!("Is {at} a prime?"));
            assert_eq!(row.target, [1.0, 0.0, 0.5][at % 3]);
        }
        let report = inspect(&source.path("own.parquet"), None, &ReadOptions::default()).unwrap();
        assert!(report.to_string().contains("columns not read: \"checked\""), "{report}");
    }
}

#[test]
fn one_table_gives_one_result_as_csv_and_as_parquet() {
    let fields = "optional binary sample_id (UTF8); optional binary prompt (UTF8); optional binary eval_name (UTF8); optional double small; optional double maker_large";
    let bytes = write(
        fields,
        Compression::SNAPPY,
        &[vec![
            texts(&["sums.7", "sums.8"]),
            texts(&["['What is 3 + 4?\\nAnswer:', \"It's\"]", "Plain?"]),
            texts(&["sums", "sums"]),
            Values::Real(vec![Some(0.0), None]),
            Values::Real(vec![Some(1.0), Some(0.5)]),
        ]],
    );
    let parquet = Source::new(&[("b.parquet", &bytes)]).strict("").unwrap();
    let csv = Source::new(&[("b.csv", BENCH.as_bytes())]).strict("").unwrap();
    assert_eq!(parquet.format, Format::RouterBench);
    assert_eq!(parquet.outcomes.models, ["small", "maker_large"]);
    for (left, right) in parquet.outcomes.rows.iter().zip(&csv.outcomes.rows) {
        assert_eq!((&left.query, &left.scores), (&right.query, &right.scores));
    }
    // NaN stands for "not measured", as pandas writes it.
    let bytes = write(
        fields,
        Compression::SNAPPY,
        &[vec![
            texts(&["a"]),
            texts(&["One?"]),
            texts(&["sums"]),
            Values::Real(vec![Some(f64::NAN)]),
            Values::Real(vec![Some(1.0)]),
        ]],
    );
    let loaded = Source::new(&[("b.parquet", &bytes)]).lenient("").unwrap_err();
    assert!(loaded.to_string().contains("scores of one model only"), "{loaded}");
}

#[test]
fn nulls_and_bytes_that_are_no_text_are_bad_rows() {
    let mut group = battles(0, 4);
    group[1] = Values::Text(vec![
        Some(b"small".to_vec()),
        None,
        Some(b"\xFF".to_vec()),
        Some(b"small".to_vec()),
    ]);
    let source = Source::new(&[("own.parquet", &write(BATTLE, Compression::SNAPPY, &[group]))]);
    let (rows, found) = source.preferences("", true).unwrap();
    let bad: Vec<_> = found.bad_rows.iter().map(|bad| (bad.line, bad.code)).collect();
    assert_eq!((rows.len(), bad), (2, vec![(2, "empty_cell"), (3, "not_utf8")]));
}

#[test]
fn nested_and_missing_columns_and_wrong_types_are_errors() {
    let lists = Values::Lists(vec![vec!["One?", "And two?"], vec!["Three?"]]);
    let mut group = battles(0, 2);
    group[3] = lists;
    for (field, found) in [
        ("repeated binary prompt (UTF8);", "a list"),
        ("optional group prompt { repeated binary turn (UTF8); }", "a list"),
    ] {
        let nested = BATTLE.replace("optional binary prompt (UTF8);", field);
        let mut group = group.clone();
        if field.starts_with("optional group") {
            // Definition levels differ by one: the schema alone decides, so no row is needed.
            group.clear();
        }
        let groups: Vec<Vec<Values>> = if group.is_empty() { vec![] } else { vec![group] };
        let source = Source::new(&[("own.parquet", &write(&nested, Compression::SNAPPY, &groups))]);
        let error = source.preferences("", true).unwrap_err();
        assert_eq!(error.code(), "bad_file");
        let text = error.to_string();
        assert!(text.contains(found) && text.contains("\"prompt\""), "{text}");
    }
    let source =
        |fields: &str| Source::new(&[("own.parquet", &write(fields, Compression::SNAPPY, &[]))]);
    let grouped = BATTLE.replace(
        "optional binary prompt (UTF8);",
        "optional group prompt { optional binary text (UTF8); }",
    );
    let error = source(&grouped).preferences("", true).unwrap_err();
    assert!(error.to_string().contains("found a group of columns in the column"), "{error}");
    let missing = BATTLE.replace("winner_tie", "tie");
    let error = source(&missing).preferences("", true).unwrap_err();
    assert_eq!(error.code(), "bad_file");
    assert!(error.to_string().contains("winner_tie"), "{error}");
    let dated = BATTLE.replace("required int64 winner_tie", "required int96 winner_tie");
    let error = source(&dated).preferences("", true).unwrap_err();
    assert!(error.to_string().contains("cannot be read as parquet: found INT96 values"), "{error}");
    assert_eq!(
        source("required int64 other").preferences("", true).unwrap_err().code(),
        "unknown_format"
    );
    assert_eq!(source(BATTLE).preferences("", true).unwrap_err().code(), "no_rows");
    // Text where a flag should be: every row says so.
    let texted = BATTLE.replace("required int64 winner_tie", "optional binary winner_tie (UTF8)");
    let mut group = battles(0, 3);
    group[6] = texts(&["no", "no", "yes"]);
    let source = Source::new(&[("own.parquet", &write(&texted, Compression::SNAPPY, &[group]))]);
    assert_eq!(source.preferences("", false).unwrap_err().code(), "not_a_number");
}

#[test]
fn a_truncated_file_is_an_error_wherever_it_ends() {
    let bytes = write(BATTLE, Compression::SNAPPY, &[battles(0, 50)]);
    for length in [4, 8, 11, 100, bytes.len() / 2, bytes.len() - 9, bytes.len() - 1] {
        let cut = bytes.get(..length).unwrap();
        let error = Source::new(&[("own.parquet", cut)]).preferences("", true).unwrap_err();
        assert_eq!(error.code(), "bad_file", "{length}: {error}");
        let part = "own.parquet: cannot be read as parquet: ";
        assert!(error.to_string().contains(part), "{error}");
    }
    let text = Source::new(&[("own.parquet", ARENA.as_bytes())]);
    // The contents decide, not the name.
    assert_eq!(text.preferences("", false).unwrap().0.len(), 3);
}

proptest! {
    #[test]
    fn damaged_bytes_do_not_make_the_reader_panic(
        at in 4_usize..4000, value: u8, second in 4_usize..4000,
    ) {
        let mut bytes = write(BATTLE, Compression::SNAPPY, &[battles(0, 60)]);
        for at in [at, second] {
            let at = at % bytes.len();
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= value;
            }
        }
        let source = Source::new(&[("own.parquet", &bytes)]);
        let _ = for_each_preference(&source.path("own.parquet"), Some(Format::Arena), &ReadOptions { skip_bad: true }, &mut |_| Ok(()));
    }
}
