//! Makes tiny bundles of every kind and tier, with a small WordPiece vocabulary and weights drawn from a
//! seed.
//!
//! Their decisions are meaningless; the tests check that every host makes the same ones.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use pointsman::{Ability, Battle, Calibration, Head, Kind, Memory, NgramSettings, Records};
use pointsman_trainer::device::{DeviceChoice, open};
use pointsman_trainer::encoder::bert::Pooling;
use pointsman_trainer::encoder::bert_weights::{BertWeights, Dense};
use pointsman_trainer::encoder::static_table::StaticTable;
use pointsman_trainer::encoder::{Encoder, Network, hugging_face};
use pointsman_trainer::export::bundle::BundleDraft;
use pointsman_trainer::export::router_graph::GraphHead;
use pointsman_trainer::finish;
use pointsman_trainer::precision::Precision;
use pointsman_trainer::random::RandomStream;
use pointsman_trainer::recipe::{HeadRecipe, Recipe, RecipeFile};
use pointsman_trainer::router::bert::ClassifierHead;
use pointsman_trainer::router::cluster::{ClusterHead, Correction};
use pointsman_trainer::router::difficulty::DifficultyHead;
use pointsman_trainer::router::length::LengthHead;
use pointsman_trainer::router::mf::MfHead;
use pointsman_trainer::router::mlp::MlpHead;
use pointsman_trainer::router::ridge::RidgeHead;
use pointsman_trainer::router::ridge::kernel::KernelHead;
use pointsman_trainer::router::routerdc::{LlmEmbeddings, RouterDcHead};
use pointsman_trainer::training::fit::{Trained, TrainedHead};
use serde_json::json;

use crate::tiny_encoder;

/// The width of the static tier's table.
const WIDTH: usize = 15;
/// The number of queries in the memory of the memory kinds.
const REMEMBERED: usize = 24;

/// The common part of the tiny recipes; encoder tier, head and optimisation follow.
const COMMON: &str = r#"
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
"#;

const STATIC: &str = r#"
[encoder]
tier = "static"
source = "drawn from a seed"
vocabulary = 400
components = 15
frequency_weight = 0.001
max_tokens = 64
scale = 0.3
"#;

const TRANSFORMER: &str = r#"
[encoder]
tier = "transformer"
source = "drawn from a seed"
max_tokens = 64
scale = 0.3
"#;

/// Optimisation of the kinds whose head is trained on embeddings.
const ON_EMBEDDINGS: &str = r#"
[training]
epochs = 4
batch = 16
learning_rate = 0.01
weight_decay = 0.0001
preferences = 2
ties = true
"#;

/// Optimisation of the kinds that are trained with their encoder.
const WITH_ENCODER: &str = r#"
[fine_tuning]
epochs = 6
batch = 16
learning_rate = 0.005
weight_decay = 0.01
warm_up = 0.1
clip = 1.0
validation_share = 0.1
check_steps = 10
"#;

/// The tiers' names in recipes.
pub const TIERS: [&str; 2] = ["static", "transformer"];
/// A static tier of hashed n-grams, which has no recipe of its own here.
pub const NGRAMS: &str = "ngrams";

/// Every kind on every tier, and one kind on hashed n-grams.
#[must_use]
pub fn kinds_and_tiers() -> Vec<(Kind, &'static str)> {
    let on_tiers = Kind::ALL.into_iter().flat_map(|kind| TIERS.map(|tier| (kind, tier)));
    on_tiers.chain([(Kind::Mf, NGRAMS)]).collect()
}

/// The text of the tiny recipe of a kind and tier.
#[must_use]
pub fn recipe_text(kind: Kind, tier: &str) -> String {
    let encoder = if tier == "transformer" { TRANSFORMER } else { STATIC };
    let (head, optimisation) = match kind {
        Kind::Mf => ("dimension = 8", ON_EMBEDDINGS),
        Kind::Ridge => ("penalty = 1.0\nfrequency_weight = 0.01\nembedding_weight = 0.2", ""),
        Kind::Mlp => ("hidden = 12", ON_EMBEDDINGS),
        Kind::Bert => ("freeze_tokens = false", WITH_ENCODER),
        Kind::RouterDc => {
            ("temperature = 0.1\npositives = 1\nworst = 1\nnegatives = 2", WITH_ENCODER)
        }
        Kind::Cluster => {
            ("groups = \"k-means\"\ncount = 3\nshrinkage = 2.0\ncorrection_penalty = 20.0", "")
        }
        Kind::SwRanking => ("gamma = 10.0\nelo_groups = 10", ""),
        Kind::Knn => ("neighbours = 5", ""),
        Kind::Difficulty => ("penalty = { difficulty = 1.0, need = 1.0 }", ""),
        Kind::Length | Kind::Random => ("", ""),
    };
    let kind = kind.name();
    // The first tiny bundle has no suffix.
    let name = match (kind, tier) {
        ("mf", "static") => "tiny".to_owned(),
        _ => format!("tiny-{kind}-{tier}"),
    };
    format!(
        "name = \"{name}\"\nkind = \"{kind}\"\n{COMMON}{encoder}\n[head]\n{head}\n{optimisation}"
    )
}

