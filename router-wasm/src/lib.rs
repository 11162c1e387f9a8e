//! Switchyard's engine: decides which LLM should answer a query.
//!
//! A *bundle* (`router.json`, `model.onnx`, `tokenizer.json`, for the memory kinds `memory.bin`)
//! comes in as bytes, and from then on
//! nothing else is needed: no network, no embedding API, no key. The same code serves native
//! callers, the browser, Node and Cloudflare Workers.
//!
//! ```no_run
//! use switchyard_router::{Policy, Query, Router};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut files = Vec::new();
//! for name in ["router.json", "model.onnx", "tokenizer.json"] {
//!     files.push((name, std::fs::read(format!("bundles/default/{name}"))?));
//! }
//! let router = Router::from_files(&files)?;
//! let query = Query::new("Prove that every finite integral domain is a field.")?;
//! let decision = router.route(&query, &Policy::strong_share(0.5))?;
//! println!("{} (win rate {:.3})", decision.model, decision.win_rate.unwrap_or_default());
//! # Ok(())
//! # }
//! ```

mod bundle;
mod cache;
mod contained;
mod encoder;
mod error;
mod graph;
#[cfg(target_family = "wasm")]
mod js;
mod kernels;
mod manifest;
mod memory;
mod policy;
mod query;
mod request;
mod router;
mod tokenizer;

pub use bundle::{
    Bundle, MANIFEST_FILE, MAP_FILE, MAX_FILE_BYTES, MAX_MANIFEST_BYTES, MODEL_FILE,
    TOKENIZER_FILE, files_from_tar, hexadecimal, sha256_hex,
};
pub use encoder::{Encoder, Outputs};
pub use error::RouterError;
pub use graph::{FUNCTION_DOMAIN, instruction_set};
pub use kernels::LARGEST_WEIGHT;
pub use manifest::{
    Calibration, Candidate, CandidateQuality, CostQuality, EncoderInfo, FORMAT, FileEntry, Head,
    Manifest, MeanQualities, Metric, Provenance, PublishedPoint, Source, TruncationSide,
};
pub use memory::{Battle, MEMORY_FILE, Memory, Records};
pub use policy::{
    Assessment, CandidateScore, DEFAULT_FALL, DEFAULT_OUTPUT_TOKENS, Decision, Policy, Reason,
};
pub use query::{Content, ContentPart, MAX_QUERY_BYTES, MAX_TURNS, Message, Query};
pub use request::RouteRequest;
pub use router::Kind;
pub use tokenizer::Tokens;

/// A bundle ready to route.
pub struct Router {
    manifest: Manifest,
    kind: Kind,
    scorer: router::Scorer,
    encoder: Encoder,
    cache: cache::Cache,
}

impl Router {
    /// A router from a bundle's files, as `(name, bytes)`.
    ///
    /// # Errors
    /// Any `bundle_*` error.
    pub fn from_files<N: AsRef<str>, B: AsRef<[u8]>>(
        files: &[(N, B)],
    ) -> Result<Self, RouterError> {
        Self::from_bundle(Bundle::from_files(files)?)
    }

    /// A router from a bundle that was checked.
    ///
    /// # Errors
    /// Any `bundle_*` error.
    pub fn from_bundle(bundle: Bundle<'_>) -> Result<Self, RouterError> {
        let kind = Kind::from_name(&bundle.manifest.kind)?;
        let scorer = router::Scorer::from_bundle(kind, &bundle)?;
        let encoder = Encoder::from_bundle(&bundle, kind)?;
        let cache = cache::Cache::default();
        Ok(Self { kind, scorer, encoder, cache, manifest: bundle.manifest })
    }

    /// A router from a bundle carried as one uncompressed tar.
    ///
    /// # Errors
    /// Any `bundle_*` error.
    pub fn from_tar(bytes: &[u8]) -> Result<Self, RouterError> {
        Self::from_files(&files_from_tar(bytes)?)
    }

    /// Decides which candidate answers `query`.
    ///
    /// # Errors
    /// Any `policy_*` error, `no_candidate`, `query_empty`, `inference_failed`, `not_finite`.
    pub fn route(&self, query: &Query, policy: &Policy) -> Result<Decision, RouterError> {
        policy.check(&self.manifest)?;
        policy.decide(&self.manifest, &self.assess(query, policy.fall())?)
    }

    /// What the router says of `query`, before any policy: of its turns one after the other, by
    /// [`Assessment::then`] with `fall` in [0, 1].
    ///
    /// # Errors
    /// `query_empty` where no turn has a token, `inference_failed`, `not_finite`.
    pub fn assess(&self, query: &Query, fall: f64) -> Result<Assessment, RouterError> {
        let mut found: Option<Assessment> = None;
        for turn in query.turns() {
            match self.assess_turn(turn) {
                Ok(next) => {
                    found = Some(match found {
                        Some(before) => before.then(next, fall),
                        None => next,
                    });
                }
                // Another turn may have tokens.
                Err(RouterError::QueryEmpty) => {}
                Err(error) => return Err(error),
            }
        }
        found.ok_or(RouterError::QueryEmpty)
    }

    fn assess_turn(&self, turn: &str) -> Result<Assessment, RouterError> {
        self.cache.get_or(turn, || {
            let tokens = self.encoder.tokenize(turn)?;
            let outputs = self.encoder.run(&tokens.ids)?;
            let (scores, win_rate) = self.scorer.assess(turn, &outputs, &self.manifest);
            Ok(Assessment { scores, win_rate, tokens: tokens.total })
        })
    }

    /// Remembers what it said of about `queries` queries, so that one asked again costs a look-up;
    /// 0, as at first, remembers none.
    ///
    /// Leave it at 0 where several tenants share a router: the time that an answer takes would tell
    /// one of them whether another has asked the same.
    pub fn remember(&self, queries: usize) {
        self.cache.resize(queries);
    }

    /// The embedding of the query's last turn, of the manifest's embedding size.
    ///
    /// # Errors
    /// `query_empty`, `inference_failed`, `not_finite`.
    pub fn embed(&self, query: &Query) -> Result<Vec<f32>, RouterError> {
        let tokens = self.encoder.tokenize(query.newest())?;
        Ok(self.encoder.run(&tokens.ids)?.embedding)
    }

    /// The bundle's manifest: candidates, calibration, metrics, provenance.
    #[must_use]
    pub fn info(&self) -> &Manifest {
        &self.manifest
    }

    /// The router kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Tokenizer and graph, for callers that look inside (verification, embedding caches).
    #[must_use]
    pub fn encoder(&self) -> &Encoder {
        &self.encoder
    }
}
