//! Writes the bundles that `cargo xtask bench` measures: `bench-bundles --encoder DIR --out DIR`.
//!
//! ```text
//! OUT/index.json              what was written, and each encoder's shape
//! OUT/<name>/bundle/          a bundle's folder
//! OUT/<name>/onnx-runtime.onnx   an int8 transformer as ONNX Runtime likes it best
//! ```
//!
//! The transformers are all-MiniLM-L6-v2 and a pruned copy; the token table has their most frequent words, so
//! that the other engines read its tokenizer too. The table and all heads are drawn from a seed. Such a router's
//! decisions are meaningless, but its speed is that of a trained one.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use pointsman::{Candidate, Head, Kind, TruncationSide};
use pointsman_tests::functions::with_tensor_scales;
use pointsman_trainer::device::{DeviceChoice, open};
use pointsman_trainer::encoder::bert::Pooling;
use pointsman_trainer::encoder::hugging_face::{self, EncoderFolder};
use pointsman_trainer::encoder::prune::{Cut, Mini, Words, prune};
use pointsman_trainer::encoder::static_table::StaticTable;
use pointsman_trainer::encoder::vocabulary::{self, TokenCounts};
use pointsman_trainer::encoder::{Encoder, Network, parse_tokenizer};
use pointsman_trainer::export::bundle::{BundleDraft, BundleFacts};
use pointsman_trainer::export::router_graph;
use pointsman_trainer::precision::Precision;
use pointsman_trainer::random::RandomStream;
use pointsman_trainer::recipe::{
    EncoderRecipe, MfRecipe, StaticEncoderRecipe, TransformerEncoderRecipe,
};
use pointsman_trainer::router::mf::MfHead;
use serde::Serialize;

const SOURCE: &str = "sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0)";
/// The text from which the benchmark takes its queries; a pruned vocabulary keeps its words.
const TEXT: &str = include_str!("../../../bench/text.txt");
/// The longest query measured.
const MAX_TOKENS: usize = 512;
const SEED: u64 = 1;

/// The layers of the mini tier in `trainer-native/recipes/task-identification-mini.toml`.
const MINI_LAYERS: [usize; 2] = [0, 1];
const MINI_VOCABULARY: usize = 5000;

/// The token table of `trainer-native/recipes/encoder/static.toml`.
const STATIC_VOCABULARY: usize = 16_000;
const STATIC_WIDTH: usize = 64;
/// Root mean square of an embedding's coordinates.
const SCALE: f32 = 0.3;

/// An encoder's shape, which determines its number of operations.
#[derive(Serialize)]
struct Shape {
    layers: usize,
    /// Hidden size, or the width of a static table.
    width: usize,
    /// Width of the feed-forward network.
    inner: usize,
    vocabulary: usize,
}

#[derive(Serialize)]
struct Entry {
    name: &'static str,
    about: String,
    precision: Precision,
    shape: Shape,
}

/// An encoder to write, with its description.
struct Made {
    encoder: Encoder,
    settings: EncoderRecipe,
    shape: Shape,
}

fn main() -> Result<()> {
    let (encoder, out) = arguments()?;
    let device = open(DeviceChoice::Cpu)?.device;
    let folder = hugging_face::read(&encoder, &device)?;
    let whole = prune(&folder, &Cut::default())?;
    let (six, float) = (transformer(whole.clone()), transformer(whole));
    let (table, mini) = (table(&folder)?, transformer(mini(&folder)?));
    let entries = vec![
        write(&out, "static", "a table of 64 numbers a token", table, Precision::Int8)?,
        write(&out, "mini", "two layers of MiniLM, 5,000 tokens", mini, Precision::Int8)?,
        write(&out, "minilm-l6", "MiniLM, six layers", six, Precision::Int8)?,
        write(&out, "minilm-l6-float", "MiniLM, six layers", float, Precision::Float)?,
    ];
    let index = out.join("index.json");
    fs::write(&index, serde_json::to_vec_pretty(&entries)?)
        .with_context(|| format!("cannot write {}", index.display()))
}

