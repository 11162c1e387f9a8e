//! Writes a bundle folder so that a reader never sees an incomplete one.
//!
//! Files are written into a sibling folder, which then replaces the bundle's folder. The manifest
//! is written last, with each file's length and SHA-256.

use std::fs;
use std::path::{Path, PathBuf};

use pointsman::{
    Calibration, Candidate, CostQuality, EncoderInfo, FORMAT, FileEntry, Head, Kind, MANIFEST_FILE,
    MAP_FILE, MEMORY_FILE, MODEL_FILE, Manifest, Memory, Metric, Provenance, QualityCache, Router,
    Source, TOKENIZER_FILE, TruncationSide, sha256_hex,
};

use super::router_graph;
use crate::encoder::Encoder;
use crate::error::TrainerError;
use crate::precision::Precision;
use crate::recipe::Recipe;

/// Everything that a bundle states besides its files.
#[derive(Debug, Clone)]
pub struct BundleFacts {
    pub name: String,
    pub kind: String,
    /// Candidates in the order of the graph's scores.
    pub candidates: Vec<Candidate>,
    /// The encoder, which maps a query to an embedding.
    pub encoder: EncoderInfo,
    /// Settings of the router, such as strong, weak and default share.
    pub head: Head,
    pub trained_on: Vec<Source>,
    /// Provenance of the weights.
    pub provenance: Option<Provenance>,
}

/// A bundle in memory; calibration and metrics are added once they have been measured on its files.
#[derive(Debug, Clone)]
pub struct BundleDraft {
    pub manifest: Manifest,
    files: Vec<(&'static str, Vec<u8>)>,
    /// `map.json`, which the manifest names beside the files.
    map: Option<Vec<u8>>,
}

impl BundleDraft {
    /// A bundle of a graph, a tokenizer and, for the memory kinds, a memory; without calibration
    /// and metrics.
    #[must_use]
    pub fn new(
        facts: BundleFacts,
        model: Vec<u8>,
        tokenizer: Vec<u8>,
        memory: Option<&Memory>,
    ) -> Self {
        let mut files = vec![(MODEL_FILE, model), (TOKENIZER_FILE, tokenizer)];
        files.extend(memory.map(|memory| (MEMORY_FILE, memory.to_bytes())));
        let entries = files.iter().map(|(name, bytes)| entry(name, bytes)).collect();
        let manifest = Manifest {
            format: FORMAT,
            name: facts.name,
            kind: facts.kind,
            candidates: facts.candidates,
            encoder: facts.encoder,
            head: facts.head,
            calibration: None,
            metrics: Vec::new(),
            curves: Vec::new(),
            trained_on: facts.trained_on,
            provenance: facts.provenance,
            map: None,
            files: entries,
            quality_cache: QualityCache::default(),
        };
        Self { manifest, files, map: None }
    }

    #[must_use]
    pub fn with_calibration(mut self, calibration: Calibration) -> Self {
        self.manifest.calibration = Some(calibration);
        self
    }

    #[must_use]
    pub fn with_metrics(mut self, metrics: Vec<Metric>) -> Self {
        self.manifest.metrics = metrics;
        self
    }

    /// Adds curves of quality against cost.
    #[must_use]
    pub fn with_curves(mut self, curves: Vec<CostQuality>) -> Self {
        self.manifest.curves = curves;
        self
    }

    /// Adds a map of training queries, the bytes of `map.json`.
    #[must_use]
    pub fn with_map(mut self, bytes: Vec<u8>) -> Self {
        self.manifest.map = Some(entry(MAP_FILE, &bytes));
        self.map = Some(bytes);
        self
    }

    #[must_use]
    pub fn model(&self) -> &[u8] {
        let model = self.files.iter().find(|(name, _)| *name == MODEL_FILE);
        model.map_or(&[], |(_, bytes)| bytes)
    }

    /// Loads this bundle into the engine, as a host would.
    ///
    /// # Errors
    /// [`TrainerError::Router`] where the engine refuses it.
    pub fn router(&self) -> Result<Router, TrainerError> {
        let manifest = manifest_json(&self.manifest)?;
        let mut files = vec![(MANIFEST_FILE, manifest.as_slice())];
        files.extend(self.files.iter().map(|(name, bytes)| (*name, bytes.as_slice())));
        Ok(Router::from_files(&files)?)
    }

