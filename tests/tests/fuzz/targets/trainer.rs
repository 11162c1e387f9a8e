//! The trainer's readers of recipes and checkpoints.

use std::fs;
use std::path::{Path, PathBuf};

use pointsman_tests::tiny;
use pointsman_trainer::recipe;
use pointsman_trainer::tensors::{Checkpoint, NamedTensor};
use tempfile::TempDir;

use super::{CASES, Target, refused};
use crate::mutation::Strategy;

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
