//! `router.json`: a bundle's description.
//!
//! Unknown fields are ignored, so that a newer trainer may add some; an unknown `format` or
//! `kind` is an error, since the answers would be wrong.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ability::Ability;
use crate::error::RouterError;

mod abilities;
mod check;
mod cost_quality;

pub use abilities::QualityCache;
pub use check::is_header_value;
pub use cost_quality::{CandidateQuality, CostQuality, MeanQualities, PublishedPoint};

/// The manifest's file name.
pub const MANIFEST_FILE: &str = "router.json";
/// The bundle format this engine reads and the trainer writes.
pub const FORMAT: u64 = 1;

/// `router.json`, format 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Bundle format, [`FORMAT`].
    pub format: u64,
    /// The bundle's name, as shown to people.
    pub name: String,
    /// The router kind, for example `mf`.
    pub kind: String,
    /// The LLMs that may answer, in the order of the graph's `scores`; of kind `difficulty` the scores are
    /// the query's demands, and the order is free.
    pub candidates: Vec<Candidate>,
    /// How a query becomes an embedding.
    pub encoder: EncoderInfo,
    /// What the router kind needs beyond the graph.
    pub head: Head,
    /// Win-rate quantiles, so that a threshold can be asked for as a share of strong calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// Evaluation rows.
    #[serde(default)]
    pub metrics: Vec<Metric>,
    /// Quality against cost, one entry an evaluation set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub curves: Vec<CostQuality>,
    /// The sources this router was trained on.
    #[serde(default)]
    pub trained_on: Vec<Source>,
    /// How the weights were made: trainer version, recipe, seed, device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provenance: Option<Provenance>,
    /// A map of training queries, for pages that draw one. Routing does not need it: it is not among
    /// [`files`](Self::files), and the engine does not read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map: Option<FileEntry>,
    /// The files that routing needs.
    pub files: Vec<FileEntry>,
    /// What [`Manifest::mean_qualities`] has computed; not part of the file.
    #[serde(skip)]
    pub quality_cache: QualityCache,
}

/// An LLM that may answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The model's identifier, as a host passes it to an upstream.
    pub id: String,
    /// USD per million input tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_price: Option<f64>,
    /// USD per million output tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_price: Option<f64>,
    /// The day the prices were read, `YYYY-MM-DD` or `YYYY-MM`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices_as_of: Option<String>,
    /// Context window in tokens, input and output together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_window: Option<u64>,
    /// `difficulty`: how its quality falls with the query's demands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ability: Option<Ability>,
}

/// How a query becomes an embedding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EncoderInfo {
    /// `static` or `transformer`.
    pub tier: String,
    /// Longest sequence the graph is given, special tokens included. Hashed n-grams have limits of their
    /// own, in `tokenizer.json`.
    pub max_tokens: usize,
    /// Which part of a longer query is cut off.
    pub truncation_side: TruncationSide,
    /// How token vectors are combined to one, for example `mean`.
    pub pooling: String,
    /// Embedding size D.
    pub embedding_size: usize,
    /// Whether the tokenizer's special tokens are added.
    pub special_tokens: bool,
    /// Where the encoder comes from: name and licence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// Which part of a long query is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TruncationSide {
    /// The beginning is cut off.
    Left,
    /// The end is cut off.
    Right,
    /// The middle is cut off: of a query of more than L tokens the first `floor(L / 4)` are kept, and the
    /// last `L - floor(L / 4)`, among which a request behind long context stands.
    Middle,
}

impl TruncationSide {
    /// How many of the `limit` tokens kept are a long query's first ones; the others are its last.
    #[must_use]
    pub fn first_kept(self, limit: usize) -> usize {
        match self {
            Self::Left => 0,
            Self::Right => limit,
            Self::Middle => limit / 4,
        }
    }
}

