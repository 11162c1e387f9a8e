//! Trains a tiny bundle that chooses among five LLMs without a pair: each of four answers the queries of
//! its own topic, the fifth some of all.
//!
//! Outcomes are drawn from a seed. Unlike the other tiny bundles' its decisions have a meaning: on queries apart
//! it is better than any of its LLMs.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use anyhow::{Context as _, Result, anyhow};
use pointsman_trainer::dataset::prepare;
use pointsman_trainer::device::{DeviceChoice, open};
use pointsman_trainer::export::bundle::BundleDraft;
use pointsman_trainer::random::RandomStream;
use pointsman_trainer::recipe::RecipeFile;
use pointsman_trainer::training::context::Context;
use pointsman_trainer::training::encoder::encoder;
use pointsman_trainer::{finish, router};
use serde_json::json;

use crate::tiny_encoder;

const SEED: u64 = 11;
/// The number of queries of each topic.
const OF_A_TOPIC: usize = 40;
/// Of so many queries of a topic one is scored, and the others are trained on.
const SCORED: usize = 4;

/// The topics with words of the tiny vocabulary.
const TOPICS: [(&str, [&str; 4]); 4] = [
    ("mathematics", ["prove", "theorem", "integral", "matrix"]),
    ("code", ["code", "function", "python", "rust"]),
    ("geography", ["capital", "city", "country", "world"]),
    ("writing", ["translate", "summarise", "text", "list"]),
];
/// The LLMs: the topic that each answers well, by its place.
const LLMS: [(&str, Option<usize>); 5] = [
    ("tiny-prover", Some(0)),
    ("tiny-coder", Some(1)),
    ("tiny-atlas", Some(2)),
    ("tiny-writer", Some(3)),
    ("tiny-all-rounder", None),
];

/// Two of the LLMs state no price.
const RECIPE: &str = r#"
name = "tiny-pool"
kind = "cluster"
seed = 7
licence = "MIT OR Apache-2.0"

[[candidates]]
id = "tiny-prover"
input_price = 8.0
output_price = 24.0
prices_as_of = "2024-06"
context_window = 8192

[[candidates]]
id = "tiny-coder"
input_price = 4.0
output_price = 12.0
prices_as_of = "2024-06"

[[candidates]]
id = "tiny-atlas"
input_price = 0.5
output_price = 0.5
prices_as_of = "2024-06"

[[candidates]]
id = "tiny-writer"

[[candidates]]
id = "tiny-all-rounder"

[[sources]]
name = "own outcomes"
path = "gold.jsonl"
licence = "MIT OR Apache-2.0"
role = "gold"

[[sources]]
name = "own outcomes apart"
path = "test.jsonl"
licence = "MIT OR Apache-2.0"
role = "test"

[encoder]
tier = "static"
source = "drawn from a seed"
vocabulary = 400
components = 24
frequency_weight = 0.001
max_tokens = 64
scale = 0.3

[head]
groups = "data-set"
shrinkage = 2.0
correction_penalty = 20.0
"#;

/// The pool's recipe.
///
/// # Errors
/// Errors of the recipe's text, which is a constant.
pub fn recipe_file() -> Result<RecipeFile> {
    RecipeFile::parse(RECIPE).map_err(|detail| anyhow!(detail))
}

/// Trains the pool's bundle and scores it.
///
/// # Errors
/// Errors of the trainer.
pub fn bundle() -> Result<BundleDraft> {
    let folder = tempfile::tempdir()?;
    let (data, source) = (folder.path().join("data"), folder.path().join("encoder"));
    write_outcomes(&data)?;
    tiny_encoder::write(&source)?;
    let recipe = recipe_file()?;
    let prepared = prepare(&recipe.recipe, &data, false)?;
    let (device, stop) = (open(DeviceChoice::Cpu)?, AtomicBool::new(false));
    let run = folder.path().join("run");
    let context = Context::open(&run, &recipe, &prepared, &device, &stop)?;
    let trained = router::train(&context, encoder(&context, &source)?)?;
    Ok(finish::finish(&context, &trained)?.bundle)
}

/// Writes `gold.jsonl` and `test.jsonl`.
fn write_outcomes(folder: &Path) -> Result<()> {
    let count = TOPICS.len() * OF_A_TOPIC;
    let chances = RandomStream::new(SEED, 0).normal(LLMS.len() * count, 1.0);
    let mut files = [String::new(), String::new()];
    for (at, chances) in chances.as_chunks::<{ LLMS.len() }>().0.iter().enumerate() {
        let (topic, turn) = (at % TOPICS.len(), at / TOPICS.len());
        let (dataset, words) = TOPICS[topic];
        let word = |step: usize| words[(turn + step * (1 + turn / words.len() % 3)) % words.len()];
        let query = format!("{} the {} of {}, number {at}", word(0), word(1), word(2));
        let scores: serde_json::Map<String, serde_json::Value> = LLMS
            .iter()
            .zip(chances)
            .map(|((llm, own), chance)| {
                // Of a normal variable 90, 25 and 55 % are above these.
                let above = match own {
                    Some(own) if *own == topic => -1.28,
                    Some(_) => 0.67,
                    None => -0.13,
                };
                ((*llm).to_owned(), json!(u8::from(*chance > above)))
            })
            .collect();
        let row = json!({
            "id": format!("own-{at}"), "query": query, "dataset": dataset, "scores": scores
        });
        let scored = turn.is_multiple_of(SCORED);
        files[usize::from(scored)] += &format!("{row}\n");
    }
    std::fs::create_dir_all(folder)?;
    for (name, text) in ["gold.jsonl", "test.jsonl"].into_iter().zip(files) {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| path.display().to_string())?;
    }
    Ok(())
}
