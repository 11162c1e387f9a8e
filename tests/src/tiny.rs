//! A tiny bundle: a WordPiece vocabulary written here, a table drawn from a seed.
//!
//! Its decisions mean nothing; that every host makes the same ones does.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::json;
use switchyard_router::{
    Calibration, EncoderInfo, Head, Provenance, Source, TruncationSide, sha256_hex,
};
use switchyard_trainer::device::{DeviceChoice, open};
use switchyard_trainer::encoder::static_table::StaticTable;
use switchyard_trainer::export::bundle::{BundleDraft, BundleFacts};
use switchyard_trainer::export::static_router;
use switchyard_trainer::recipe::Recipe;
use switchyard_trainer::router::mf::MfRouter;
use switchyard_trainer::training::preferences::EpochDraw;

/// Width of the table.
const WIDTH: usize = 15;

/// The recipe of the tiny bundle; also the ground of small training tests.
pub const RECIPE: &str = r#"
name = "tiny"
kind = "mf"
seed = 7
licence = "MIT OR Apache-2.0"
strong = "tiny-strong"
weak = "tiny-weak"
default_strong_share = 0.5

[[candidates]]
id = "tiny-strong"
input_price = 10.0
output_price = 30.0
prices_as_of = "2024-06"
context_window = 8192

[[candidates]]
id = "tiny-weak"
input_price = 0.5
output_price = 0.5
prices_as_of = "2024-06"
context_window = 2048

[[sources]]
name = "own outcomes"
path = "gold.jsonl"
licence = "MIT OR Apache-2.0"
role = "gold"
take = 120
calibration_share = 0.1

[encoder]
tier = "static"
source = "drawn from a seed"
vocabulary = 400
components = 15
frequency_weight = 0.001
max_tokens = 64
scale = 0.3

[head]
dimension = 8
noise = 0.0

[training]
epochs = 4
batch = 16
learning_rate = 0.01
table_learning_rate = 0.1
weight_decay = 0.0001
table_pull = 0.1
token_dropout = 0.1
preferences = 2
ties = true
"#;

/// The tiny recipe, parsed.
///
/// # Errors
/// None, unless [`RECIPE`] is edited wrongly.
pub fn recipe() -> Result<Recipe> {
    Ok(toml_recipe(RECIPE)?.recipe)
}

/// A recipe from text, through the reader that a file takes.
///
/// # Errors
/// The reader's.
pub fn toml_recipe(text: &str) -> Result<switchyard_trainer::recipe::RecipeFile> {
    let unique = sha256_hex(text.as_bytes());
    let path = std::env::temp_dir()
        .join(format!("switchyard-recipe-{unique}-{}.toml", std::process::id()));
    std::fs::write(&path, text)?;
    let recipe = switchyard_trainer::recipe::read(&path);
    std::fs::remove_file(&path)?;
    Ok(recipe?)
}

/// `tests/fixtures`.
#[must_use]
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// Tokens of the tiny vocabulary: letters and their continuations, digits, punctuation, a few
/// words and word pieces, Chinese characters and emoji.
#[must_use]
pub fn vocabulary() -> Vec<String> {
    let mut tokens: Vec<String> = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"].map(String::from).to_vec();
    let characters = ('a'..='z').chain('0'..='9');
    tokens.extend(characters.flat_map(|c| [c.to_string(), format!("##{c}")]));
    tokens.extend(".,;:!?'\"()[]{}<>+-*/=%&#@_|~^$`\\".chars().map(String::from));
    tokens.extend("路由大语言模型请证明世界和平天气今好吗为什么的是在".chars().map(String::from));
    tokens.extend(["🙂", "🚦", "👩", "🔬"].map(String::from));
    let words = "the a an of to is are was what which who how why when where prove show explain \
                 write code function python rust sum number prime even odd every there exists \
                 capital city country model query route train cheap strong weak answer question \
                 please thank you hello world translate summarise text list first second integral \
                 derivative matrix theorem proof hard easy short long if then else for while return \
                 ##ing ##ed ##s ##er ##ly ##tion ##able ##ness";
    tokens.extend(words.split_whitespace().map(String::from));
    tokens
}

/// `tokenizer.json` of the tiny vocabulary: BERT's normaliser, pre-tokeniser and WordPiece.
#[must_use]
pub fn tokenizer_json() -> Vec<u8> {
    let tokens = vocabulary();
    let vocabulary: serde_json::Map<String, serde_json::Value> =
        tokens.iter().enumerate().map(|(id, token)| (token.clone(), json!(id))).collect();
    let special: Vec<serde_json::Value> = tokens[..4]
        .iter()
        .enumerate()
        .map(|(id, token)| {
            json!({
                "id": id, "content": token, "single_word": false, "lstrip": false,
                "rstrip": false, "normalized": false, "special": true
            })
        })
        .collect();
    let post_processor = json!({
        "type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]
    });
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": special,
        "normalizer": {
            "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
            "strip_accents": null, "lowercase": true
        },
        "pre_tokenizer": { "type": "BertPreTokenizer" },
        "post_processor": post_processor,
        "decoder": { "type": "WordPiece", "prefix": "##", "cleanup": true },
        "model": {
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": vocabulary
        }
    })
    .to_string()
    .into_bytes()
}

/// The tiny bundle, with a calibration over `queries` win rates where they are given.
///
/// # Errors
/// The trainer's.
pub fn bundle(calibration: Option<Calibration>) -> Result<BundleDraft> {
    let recipe = recipe()?;
    let rows = vocabulary().len();
    let mut draw = EpochDraw::new(recipe.seed, 0);
    let table = StaticTable { rows, width: WIDTH, values: draw.normal(rows * WIDTH, 1.0) };
    let device = open(DeviceChoice::Cpu)?.device.autodiff();
    let router = MfRouter::new(&recipe, &table, 2, &device);
    let model = static_router::graph(&router, &[0, 1])?;
    let facts = BundleFacts {
        name: recipe.name.clone(),
        kind: recipe.kind.clone(),
        candidates: recipe.candidates.clone(),
        encoder: EncoderInfo {
            tier: "static".into(),
            max_tokens: recipe.encoder.max_tokens,
            truncation_side: TruncationSide::Right,
            pooling: "sum / sqrt(tokens), with length".into(),
            embedding_size: WIDTH + 1,
            special_tokens: false,
            source: Some(recipe.encoder.source.clone()),
        },
        head: Head {
            strong: Some(recipe.strong.clone()),
            weak: Some(recipe.weak.clone()),
            default_strong_share: Some(recipe.default_strong_share),
        },
        trained_on: Vec::<Source>::new(),
        provenance: Provenance {
            trainer: "drawn from a seed, not trained".into(),
            recipe: recipe.name,
            recipe_sha256: sha256_hex(RECIPE.as_bytes()),
            seed: recipe.seed,
            device: "cpu".into(),
            licence: recipe.licence,
        },
    };
    let draft = BundleDraft::new(facts, model, tokenizer_json());
    Ok(match calibration {
        Some(calibration) => draft.with_calibration(calibration),
        None => draft,
    })
}
