//! The trainer's readers of data files, in every format.

use std::cell::RefCell;
use std::fs;
use std::path::Path;

use pointsman_trainer::data::convert::{Conversion, ModelSource, Original, convert};
use pointsman_trainer::data::{
    DataError, Format, PreferenceRow, ReadOptions, Table, detect, for_each_preference, inspect,
    read, read_labels, read_prompts,
};
use tempfile::TempDir;

use super::data_layouts::{LAYOUTS, Layout};
use super::{CASES, Target, refused};
use crate::mutation::Strategy;

const DATA_WORDS: &[&str] = &[
    "id",
    "query",
    "dataset",
    "category",
    "scores",
    "costs",
    "question",
    "cluster_id",
    "model_a",
    "model_b",
    "winner",
    "difficulty",
    "scale",
    "need",
    "tie",
    "weight",
    "prompt",
    "source",
    "mixtral_score",
    "question_id",
    "turns",
    "messages",
    "role",
    "content",
    "input",
    "eval",
    "samples",
    "value",
    "results",
    "provider",
    "spec",
    "data",
    "type",
    "request_id",
    "NaN",
    "model",
    "score",
    "turn",
    "judge",
    "True",
    "False",
    "nan",
    "inf",
    ",",
    "\"",
    "\"\"",
    "\n",
    "\r\n",
    "\u{feff}",
    "|total_cost",
    "/score",
    "_response",
    "winner_tie",
    "['",
    "\\x",
    "small",
    "large",
];

/// Calls `check` with a folder that holds the layout's files, `content` among them, and the path to read.
fn with_files<T>(layout: &Layout, content: &[u8], check: impl FnOnce(&Path) -> T) -> T {
    thread_local! {
        static FOLDERS: RefCell<Option<(TempDir, &'static str)>> = const { RefCell::new(None) };
    }
    FOLDERS.with_borrow_mut(|held| {
        if held.as_ref().is_none_or(|(_, file)| *file != layout.file) {
            let folder = TempDir::new().unwrap();
            for (name, text) in layout.beside {
                fs::write(folder.path().join(name), text).unwrap();
            }
            *held = Some((folder, layout.file));
        }
        let Some((folder, _)) = held else { unreachable!() };
        let file = folder.path().join(layout.file);
        fs::write(&file, content).unwrap();
        let alone = layout.beside.is_empty();
        check(if alone { &file } else { folder.path() })
    })
}

/// What an error says, without the folder of this run.
fn refusal(error: &DataError, path: &Path) -> Result<String, String> {
    refused(error.code(), &error.to_string().replace(&*path.to_string_lossy(), ""))
}

fn rows(
    path: &Path,
    format: Format,
    options: &ReadOptions,
) -> Result<(Vec<String>, usize), DataError> {
    match format.table() {
        Table::Outcomes => read(path, Some(format), options).map(|loaded| {
            let rows = loaded.outcomes.rows.iter().map(|row| {
                let bad = row.scores.iter().find(|(model, score)| {
                    *model >= loaded.outcomes.models.len() || !(0.0..=1.0).contains(score)
                });
                assert!(bad.is_none(), "a row has the score {bad:?}");
                let cost = row.costs.iter().find(|(_, cost)| !cost.is_finite() || *cost < 0.0);
                assert!(cost.is_none(), "a row has the cost {cost:?}");
                assert!(!row.query.trim().is_empty(), "a row has an empty query");
                format!("{row:?}")
            });
            (rows.collect(), loaded.bad_count)
        }),
        Table::Preferences => {
            let mut rows = Vec::new();
            let mut take = |row: PreferenceRow| {
                let weight = row.weight.is_finite() && row.weight > 0.0;
                assert!(weight, "a row has the weight {}", row.weight);
                assert!((0.0..=1.0).contains(&row.target), "a row has the target {}", row.target);
                assert!(row.model_a != row.model_b, "a row compares a model with itself");
                rows.push(format!("{row:?}"));
                Ok(())
            };
            let source = for_each_preference(path, Some(format), options, &mut take)?;
            Ok((rows, source.bad_count))
        }
        Table::Labels => read_labels(path, Some(format), options).map(|loaded| {
            let rows = loaded.rows.iter().map(|row| {
                assert!(row.value.is_finite(), "a row has the label {}", row.value);
                assert!(!row.query.trim().is_empty(), "a row has an empty query");
                format!("{row:?}")
            });
            (rows.collect(), loaded.bad_count)
        }),
        Table::Prompts => read_prompts(path, Some(format), options).map(|loaded| {
            let rows = loaded.rows.iter().map(|row| {
                let last = row.messages.last().map(|(_, text)| text);
                assert_eq!(last, Some(&row.query), "the last turn is not the query");
                assert!(!row.query.trim().is_empty(), "a row has an empty query");
                format!("{row:?}")
            });
            (rows.collect(), loaded.source.bad_count)
        }),
    }
}

fn check_data(input: &[u8]) -> Result<String, String> {
    let (first, content) = input.split_first().unwrap_or((&0, &[]));
    let layout = &LAYOUTS[usize::from(*first) % LAYOUTS.len()];
    with_files(layout, content, |path| {
        if let Err(error) = detect(path) {
            refusal(&error, path)?;
        }
        if let Err(error) = inspect(path, Some(layout.format), &ReadOptions { skip_bad: true }) {
            refusal(&error, path)?;
        }
        if layout.format == Format::Langfuse {
            let source = ModelSource { model: None, path: path.to_owned() };
            if let Err(error) = convert(&Conversion::new(Original::Langfuse, vec![source])) {
                refusal(&error, path)?;
            }
        }
        let strict = rows(path, layout.format, &ReadOptions { skip_bad: false });
        let lenient = rows(path, layout.format, &ReadOptions { skip_bad: true });
        match (strict, lenient) {
            (Ok(strict), Ok(lenient)) if strict != lenient => {
                Err("a sound file has other rows where bad ones are skipped".to_owned())
            }
            (Ok(_), Err(error)) => Err(format!("a sound file is refused leniently: {error}")),
            (Ok((rows, _)), Ok(_)) => Ok(format!("ok {:?} {}", layout.format, rows.len().min(4))),
            (Err(strict), lenient) => {
                let said = refusal(&strict, path)?;
                match lenient {
                    Ok((_, 0)) => Err(format!("an error, and leniently no bad row: {said}")),
                    Ok(_) => Ok(format!("{:?} {said}", layout.format)),
                    Err(error) => {
                        refusal(&error, path).map(|_| format!("{:?} {said}", layout.format))
                    }
                }
            }
        }
    })
}

pub const DATA: Target = Target {
    name: "data",
    corpus: || {
        let sound = |(at, layout): (usize, &Layout)| [&[at as u8], &(layout.sound)()[..]].concat();
        LAYOUTS.iter().enumerate().map(sound).collect()
    },
    strategies: &[
        Strategy::Lines(DATA_WORDS),
        Strategy::Json(DATA_WORDS),
        Strategy::Bytes(DATA_WORDS),
    ],
    head: 1,
    cases: CASES,
    bytes_held: 400,
    check: check_data,
};
