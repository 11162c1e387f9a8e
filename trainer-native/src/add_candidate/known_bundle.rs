//! A run's bundle, and the same bundle with one more LLM.

use std::collections::HashMap;
use std::path::Path;

use pointsman::{
    Candidate, MEMORY_FILE, MODEL_FILE, Manifest, Memory, Records, Router, Source, TOKENIZER_FILE,
};

use crate::error::TrainerError;
use crate::export::bundle::{self, BundleDraft, BundleFacts};
use crate::export::head_graph::{HeadGraph, LinearScore, LlmColumn};

/// What a bundle knows of an LLM.
pub(super) enum Addition {
    /// Columns of the graph's constants.
    Columns(Vec<LlmColumn>),
    /// A score that is linear in the embedding, beside the graph's scores.
    LinearScore(LinearScore),
    /// Its score on each remembered query, `[N]`.
    MemoryLabels(Vec<Option<f32>>),
    /// Its Elo group, from 0, the strongest.
    EloGroup(u8),
    /// Nothing beside the candidate itself, which states its ability.
    Ability,
}

/// A bundle's files and the engine that runs them.
pub(super) struct KnownBundle {
    files: HashMap<String, Vec<u8>>,
    pub router: Router,
}

impl KnownBundle {
    pub fn read(folder: &Path) -> Result<Self, TrainerError> {
        let files = bundle::read_files(folder)?;
        let router = Router::from_files(&files)?;
        Ok(Self { files: files.into_iter().collect(), router })
    }

    pub fn info(&self) -> &Manifest {
        self.router.info()
    }

    pub fn file(&self, name: &str) -> &[u8] {
        self.files.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// The memory of a memory kind.
    ///
    /// # Errors
    /// `bundle_bad_memory` where it has none.
    pub fn memory(&self) -> Result<Memory, TrainerError> {
        Ok(Memory::from_bytes(self.file(MEMORY_FILE))?)
    }

    /// The bundle with one more LLM.
    pub fn with(
        &self,
        addition: &Addition,
        candidate: &Candidate,
        source: &Source,
    ) -> Result<BundleDraft, TrainerError> {
        let Manifest {
            name,
            kind,
            mut candidates,
            encoder,
            mut head,
            mut trained_on,
            provenance,
            ..
        } = self.info().clone();
        candidates.push(candidate.clone());
        trained_on.push(source.clone());
        let graph = self.file(MODEL_FILE);
        let model = match addition {
            Addition::Columns(columns) => HeadGraph::read(graph)?.with_llm(columns)?,
            Addition::LinearScore(score) => HeadGraph::read(graph)?.with_linear_score(score)?,
            Addition::MemoryLabels(_) | Addition::EloGroup(_) | Addition::Ability => graph.to_vec(),
        };
        let memory = match addition {
            Addition::MemoryLabels(labels) => Some(labelled(self.memory()?, labels)),
            Addition::EloGroup(group) => {
                head.tiers.get_or_insert_default().push(*group);
                Some(self.memory()?)
            }
            _ => None,
        };
        let facts = BundleFacts { name, kind, candidates, encoder, head, trained_on, provenance };
        let tokenizer = self.file(TOKENIZER_FILE).to_vec();
        let draft = BundleDraft::new(facts, model, tokenizer, memory.as_ref());
        // With a pair, win rates stay as they were, and so do their quantiles and the map of
        // queries, whose embeddings are unchanged too. Without a pair the map states the best
        // candidate of each query, which may now be the new LLM: the map is left out.
        let draft = match &self.info().calibration {
            Some(calibration) => draft.with_calibration(calibration.clone()),
            None => draft,
        };
        let map = self.info().map.as_ref().filter(|_| self.info().pair().is_some());
        Ok(match map.and_then(|map| self.files.get(&map.name)) {
            Some(bytes) => draft.with_map(bytes.clone()),
            None => draft,
        })
    }
}

/// The memory with a further candidate's scores after those of the others.
fn labelled(mut memory: Memory, labels: &[Option<f32>]) -> Memory {
    if let Records::Scores { candidates, scores } = &mut memory.records {
        let rows = scores.chunks(*candidates.max(&mut 1)).zip(labels);
        *scores = rows.flat_map(|(known, label)| known.iter().copied().chain([*label])).collect();
        *candidates += 1;
    }
    memory
}