/// What a router kind needs beyond the graph.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// The strong candidate of the pair that the win rate is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strong: Option<String>,
    /// The weak candidate of the pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weak: Option<String>,
    /// Share of strong calls that a policy without threshold or share asks for, in [0, 1].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_strong_share: Option<f64>,
    /// `sw-ranking`: the base of the similarity weights, >= 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gamma: Option<f64>,
    /// `sw-ranking`: the Elo group of each candidate (RouteLLM's tiers), in the candidates' order, from
    /// 0, the strongest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tiers: Option<Vec<u8>>,
    /// `knn`: how many neighbours count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neighbours: Option<usize>,
    /// `random`: the seed of its draws.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// `difficulty`: names of the K demands that the graph gives as `scores`, `[1, K]`; a larger one is
    /// a harder query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub demands: Option<Vec<String>>,
    /// `difficulty`: the usual abilities of LLMs of a tier, by the tiers `small`, `medium` and `large`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abilities: Option<BTreeMap<String, Ability>>,
}

/// Win-rate quantiles over a sample of queries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Quantiles at equal steps from 0 to 1, ascending; 101 of them are percentiles.
    pub quantiles: Vec<f64>,
    /// What the sample is.
    pub sample: String,
    /// How many queries it holds.
    pub rows: u64,
    /// `difficulty`: demands `[K]` of queries that stand for the sample, from which the quantiles of any
    /// other pair's win rate follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub demands: Option<Vec<Vec<f32>>>,
}

/// One evaluation row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// The data set.
    pub dataset: String,
    /// `apgr`, `cpt50`, `cpt80`, ...
    pub metric: String,
    /// The value; `cpt` in percent of strong calls, the rest as the metric is defined.
    pub value: f64,
    /// Rows measured on.
    pub rows: u64,
    /// Rows left out because they were trained on.
    pub removed_as_leaks: u64,
    /// Whether the data set was held out from training, tuning and calibration.
    pub held_out: bool,
}

/// A source of training data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// The data set.
    pub name: String,
    /// Rows trained on.
    pub rows: u64,
    /// The data set's licence, an SPDX identifier where there is one.
    pub licence: String,
    /// SHA-256 of the files' contents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Rows removed because an evaluation set holds the same question.
    #[serde(default)]
    pub removed_as_leaks: u64,
}

/// How the weights were made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The trainer's version.
    pub trainer: String,
    /// The recipe's name.
    pub recipe: String,
    /// SHA-256 of the recipe's settings in canonical form, as `trainer recipe` prints it.
    pub recipe_sha256: String,
    /// The seed of every random draw.
    pub seed: u64,
    /// The device trained on.
    pub device: String,
    /// Licence of the weights.
    pub licence: String,
    /// The bundle whose answers the router was trained on in place of labels: its name, and the
    /// beginning of its hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teacher: Option<String>,
}

/// A file of the bundle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileEntry {
    /// The file's name, without a folder.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its SHA-256, lower-case hexadecimal.
    pub sha256: String,
}

impl Manifest {
    /// Reads and checks `router.json`.
    ///
    /// # Errors
    /// [`RouterError::BundleUnknownFormat`] before anything else, so that a newer bundle is
    /// named as such; [`RouterError::BundleBadManifest`] for the rest.
    pub fn from_json(bytes: &[u8]) -> Result<Self, RouterError> {
        let bad = |detail: String| RouterError::BundleBadManifest { detail };
        let value: serde_json::Value =
            serde_json::from_slice(bytes).map_err(|e| bad(e.to_string()))?;
        let format = value
            .get("format")
            .and_then(serde_json::Value::as_u64)
            .ok_or_else(|| bad("\"format\" is not a whole number".into()))?;
        if format != FORMAT {
            return Err(RouterError::BundleUnknownFormat { found: format, expected: FORMAT });
        }
        let manifest: Self = serde_json::from_value(value).map_err(|e| bad(e.to_string()))?;
        manifest.check().map_err(bad)?;
        Ok(manifest)
    }

    /// The candidate's index in the graph's `scores`.
    #[must_use]
    pub fn candidate_index(&self, id: &str) -> Option<usize> {
        self.candidates.iter().position(|c| c.id == id)
    }

    /// Indices of the strong and the weak candidate, where the bundle names them.
    #[must_use]
    pub fn pair(&self) -> Option<(usize, usize)> {
        let strong = self.candidate_index(self.head.strong.as_deref()?)?;
        Some((strong, self.candidate_index(self.head.weak.as_deref()?)?))
    }

    /// The candidates' identifiers, comma separated, for messages.
    #[must_use]
    pub fn candidate_names(&self) -> String {
        self.candidates.iter().map(|c| c.id.as_str()).collect::<Vec<_>>().join(", ")
    }
}
