//! Pointsman's engine: decides which LLM should answer a query.
//!
//! Most queries do not need the strongest LLM, and a query's text helps to tell which do. A router reads
//! only the query and picks the LLM to call, in about 0.1 ms with a token table as encoder and in
//! milliseconds with a small transformer (`docs/RESULTS.md`). This crate runs routers that
//! Pointsman's trainer has exported. It needs the bytes of a *bundle* (`router.json`, `model.onnx`,
//! `tokenizer.json`, for the memory kinds `memory.bin`) and nothing else: no network, no embedding
//! API, no key. The same code runs natively, in browsers, in Node and in Cloudflare Workers.
//!
//! ```
//! use pointsman::{Policy, Query, Router};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../bundles/default");
//! # /*
//! let folder = "bundles/default";
//! # */
//! let mut files = Vec::new();
//! for name in ["router.json", "model.onnx", "tokenizer.json"] {
//!     files.push((name, std::fs::read(format!("{folder}/{name}"))?));
//! }
//! let router = Router::from_files(&files)?;
//! let query = Query::new("What is the capital of Italy?")?;
//! let decision = router.route(&query, &Policy::strong_share(0.3))?;
//! // The weak candidate answers, since the strong one's win rate is below the threshold.
//! assert_eq!(decision.model, "small");
//! assert!(decision.win_rate < decision.threshold);
//! # Ok(())
//! # }
//! ```
//! The example `route` does the same from the command line: `cargo run --release --example route`.
//!
//! # What it does
//!
//! - **Queries**: a text ([`Query::new`]), or the user's turns of a conversation
//!   ([`Query::from_messages`]), of up to [`MAX_QUERY_BYTES`]; [`Query`] says what of a long one is rated.
//!   [`RouteRequest`] reads both from JSON.
//! - **Decisions**: between a strong and a weak candidate by a threshold on the win rate, or by a
//!   share of strong calls that the bundle's calibration turns into a threshold; among several by
//!   shares of each, or by the best score less its weighted cost. A limit on cost, context windows and a
//!   list of allowed candidates exclude candidates first ([`Policy`], [`Decision`]).
//! - **Shares of a host's own traffic**: off by default; a [`Traffic`] learns the win rates that a host
//!   sees ([`Router::route_learning`]).
//! - **Routers**: every [`Kind`] on every encoder tier, from a token table to a BERT-family
//!   transformer, in int8. `model.onnx` is plain ONNX: another runtime gives the same answers.
//! - **LLMs of your own** on a bundle of kind `difficulty`, by tier, ability or outcomes
//!   ([`Router::with_candidates`], [`Router::fit_ability`]).
//! - **Results before any policy**: [`Router::assess`] for scores and win rate, [`Router::embed`] for
//!   the embedding, [`Router::demands`] for a query's demands, [`Router::encoder`] for tokens and raw outputs.
//! - **The bundle's description**: [`Router::info`], a [`Manifest`] with candidates and prices,
//!   calibration, metrics and curves with the rows they were measured on, sources and licences.
//! - **Comparisons by an LLM judge**: what it is asked, and how its verdict is read ([`judge`]).
//! - **Answer cache**: off until [`Router::set_cache_capacity`] sets its size.
//!
//! A [`Router`] is made once and shared: [`Router::route`] takes `&self`, from any thread.
//!
//! # Errors
//!
//! Every fallible call returns a [`RouterError`]: a message that says what was found, what was
//! expected and what to do, and a [`code`](RouterError::code) that never changes. No panic crosses the
//! crate's boundary. The beginning of the code tells the cause:
//!
//! | code | when | cause |
//! | --- | --- | --- |
//! | `bundle_*` | making a router: a file is missing, damaged, of an unknown format or kind | the bundle, or its transfer |
//! | `query_*`, `messages_without_text` | making or routing a query: no text, too much, not text | the caller's text |
//! | `request_ill_formed` | reading a JSON request of the wrong shape | the caller's request |
//! | `traffic_bad_state` | reading a saved [`Traffic`] | the caller's state |
//! | `policy_*` | routing: a number out of range, fields that contradict each other, an unknown model | the caller's policy |
//! | `candidates_invalid`, `outcomes_invalid`, `demands_unsupported` | [`Router::with_candidates`], [`Router::fit_ability`], [`Router::demands`] | the LLMs or outcomes stated, or a bundle of another kind |
//! | `no_candidate` | routing: no candidate meets the constraints | policy and query together |
//! | `inference_failed`, `not_finite` | routing: the graph failed, or gave NaN or an infinity | the bundle's graph |
//!
//! # Cargo features
//!
//! - `relaxed-simd`, off by default: for WebAssembly, relaxed-simd kernels in place of simd128 ones; no
//!   effect on other targets. Hosts without relaxed-simd cannot load such a module.
//!
//! On `wasm32` the crate also exports the bindings that the npm package `pointsman` wraps. Natively the
//! kernels are chosen for the machine at run time: see [`instruction_set`].

