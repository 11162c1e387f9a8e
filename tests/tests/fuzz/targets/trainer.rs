//! The trainer's readers: data files in every format, recipes, checkpoints.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use pointsman_tests::tiny;
use pointsman_trainer::data::{
    DataError, Format, PreferenceRow, ReadOptions, Table, detect, for_each_preference, inspect,
    read, read_labels, read_prompts,
};
use pointsman_trainer::recipe;
use pointsman_trainer::tensors::{Checkpoint, NamedTensor};
use tempfile::TempDir;

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

/// A format's file: the name under which it is read, what lies beside it, and sound contents.
struct Layout {
    format: Format,
    file: &'static str,
    beside: &'static [(&'static str, &'static str)],
    sound: fn() -> Vec<u8>,
}

const QUESTIONS: &str = "{\"question_id\": 9, \"category\": \"writing\", \"turns\": [\"Describe a lamp.\", \"Now in rhyme.\"]}\n{\"question_id\": 10, \"category\": \"maths\", \"turns\": [\"Add 2 and 3.\", \"Double it.\"]}\n";
const JUDGEMENTS: &str = "{\"question_id\": 9, \"model\": \"small\", \"judge\": [\"gpt-4\", \"single-v1\"], \"score\": 4, \"turn\": 1}\n{\"question_id\": 9, \"model\": \"large\", \"score\": 7.0, \"turn\": 1}\n{\"question_id\": 10, \"model\": \"large\", \"score\": 8, \"turn\": 2}\n{\"question_id\": 10, \"model\": \"small\", \"score\": 1, \"turn\": 1}\n";
const BENCH: &str = ",sample_id,prompt,eval_name,small,maker/large,small|total_cost,maker/large|total_cost,small|model_response,oracle_model_to_route_to\n0,sums.7,\"['What is 3 + 4?\\nAnswer:', \"\"It's\"\"]\",sums,0.0,1.0,2e-05,0.0031,junk,maker/large\n1,sums.8,Plain?,sums,,0.5,0.00003,,,small\n";
const ARENA: &str = "id,model_a,model_b,prompt,response_a,response_b,winner_model_a,winner_model_b,winner_tie\n1,small,large,\"[\"\"One?\"\",\n \"\"And two?\"\"]\",\"[\"\"a\"\"]\",\"[null]\",1,0,0\n2,large,small,\"[\"\"Three?\"\"]\",x,y,0,1,0\n3,small,tiny,\"[\"\"Four?\"\"]\",x,y,0,0,1\n";