/// A table of the encoder's most frequent words, drawn from a seed.
#[allow(clippy::cast_possible_truncation)]
fn table(folder: &EncoderFolder) -> Result<Made> {
    let tokenizer = parse_tokenizer(&folder.tokenizer_json)?;
    // BERT numbers its words by falling frequency, and a word counted once is kept.
    let words = (0..STATIC_VOCABULARY as u32).filter_map(|id| tokenizer.id_to_token(id));
    let words: Vec<String> = words.filter(|word| !word.starts_with("##")).collect();
    let mut counts = TokenCounts::default();
    counts.add(&tokenizer, &[TEXT])?;
    counts.add(&tokenizer, &words)?;
    let kept = vocabulary::prune(&folder.tokenizer_json, &counts, STATIC_VOCABULARY)?;
    let (rows, width) = (kept.original_ids.len(), STATIC_WIDTH);
    let values = RandomStream::new(SEED, 0).normal(rows * width, SCALE);
    let settings = StaticEncoderRecipe {
        source: SOURCE.into(),
        vocabulary: rows,
        components: width,
        frequency_weight: 0.001,
        max_tokens: MAX_TOKENS,
        truncate: TruncationSide::Right,
        scale: f64::from(SCALE),
    };
    Ok(Made {
        shape: Shape { layers: 0, width, inner: 0, vocabulary: rows },
        encoder: Encoder {
            network: Network::Static(StaticTable { rows, width, values }),
            tokenizer_json: kept.tokenizer_json,
        },
        settings: EncoderRecipe::Static(settings),
    })
}

fn mini(folder: &EncoderFolder) -> Result<Mini> {
    let mut counts = TokenCounts::default();
    counts.add(&parse_tokenizer(&folder.tokenizer_json)?, &[TEXT])?;
    let words = Words { counts: &counts, most: Some(MINI_VOCABULARY) };
    Ok(prune(folder, &Cut { layers: Some(&MINI_LAYERS), words: Some(words) })?)
}

fn transformer(mini: Mini) -> Made {
    let Mini { mut weights, tokenizer_json, .. } = mini;
    weights.cut_positions(MAX_TOKENS);
    let shape = Shape {
        layers: weights.layers.len(),
        width: weights.width,
        inner: weights.layers.first().map_or(0, |layer| layer.up.output),
        vocabulary: weights.vocabulary(),
    };
    let scale = Some(SCALE);
    let network = Network::Transformer { weights, pooling: Pooling::Mean, scale, token_rows: None };
    let settings = TransformerEncoderRecipe {
        source: SOURCE.into(),
        layers: None,
        vocabulary: None,
        token_components: None,
        max_tokens: MAX_TOKENS,
        truncate: TruncationSide::Right,
        scale: Some(f64::from(SCALE)),
    };
    Made {
        shape,
        encoder: Encoder { network, tokenizer_json },
        settings: EncoderRecipe::Transformer(settings),
    }
}

/// Writes the bundle of an encoder with a head drawn from a seed.
fn write(
    out: &Path,
    name: &'static str,
    about: &str,
    made: Made,
    precision: Precision,
) -> Result<Entry> {
    let Made { encoder, settings, shape } = made;
    let head = head(encoder.network.embedding_size())?;
    let model = router_graph::build(&encoder.network, Some((&head, &[0, 1])), precision)?;
    let peer = match (&encoder.network, precision) {
        (Network::Transformer { .. }, Precision::Int8) => Some(with_tensor_scales(&model)?),
        _ => None,
    };
    let facts = BundleFacts {
        name: format!("bench-{name}"),
        kind: Kind::Mf.name().into(),
        candidates: ["bench-strong", "bench-weak"].map(candidate).to_vec(),
        encoder: encoder.info(&settings),
        head: Head {
            strong: Some("bench-strong".into()),
            weak: Some("bench-weak".into()),
            default_strong_share: Some(0.5),
            ..Head::default()
        },
        trained_on: Vec::new(),
        provenance: None,
    };
    let draft = BundleDraft::new(facts, model, encoder.tokenizer_json, None);
    let folder = out.join(name);
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    draft.write(&folder.join("bundle"))?;
    if let Some(peer) = peer {
        fs::write(folder.join("onnx-runtime.onnx"), peer)?;
    }
    eprintln!("bench-bundles: {name}");
    Ok(Entry { name, about: format!("{about}; its head untrained"), precision, shape })
}

/// A matrix factorisation head drawn from a seed, with the paper's width.
fn head(size: usize) -> Result<MfHead> {
    let device = open(DeviceChoice::Cpu)?.device.autodiff();
    let settings = MfRecipe { dimension: 128, noise: 0.0 };
    Ok(MfHead::new(&settings, (size, 2), SEED, &device))
}

fn candidate(id: &str) -> Candidate {
    Candidate { id: id.into(), ..Candidate::default() }
}

fn arguments() -> Result<(PathBuf, PathBuf)> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--encoder", encoder, "--out", out] => Ok((encoder.into(), out.into())),
        _ => bail!("usage: bench-bundles --encoder DIR --out DIR"),
    }
}