    /// Writes the folder, replacing an earlier one.
    ///
    /// # Errors
    /// [`TrainerError::File`].
    pub fn write(&self, folder: &Path) -> Result<(), TrainerError> {
        let staging = sibling(folder, "partial");
        let at = TrainerError::file;
        if staging.exists() {
            fs::remove_dir_all(&staging).map_err(at(&staging))?;
        }
        fs::create_dir_all(&staging).map_err(at(&staging))?;
        let manifest = manifest_json(&self.manifest)?;
        let files = self.files.iter().map(|(name, bytes)| (*name, bytes.as_slice()));
        let files = files.chain(self.map.as_deref().map(|bytes| (MAP_FILE, bytes)));
        for (name, bytes) in files.chain([(MANIFEST_FILE, manifest.as_slice())]) {
            let path = staging.join(name);
            fs::write(&path, bytes).map_err(at(&path))?;
        }
        if folder.exists() {
            fs::remove_dir_all(folder).map_err(at(folder))?;
        }
        fs::rename(&staging, folder).map_err(at(folder))
    }
}

fn entry(name: &str, bytes: &[u8]) -> FileEntry {
    FileEntry { name: name.into(), bytes: bytes.len() as u64, sha256: sha256_hex(bytes) }
}

fn manifest_json(manifest: &Manifest) -> Result<Vec<u8>, TrainerError> {
    let mut json = serde_json::to_vec_pretty(manifest).map_err(|e| TrainerError::NotFinite {
        what: "a number of router.json",
        detail: e.to_string(),
    })?;
    json.push(b'\n');
    Ok(json)
}

/// Replaces the calibration in a bundle's `router.json`.
///
/// # Errors
/// [`TrainerError::File`]; [`TrainerError::Router`] where the manifest does not read.
pub fn replace_calibration(folder: &Path, calibration: Calibration) -> Result<(), TrainerError> {
    let path = folder.join(MANIFEST_FILE);
    let text = fs::read(&path).map_err(TrainerError::file(&path))?;
    let mut manifest = Manifest::from_json(&text)?;
    manifest.calibration = Some(calibration);
    let partial = folder.join("router.json.partial");
    fs::write(&partial, manifest_json(&manifest)?).map_err(TrainerError::file(&partial))?;
    fs::rename(&partial, &path).map_err(TrainerError::file(&path))
}

/// Loads an encoder alone into the engine, to embed with; returns the hash that names the encoder
/// too.
///
/// # Errors
/// [`TrainerError::Router`] where the engine refuses it.
pub fn encoder_only(
    recipe: &Recipe,
    encoder: &Encoder,
    precision: Precision,
) -> Result<(Router, String), TrainerError> {
    let model = router_graph::build(&encoder.network, None, precision)?;
    let info = encoder.info(&recipe.encoder);
    let side = match info.truncation_side {
        TruncationSide::Left => " left",
        TruncationSide::Right => "",
        TruncationSide::Middle => " middle",
    };
    let identity = sha256_hex(
        &[
            sha256_hex(&model),
            sha256_hex(&encoder.tokenizer_json),
            info.max_tokens.to_string(),
            side.into(),
        ]
        .concat()
        .into_bytes(),
    );
    let facts = BundleFacts {
        name: "encoder".into(),
        kind: Kind::Random.name().into(),
        candidates: recipe.candidates.clone(),
        encoder: info,
        head: Head { seed: Some(0), ..Head::default() },
        trained_on: Vec::new(),
        provenance: None,
    };
    let draft = BundleDraft::new(facts, model, encoder.tokenizer_json.clone(), None);
    Ok((draft.router()?, identity))
}

/// Reads a bundle folder's files, as `(name, bytes)`.
///
/// # Errors
/// [`TrainerError::File`].
pub fn read_files(folder: &Path) -> Result<Vec<(String, Vec<u8>)>, TrainerError> {
    let at = TrainerError::file;
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(at(folder))? {
        let path = entry.map_err(at(folder))?.path();
        if let Some(name) = path.file_name().filter(|_| path.is_file()) {
            let name = name.to_string_lossy().into_owned();
            files.push((name, fs::read(&path).map_err(at(&path))?));
        }
    }
    Ok(files)
}

fn sibling(folder: &Path, suffix: &str) -> PathBuf {
    let mut name = folder.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{suffix}"));
    folder.with_file_name(name)
}