const LAYOUTS: [Layout; 16] = [
    Layout {
        format: Format::RouteLlmMmlu,
        file: "mmlu_logic.csv",
        beside: &[],
        sound: || {
            b"prompt,small,large\n\"One?\nA. x\nB. y\nAnswer:\",True,False\nTwo?,False,True\n"
                .to_vec()
        },
    },
    Layout {
        format: Format::RouteLlmGsm8k,
        file: "gsm8k.csv",
        beside: &[],
        sound: || {
            b"prompt,small,large,small_response,large_response\n\"One?\",True,False,\"It's 1,\nor so\",2\nTwo?,False,True,,\n".to_vec()
        },
    },
    Layout {
        format: Format::RouteLlmMtBench,
        file: "a_judgements.jsonl",
        beside: &[("question.jsonl", QUESTIONS)],
        sound: || JUDGEMENTS.into(),
    },
    Layout {
        format: Format::RouteLlmMtBench,
        file: "question.jsonl",
        beside: &[("a_judgements.jsonl", JUDGEMENTS)],
        sound: || QUESTIONS.into(),
    },
    Layout {
        format: Format::RouterDc,
        file: "dc.json",
        beside: &[],
        sound: || {
            b"[{\"question\": \"One?\", \"scores\": {\"small\": 0, \"large\": 0.5}, \"cluster_id\": 3},\n {\"question\": \"Two?\", \"scores\": {\"small\": 1.0, \"large\": 1}}]".to_vec()
        },
    },
    Layout { format: Format::RouterBench, file: "bench.csv", beside: &[], sound: || BENCH.into() },
    Layout {
        format: Format::RouterBench,
        file: "bench.parquet",
        beside: &[],
        sound: bench_parquet,
    },
    Layout {
        format: Format::Rorf,
        file: "rorf.csv",
        beside: &[],
        sound: || b"Input,small/score,large/score,note\nOne?,0.5,1,x\n\"Two, and\",0,1,\n".to_vec(),
    },
    Layout {
        format: Format::OutcomesJsonl,
        file: "outcomes.jsonl",
        beside: &[],
        sound: || {
            b"{\"id\": \"a\", \"query\": \"One?\", \"dataset\": \"own\", \"scores\": {\"small\": 0.25, \"large\": 1.0}, \"costs\": {\"small\": 0.1}}\n{\"id\": \"b\", \"query\": \"Two?\", \"dataset\": \"own\", \"category\": \"c\", \"scores\": {\"large\": 0.5}}\n".to_vec()
        },
    },
    Layout { format: Format::Arena, file: "arena.csv", beside: &[], sound: || ARENA.into() },
    Layout { format: Format::Arena, file: "arena.parquet", beside: &[], sound: arena_parquet },
    Layout {
        format: Format::Gpt4Dataset,
        file: "gpt4.jsonl",
        beside: &[],
        sound: || {
            b"{\"prompt\": \"One?\", \"source\": \"own/chats\", \"mixtral_score\": 3}\n{\"prompt\": \"Two?\", \"mixtral_score\": \"4\"}\n".to_vec()
        },
    },
    Layout {
        format: Format::PreferencesJsonl,
        file: "preferences.jsonl",
        beside: &[],
        sound: || {
            b"{\"id\": \"a\", \"query\": \"One?\", \"dataset\": \"own\", \"model_a\": \"small\", \"model_b\": \"large\", \"winner\": \"model_b\"}\n{\"id\": \"b\", \"query\": \"Two?\", \"dataset\": \"own\", \"model_a\": \"small\", \"model_b\": \"large\", \"winner\": \"tie\", \"weight\": 0.5}\n".to_vec()
        },
    },
    Layout {
        format: Format::DifficultyJsonl,
        file: "levels.jsonl",
        beside: &[],
        sound: || {
            b"{\"id\": \"a\", \"query\": \"One?\", \"dataset\": \"own\", \"difficulty\": 2, \"scale\": \"grade\"}\n{\"id\": \"b\", \"query\": \"Two?\", \"dataset\": \"own\", \"difficulty\": -0.5, \"scale\": \"grade\", \"category\": \"c\"}\n".to_vec()
        },
    },
    Layout {
        format: Format::NeedJsonl,
        file: "needs.jsonl",
        beside: &[],
        sound: || {
            b"{\"id\": \"a\", \"query\": \"One?\", \"dataset\": \"own\", \"need\": 3, \"lang\": \"en\"}\n{\"id\": \"b\", \"query\": \"Two?\", \"dataset\": \"own\", \"need\": 60.5, \"kind\": \"maths\"}\n".to_vec()
        },
    },
    Layout {
        format: Format::PromptsJsonl,
        file: "prompts.jsonl",
        beside: &[],
        sound: || {
            b"{\"id\": 1, \"query\": \"One?\", \"dataset\": \"own\", \"gold\": {\"numeric\": 1}}\n{\"prompt\": \"Two?\"}\n{\"messages\": [{\"role\": \"system\", \"content\": \"Be brief.\"}, {\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": \"Three?\"}]}]}\n".to_vec()
        },
    },
];