/// The tiny recipe of a kind and tier, parsed.
///
/// # Errors
/// Errors of the recipe's text, which is a constant.
pub fn recipe_file(kind: Kind, tier: &str) -> Result<RecipeFile> {
    RecipeFile::parse(&recipe_text(kind, tier)).map_err(|detail| anyhow!(detail))
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

/// Makes the tiny bundle of matrix factorisation on the static tier, with a calibration if given.
///
/// # Errors
/// Errors of the trainer.
pub fn bundle(calibration: Option<Calibration>) -> Result<BundleDraft> {
    let draft = bundle_of(Kind::Mf, "static", Precision::Int8)?;
    Ok(match calibration {
        Some(calibration) => draft.with_calibration(calibration),
        None => draft,
    })
}

/// Makes the tiny bundle of a kind and tier, with weights drawn from a seed.
///
/// # Errors
/// Errors of the trainer.
pub fn bundle_of(kind: Kind, tier: &str, precision: Precision) -> Result<BundleDraft> {
    let file = recipe_file(kind, tier)?;
    let encoder = encoder(&file, tier)?;
    let head = head(&file.recipe, tier, encoder.network.embedding_size())?;
    let trained = Trained { encoder, head };
    Ok(finish::draft(&file.recipe, &file.sha256, Vec::new(), &trained, "cpu", precision)?)
}

/// Makes a tiny bundle on a transformer whose word table is factorised and whose tokens have rows beside it.
///
/// # Errors
/// Errors of the trainer.
pub fn factorised_bundle_with_token_rows(precision: Precision) -> Result<BundleDraft> {
    let tier = "transformer";
    let file = recipe_file(Kind::Mf, tier)?;
    let mut encoder = encoder(&file, tier)?;
    if let Network::Transformer { weights, token_rows, .. } = &mut encoder.network {
        weights.factorise_words(6, &[]);
        let (rows, width) = (weights.vocabulary(), 2);
        let values = RandomStream::new(file.recipe.seed, 2).normal(rows * width, 0.5);
        *token_rows = Some(StaticTable { rows, width, values });
    }
    let head = head(&file.recipe, tier, encoder.network.embedding_size())?;
    let trained = Trained { encoder, head };
    Ok(finish::draft(&file.recipe, &file.sha256, Vec::new(), &trained, "cpu", precision)?)
}

/// The hashed n-grams of the tiny bundle.
fn ngram_settings() -> NgramSettings {
    NgramSettings {
        buckets: 512,
        characters: [2, 4],
        words: [1, 2],
        lowercase: true,
        max_characters: 400,
        tail_characters: Some(20),
    }
}

fn encoder(file: &RecipeFile, tier: &str) -> Result<Encoder> {
    let network = match tier {
        "static" => {
            let rows = vocabulary().len();
            let mut draw = RandomStream::new(file.recipe.seed, 0);
            let values = draw.normal(rows * WIDTH, 1.0);
            Network::Static(StaticTable { rows, width: WIDTH, values })
        }
        NGRAMS => {
            let (settings, width) = (ngram_settings(), 3);
            let rows = settings.buckets as usize;
            let values = RandomStream::new(file.recipe.seed, 0).normal(rows * width, 1.0);
            let network = Network::Ngrams(StaticTable { rows, width, values });
            return Ok(Encoder { network, tokenizer_json: settings.to_json() });
        }
        _ => {
            let folder = tempfile::tempdir()?;
            tiny_encoder::write(folder.path())?;
            let device = open(DeviceChoice::Cpu)?.device;
            let weights = BertWeights::of(&hugging_face::read(folder.path(), &device)?.bert)?;
            let scale = match file.recipe.head {
                HeadRecipe::Bert(_) | HeadRecipe::RouterDc(_) => None,
                _ => Some(0.3),
            };
            Network::Transformer { weights, pooling: Pooling::Mean, scale, token_rows: None }
        }
    };
    Ok(Encoder { network, tokenizer_json: tokenizer_json() })
}

fn head(recipe: &Recipe, tier: &str, size: usize) -> Result<TrainedHead> {
    let device = open(DeviceChoice::Cpu)?.device.autodiff();
    let mut draw = RandomStream::new(recipe.seed, 1);
    match &recipe.head {
        HeadRecipe::Mf(settings) => graph(MfHead::new(settings, (size, 2), recipe.seed, &device)),
        HeadRecipe::Ridge(_) => graph(RidgeHead {
            tokens: draw.normal(vocabulary().len(), 0.3),
            embedding: draw.normal(size, 0.3),
            kernel: Some(KernelHead {
                unit: draw.normal(REMEMBERED * (size - 1), (size as f32 - 1.0).sqrt().recip()),
                centre: draw.normal(size - 1, 0.1),
                temperature: 0.2,
                shares: draw.normal(REMEMBERED, 0.5),
            }),
            intercept: 0.1,
            strong: 0,
        }),
        HeadRecipe::Mlp(settings) => graph(MlpHead::new(settings, (size, 2), recipe.seed, &device)),
        HeadRecipe::Bert(_) => {
            let weight = draw.normal(size * 3, 0.5);
            let dense = Dense { input: size, output: 3, weight, bias: draw.normal(3, 0.5) };
            graph(ClassifierHead { dense, strong: 0 })
        }
        HeadRecipe::RouterDc(settings) => {
            // The transformer's network has no length coordinate, so its head leaves out the last one.
            let width = if tier == "static" { size } else { size - 1 };
            let embeddings = LlmEmbeddings::new(2, width, recipe.seed, &device);
            graph(RouterDcHead::of(&embeddings, size, settings.temperature)?)
        }
        HeadRecipe::Cluster(_) => {
            let (width, groups) = (size - 1, 3);
            graph(ClusterHead {
                centre: draw.normal(width, 0.1),
                membership: draw.normal(width * groups, 2.0),
                offsets: draw.normal(groups, 0.2),
                means: vec![0.9, 0.4, 0.6, 0.7, 0.5, 0.1],
                correction: Some(Correction {
                    weights: draw.normal(width * 2, 0.1),
                    offsets: vec![0.02, -0.03],
                }),
            })
        }
        HeadRecipe::Difficulty(_) => {
            let weights = draw.normal(size, 0.5);
            let mut head =
                TrainedHead::in_graph(DifficultyHead { weights, offsets: vec![0.1] }, vec![0]);
            head.stated.demands = Some(vec!["difficulty".into()]);
            let ability = |intercept, slope| Ability { intercept, slopes: vec![slope] };
            head.abilities = Some(vec![ability(3.0, 0.5), ability(0.0, 1.0)]);
            Ok(head)
        }
        HeadRecipe::Length(_) => {
            graph(LengthHead::fit(&[(-0.5, 0.2, 9.0), (0.5, 0.7, 9.0)], size, 0)?)
        }
        HeadRecipe::SwRanking(settings) => {
            let target = |i: usize| if i.is_multiple_of(3) { 0.0 } else { 1.0 };
            let battles = (0..REMEMBERED).map(|i| Battle { a: 0, b: 1, target: target(i) });
            let records = Records::Battles {
                weights: vec![1.0; REMEMBERED],
                ends: (1..=REMEMBERED as u32).collect(),
                battles: battles.collect(),
            };
            let memory = memory(&mut draw, size, records);
            let tiers = Some(vec![0, 1]);
            let stated = Head { gamma: Some(settings.gamma), tiers, ..Head::default() };
            Ok(TrainedHead::in_memory(memory, stated))
        }
        HeadRecipe::Knn(settings) => {
            let score = |i: usize| (!i.is_multiple_of(5)).then_some((i * 7 % 11) as f32 / 10.0);
            let scores = (0..2 * REMEMBERED).map(score).collect();
            let records = Records::Scores { candidates: 2, scores };
            let memory = memory(&mut draw, size, records);
            let stated = Head { neighbours: Some(settings.neighbours), ..Head::default() };
            Ok(TrainedHead::in_memory(memory, stated))
        }
        HeadRecipe::Random(_) => {
            let stated = Head { seed: Some(recipe.seed), ..Head::default() };
            Ok(TrainedHead { stated, ..TrainedHead::default() })
        }
    }
}

fn memory(draw: &mut RandomStream, size: usize, records: Records) -> Memory {
    let width = size - 1;
    Memory::new(width, &draw.normal(REMEMBERED * width, 1.0), records)
}

/// A head in the graph that scores the two candidates.
#[allow(clippy::unnecessary_wraps)]
fn graph(head: impl GraphHead + 'static) -> Result<TrainedHead> {
    Ok(TrainedHead::in_graph(head, vec![0, 1]))
}