mod ability;
mod bundle;
mod cache;
mod candidates;
mod contained;
mod encoder;
mod error;
mod graph;
#[cfg(target_family = "wasm")]
mod js;
pub mod judge;
mod kernels;
mod kind;
mod manifest;
mod memory;
mod numeric;
mod policy;
mod query;
mod request;
mod router;
mod tokenizer;
mod traffic;

pub use ability::{Ability, AbilityPenalty};
pub use bundle::{
    Bundle, MAP_FILE, MAX_FILE_BYTES, MAX_MANIFEST_BYTES, MODEL_FILE, TOKENIZER_FILE,
    files_from_tar, hexadecimal, sha256_hex,
};
pub use candidates::{AbilityPrior, Candidates, Outcome, OwnCandidate};
pub use encoder::{Encoder, Outputs};
pub use error::{RouterError, bounded, quoted};
pub use graph::{FUNCTION_DOMAIN, instruction_set};
pub use kernels::LARGEST_WEIGHT;
pub use kind::Kind;
pub use manifest::{
    Calibration, Candidate, CandidateQuality, CostQuality, EncoderInfo, FORMAT, FileEntry, Head,
    MANIFEST_FILE, Manifest, MeanQualities, Metric, Provenance, PublishedPoint, QualityCache,
    Source, TruncationSide, is_header_value,
};
pub use memory::{Battle, MEMORY_FILE, Memory, Records};
pub use numeric::quantile;
pub use policy::{
    Assessment, CandidateScore, DEFAULT_OUTPUT_TOKENS, DEFAULT_TURN_DECAY, Decision, Policy,
    Reason, SHORT_ANSWER_TOKENS, ThresholdFrom,
};
pub use query::{
    Content, ContentPart, MAX_QUERY_BYTES, MAX_RATED_BYTES, MAX_TURNS, Message, Query,
    estimated_tokens,
};
pub use request::{RouteRequest, lone_surrogate};
pub use tokenizer::{HashedNgrams, NgramSettings, PieceSettings, Tokens, UnigramRules};
pub use traffic::{HALF_LIFE, PRIOR_HALF_LIFE, PRIOR_QUERIES, Traffic};

// Runs the README's example as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// A bundle ready to route.
///
/// Immutable, except for the cache of answers ([`Router::set_cache_capacity`]).
pub struct Router {
    manifest: Manifest,
    kind: Kind,
    scorer: router::Scorer,
    encoder: Encoder,
    cache: cache::Cache,
}

impl Router {
    /// Makes a router from a bundle's files, as `(name, bytes)` in any order. Files that `router.json`
    /// does not list, such as a map of queries for a page, are ignored.
    ///
    /// # Errors
    /// Any `bundle_*` error; each names the file.
    pub fn from_files<N: AsRef<str>, B: AsRef<[u8]>>(
        files: &[(N, B)],
    ) -> Result<Self, RouterError> {
        Self::from_bundle(Bundle::from_files(files)?)
    }

    /// Makes a router from a checked bundle.
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

    /// Makes a router from a bundle packed as one uncompressed tar.
    ///
    /// # Errors
    /// Any `bundle_*` error.
    pub fn from_tar(bytes: &[u8]) -> Result<Self, RouterError> {
        Self::from_files(&files_from_tar(bytes)?)
    }

    /// Puts a host's own LLMs in the place of the bundle's candidates: for kind `difficulty` any number of
    /// them, by role, tier, ability or outcomes; for other kinds a role renames a candidate. Prices and
    /// context windows are those stated, else those of the bundle's candidate of the same name. Fitting to
    /// outcomes rates each of their queries once.
    ///
    /// # Errors
    /// `candidates_invalid`; `outcomes_invalid`; `demands_unsupported` for a tier, an ability or outcomes
    /// with a bundle of another kind; `inference_failed`, `not_finite`.
    pub fn with_candidates(mut self, candidates: &Candidates) -> Result<Self, RouterError> {
        let replaced = candidates
            .replace(&self.manifest, self.kind, |text| self.demands(&Query::new(text)?))?;
        self.manifest = replaced;
        self.cache.clear();
        Ok(self)
    }

    /// Fits the ability of an LLM to its outcomes, some 100 to 300 of them, from a prior: a role, a tier
    /// or an ability, else tier `medium`, else the mean of the candidates. See [`Ability::fit`].
    ///
    /// # Errors
    /// `outcomes_invalid`; `candidates_invalid` for the prior; `demands_unsupported` where the bundle is not
    /// of kind `difficulty`; `inference_failed`, `not_finite`.
    pub fn fit_ability(
        &self,
        outcomes: &[Outcome],
        prior: &AbilityPrior,
    ) -> Result<Ability, RouterError> {
        self.check_demands()?;
        let invalid = |detail| RouterError::CandidatesInvalid { detail };
        let prior = prior.resolve(&self.manifest).map_err(invalid)?;
        candidates::fit(outcomes, &prior, |text| self.demands(&Query::new(text)?))
    }