/// A column of texts, of whole numbers or of others.
enum Column<'a> {
    Texts(&'a [&'a str]),
    Whole(&'a [i64]),
    Real(&'a [f64]),
}

fn table(fields: &str, compression: Compression, columns: &[Column<'_>]) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(&format!("message own {{ {fields}; }}")).unwrap());
    let properties = WriterProperties::builder().set_compression(compression).build();
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for values in columns {
        let mut column = group.next_column().unwrap().unwrap();
        match values {
            Column::Texts(values) => {
                let stored: Vec<ByteArray> =
                    values.iter().map(|value| value.as_bytes().to_vec().into()).collect();
                let levels = vec![1; stored.len()];
                column.typed::<ByteArrayType>().write_batch(&stored, Some(&levels), None)
            }
            Column::Whole(values) => column.typed::<Int64Type>().write_batch(values, None, None),
            Column::Real(values) => {
                let levels = vec![1; values.len()];
                column.typed::<DoubleType>().write_batch(values, Some(&levels), None)
            }
        }
        .unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.into_inner().unwrap()
}

fn bench_parquet() -> Vec<u8> {
    table(
        "optional binary sample_id (UTF8); optional binary prompt (UTF8); \
         optional binary eval_name (UTF8); optional double small; optional double large",
        Compression::SNAPPY,
        &[
            Column::Texts(&["sums.7", "sums.8"]),
            Column::Texts(&["['One?', 'Two?']", "Plain?"]),
            Column::Texts(&["sums", "sums"]),
            Column::Real(&[0.0, 1.0]),
            Column::Real(&[1.0, 0.5]),
        ],
    )
}

fn arena_parquet() -> Vec<u8> {
    table(
        "required int64 id; optional binary model_a (UTF8); optional binary model_b (UTF8); \
         optional binary prompt (UTF8); required int64 winner_model_a; \
         required int64 winner_model_b; required int64 winner_tie",
        Compression::UNCOMPRESSED,
        &[
            Column::Whole(&[1, 2]),
            Column::Texts(&["small", "large"]),
            Column::Texts(&["large", "small"]),
            Column::Texts(&["[\"One?\"]", "[\"Two?\"]"]),
            Column::Whole(&[1, 0]),
            Column::Whole(&[0, 0]),
            Column::Whole(&[0, 1]),
        ],
    )
}

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

const RECIPE_WORDS: &[&str] = &[
    "name = \"x\"\n",
    "kind = \"mf\"\n",
    "kind = \"bert\"\n",
    "kind = \"knn\"\n",
    "seed = -1\n",
    "[head]\n",
    "[training]\n",
    "[fine_tuning]\n",
    "[encoder]\n",
    "[[sources]]\n",
    "[[candidates]]\n",
    "base = \"recipe.toml\"\n",
    "role = \"held\"\n",
    "tier = \"static\"\n",
    "tier = \"transformer\"\n",
    "nan",
    "inf",
    "-0.0",
    "1e400",
    "9223372036854775808",
    "[[",
    "]]",
    "\"\"\"",
    "'''",
    "\\u0000",
    "{",
    "}",
    "= [",
    "strong = ",
    "1979-05-27",
];

/// A file of its own in a folder that lasts as long as the process.
fn in_file<T>(name: &str, content: &[u8], check: impl FnOnce(&Path) -> T) -> T {
    thread_local! {
        static FOLDER: TempDir = TempDir::new().unwrap();
    }
    FOLDER.with(|folder| {
        let file = folder.path().join(name);
        fs::write(&file, content).unwrap();
        check(&file)
    })
}

fn recipes(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            recipes(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            found.push(path);
        }
    }
    found.sort();
}

pub const RECIPE: Target = Target {
    name: "recipe",
    corpus: || {
        let mut files = Vec::new();
        recipes(&tiny::fixtures().join("../../trainer-native/recipes"), &mut files);
        let text = |file: PathBuf| Some(recipe::read(&file).ok()?.text.into_bytes());
        files.into_iter().filter_map(text).collect()
    },
    strategies: &[Strategy::Lines(RECIPE_WORDS), Strategy::Bytes(RECIPE_WORDS)],
    head: 0,
    cases: CASES,
    bytes_held: 1000,
    check: |input| {
        in_file("recipe.toml", input, |path| {
            let found = match recipe::read(path) {
                Ok(found) => found,
                Err(error) => {
                    let said = error.to_string().replace(&*path.to_string_lossy(), "");
                    return refused(error.code(), &said);
                }
            };
            fs::write(path, &found.text).unwrap();
            let again =
                recipe::read(path).map_err(|e| format!("the canonical text is refused: {e}"))?;
            match again.recipe == found.recipe && again.sha256 == found.sha256 {
                true => Ok("ok".to_owned()),
                false => Err("the canonical text is another recipe".to_owned()),
            }
        })
    },
};

fn bits(checkpoint: &Checkpoint) -> Vec<(String, Vec<usize>, Vec<u32>)> {
    let tensor = |tensor: &NamedTensor| {
        let values = tensor.values.iter().map(|value| value.to_bits()).collect();
        (tensor.name.clone(), tensor.shape.clone(), values)
    };
    let mut found: Vec<_> = checkpoint.tensors.iter().map(tensor).collect();
    found.sort();
    found
}

pub const CHECKPOINT: Target = Target {
    name: "checkpoint",
    corpus: || {
        let tensor = |name: &str, shape: &[usize]| NamedTensor {
            name: name.into(),
            shape: shape.to_vec(),
            values: (0..shape.iter().product::<usize>()).map(|at| at as f32 / 7.0).collect(),
        };
        let sizes: [&[&[usize]]; 3] = [&[&[2, 3], &[3]], &[&[]], &[&[0, 4], &[1, 1, 2]]];
        let files = sizes.map(|shapes| {
            let tensors = shapes.iter().enumerate();
            let tensors =
                tensors.map(|(at, shape)| tensor(&format!("layer.{at}"), shape)).collect();
            let note = [("epoch".to_owned(), "3".to_owned())].into();
            in_file("written.safetensors", &[], |path| {
                Checkpoint { tensors, note }.write(path).unwrap();
                fs::read(path).unwrap()
            })
        });
        files.to_vec()
    },
    strategies: &[
        Strategy::Bytes(&["__metadata__", "dtype", "F32", "F16", "shape", "data_offsets", "[0,4]"]),
        Strategy::Json(&["__metadata__", "dtype", "F32", "F16", "shape", "data_offsets"]),
    ],
    head: 0,
    cases: CASES,
    bytes_held: 400,
    check: |input| {
        in_file("checkpoint.safetensors", input, |path| {
            let told = |error: pointsman_trainer::TrainerError| {
                let said = error.to_string().replace(&*path.to_string_lossy(), "");
                refused(error.code(), &said)
            };
            let found = match Checkpoint::read(path) {
                Ok(found) => found,
                Err(error) => return told(error),
            };
            if let Err(error) = found.write(path) {
                return told(error);
            }
            match Checkpoint::read(path) {
                Ok(again) if bits(&again) == bits(&found) && again.note == found.note => {
                    Ok("ok".to_owned())
                }
                Ok(_) => Err("a checkpoint is another after it was written".to_owned()),
                Err(error) => Err(format!("a written checkpoint is refused: {error}")),
            }
        })
    },
};