    /// Computes the demands of the query's last turn, `[K]` in the order of
    /// [`head.demands`](Head::demands); a larger one is a harder query.
    ///
    /// # Errors
    /// `demands_unsupported` where the bundle is not of kind `difficulty`; `query_empty`,
    /// `inference_failed`, `not_finite`.
    pub fn demands(&self, query: &Query) -> Result<Vec<f64>, RouterError> {
        self.check_demands()?;
        let tokens = self.encoder.tokenize(query.newest())?;
        Ok(self.encoder.run(&tokens)?.scores.into_iter().map(f64::from).collect())
    }

    fn check_demands(&self) -> Result<(), RouterError> {
        match self.kind {
            Kind::Difficulty => Ok(()),
            _ => Err(RouterError::DemandsUnsupported { kind: self.manifest.kind.clone() }),
        }
    }

    /// Decides which candidate answers `query`: [`Router::assess`], then [`Policy::decide`].
    ///
    /// # Errors
    /// Any `policy_*` error, `no_candidate`; `query_empty` where no turn has a token;
    /// `inference_failed`, `not_finite`.
    pub fn route(&self, query: &Query, policy: &Policy) -> Result<Decision, RouterError> {
        policy.check(&self.manifest)?;
        policy.decide(&self.manifest, &self.assess(query, policy.turn_decay())?)
    }

    /// Decides as [`Router::route`] does, with shares of the traffic seen so far, and adds the query to it.
    /// The decision then depends on the queries before it. Begin with `Traffic::new(router.info())`.
    ///
    /// # Errors
    /// Those of [`Router::route`]; the query is then not added.
    pub fn route_learning(
        &self,
        query: &Query,
        policy: &Policy,
        traffic: &mut Traffic,
    ) -> Result<Decision, RouterError> {
        policy.check(&self.manifest)?;
        let assessment = self.assess(query, policy.turn_decay())?;
        let decision = policy.decide_among(&self.manifest, &assessment, Some(traffic))?;
        policy.learn(&self.manifest, &decision, traffic);
        Ok(decision)
    }

    /// Rates `query` before any policy: turn by turn, combined by [`Assessment::then`] with
    /// `turn_decay` in [0, 1].
    ///
    /// # Errors
    /// `query_empty` where no turn has a token, `inference_failed`, `not_finite`.
    pub fn assess(&self, query: &Query, turn_decay: f64) -> Result<Assessment, RouterError> {
        let mut found: Option<Assessment> = None;
        for turn in query.turns() {
            match self.assess_turn(turn) {
                Ok(next) => {
                    found = Some(match found {
                        Some(before) => before.then(next, turn_decay),
                        None => next,
                    });
                }
                // Another turn may have tokens.
                Err(RouterError::QueryEmpty) => {}
                Err(error) => return Err(error),
            }
        }
        let found = found.ok_or(RouterError::QueryEmpty)?;
        Ok(Assessment { tokens: query.tokens(found.tokens), ..found })
    }

    fn assess_turn(&self, turn: &str) -> Result<Assessment, RouterError> {
        self.cache.get_or(turn, || {
            let tokens = self.encoder.tokenize(turn)?;
            let outputs = self.encoder.run(&tokens)?;
            let (scores, win_rate) = self.scorer.assess(turn, &outputs, &self.manifest);
            let (tokens, rated_tokens) = (tokens.total, tokens.rated);
            Ok(Assessment { scores, win_rate, tokens, rated_tokens })
        })
    }

    /// Caches about `answers` assessments by the turn's text, so that a repeated turn costs one
    /// look-up; 0, the initial capacity, turns the cache off.
    ///
    /// Leave it at 0 where several tenants share a router: the time that an answer takes would tell
    /// one of them whether another has asked the same.
    pub fn set_cache_capacity(&self, answers: usize) {
        self.cache.resize(answers);
    }

    /// Computes the embedding of the query's last turn, `[D]` with D the manifest's
    /// [`embedding_size`](EncoderInfo::embedding_size), as the graph gives it: not normalised, its last
    /// coordinate stating the turn's length. Heads that compare queries use the other coordinates.
    ///
    /// # Errors
    /// `query_empty`, `inference_failed`, `not_finite`.
    pub fn embed(&self, query: &Query) -> Result<Vec<f32>, RouterError> {
        let tokens = self.encoder.tokenize(query.newest())?;
        Ok(self.encoder.run(&tokens)?.embedding)
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

    /// Tokenizer and graph, for callers that need tokens or raw outputs (verification, embedding
    /// caches).
    #[must_use]
    pub fn encoder(&self) -> &Encoder {
        &self.encoder
    }
}
