//! A training run: a folder that can be left and taken up again.
//!
//! ```text
//! runs/default/
//!   recipe.toml              the recipe as it was
//!   encoder.safetensors      the distilled token table        } done once
//!   tokenizer.json           the cut-down tokenizer            }
//!   checkpoint.safetensors   parameters and optimiser state, after each epoch
//!   bundle/                  what is exported
//!   metrics.json, report.md  what was measured
//! ```
//! Each stage is skipped when its result is there and belongs to the same recipe, data and encoder;
//! a folder of another recipe is refused.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::Device;
use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use tokenizers::Tokenizer;

use crate::device::ChosenDevice;
use crate::encoder::hugging_face::{self, EncoderFolder};
use crate::encoder::static_table::{self, StaticTable, Surround};
use crate::encoder::vocabulary::{self, TokenCounts};
use crate::error::TrainerError;
use crate::prepare::Prepared;
use crate::recipe::{Recipe, RecipeFile};
use crate::router::mf::MfRouter;
use crate::training::preferences::{EpochDraw, Preference, TrainingQuery};

/// A run folder and what identifies its run.
#[derive(Debug)]
pub struct Run {
    folder: PathBuf,
    /// Hash of recipe and data: a stage's result belongs to one.
    identity: String,
}

/// A trained router and the tokenizer it goes with.
pub struct Trained {
    /// Float parameters.
    pub router: MfRouter,
    /// `tokenizer.json`.
    pub tokenizer_json: Vec<u8>,
    /// The tokenizer, parsed.
    pub tokenizer: Tokenizer,
}

impl Run {
    /// Opens or starts the run in `folder`.
    ///
    /// # Errors
    /// [`TrainerError::BadCheckpoint`] where the folder holds a run of another recipe or other
    /// data; [`TrainerError::File`].
    pub fn open(
        folder: &Path,
        recipe: &RecipeFile,
        prepared: &Prepared,
    ) -> Result<Self, TrainerError> {
        std::fs::create_dir_all(folder).map_err(at(folder))?;
        let kept = folder.join("recipe.toml");
        let identity = format!("{} {}", recipe.sha256, prepared.sha256);
        let mark = folder.join("identity.txt");
        match std::fs::read_to_string(&mark) {
            Ok(found) if found.trim() == identity => {}
            Ok(_) => {
                return Err(TrainerError::BadCheckpoint {
                    path: folder.to_owned(),
                    detail: "it holds a run of another recipe or of other data".into(),
                });
            }
            Err(_) => {
                std::fs::write(&kept, &recipe.text).map_err(at(&kept))?;
                std::fs::write(&mark, &identity).map_err(at(&mark))?;
            }
        }
        Ok(Self { folder: folder.to_owned(), identity })
    }

    /// A file of the run.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The static encoder: distilled from the transformer in `encoder_folder`, or read back.
    ///
    /// # Errors
    /// [`TrainerError::BadEncoder`], [`TrainerError::Interrupted`], [`TrainerError::File`].
    pub fn static_encoder(
        &self,
        recipe: &RecipeFile,
        prepared: &Prepared,
        encoder_folder: &Path,
        chosen: &ChosenDevice,
        stop: &AtomicBool,
    ) -> Result<(StaticTable, Vec<u8>), TrainerError> {
        let (table_path, tokenizer_path) =
            (self.file("encoder.safetensors"), self.file("tokenizer.json"));
        if table_path.exists() && tokenizer_path.exists() {
            let tokenizer = std::fs::read(&tokenizer_path).map_err(at(&tokenizer_path))?;
            return Ok((read_table(&table_path)?, tokenizer));
        }
        let settings = &recipe.recipe.encoder;
        let folder = hugging_face::read(encoder_folder, &chosen.device)?;
        let original = parse_tokenizer(&folder.tokenizer_json)?;
        let queries = || {
            let rows = prepared.train.rows.iter().chain(&prepared.corpus.rows);
            rows.map(|row| row.query.as_str())
        };
        let counts = TokenCounts::of(&original, queries()).map_err(tokenizer_error)?;
        let pruned = vocabulary::prune(&folder.tokenizer_json, &counts, settings.vocabulary)?;
        let surround = surround(&original)?;
        let progress = bar("distilling tokens");
        let EncoderFolder { bert, .. } = &folder;
        let ids = &pruned.original_ids;
        let vectors =
            static_table::token_vectors(bert, ids, surround, &chosen.device, &progress, stop)
                .map_err(|e| match e {
                    TrainerError::Interrupted { epoch, .. } => {
                        TrainerError::Interrupted { epoch, epochs: recipe.recipe.training.epochs }
                    }
                    other => other,
                })?;
        let mut table = static_table::compress(
            &vectors,
            ids,
            &counts,
            settings.components,
            settings.frequency_weight,
        );
        let tokenizer = parse_tokenizer(&pruned.tokenizer_json)?;
        let encoded: Vec<Vec<u32>> = queries()
            .map(|query| token_ids(&tokenizer, query, settings.max_tokens))
            .collect::<Result<_, _>>()
            .map_err(tokenizer_error)?;
        static_table::scale_to(&mut table, &encoded, settings.scale);
        write_table(&table_path, &table)?;
        std::fs::write(&tokenizer_path, &pruned.tokenizer_json).map_err(at(&tokenizer_path))?;
        Ok((table, pruned.tokenizer_json))
    }

    /// Trains, from the last finished epoch on.
    ///
    /// # Errors
    /// [`TrainerError::NonFiniteLoss`] and [`TrainerError::Interrupted`], both with the last
    /// finished epoch kept on disk.
    pub fn train(
        &self,
        recipe: &RecipeFile,
        prepared: &Prepared,
        encoder: (StaticTable, Vec<u8>),
        chosen: &ChosenDevice,
        stop: &AtomicBool,
    ) -> Result<Trained, TrainerError> {
        let (table, tokenizer_json) = encoder;
        let tokenizer = parse_tokenizer(&tokenizer_json)?;
        let recipe = &recipe.recipe;
        let device = chosen.device.clone().autodiff();
        let mut router = MfRouter::new(recipe, &table, prepared.train.models.len(), &device);
        let queries = training_queries(recipe, prepared, &tokenizer)?;
        let lengths: Vec<usize> = queries.iter().map(|q| q.ids.len()).collect();
        let epochs = recipe.training.epochs;
        let mut done = self.resume(&mut router)?;
        while done < epochs {
            let mut draw = EpochDraw::new(recipe.seed, done);
            seed_device(&device, recipe.seed, done);
            let batches = draw.batches(&lengths, recipe.training.batch);
            let progress = bar(&format!("epoch {} of {epochs}", done + 1));
            progress.set_length(batches.len() as u64);
            let mut total = 0.0;
            for (step, batch) in batches.iter().enumerate() {
                if stop.load(Ordering::Relaxed) {
                    progress.finish_and_clear();
                    return Err(TrainerError::Interrupted { epoch: done, epochs });
                }
                let rows: Vec<&TrainingQuery> = batch.iter().map(|&i| &queries[i]).collect();
                let Some(tensors) = router.batch(&rows, recipe, &mut draw) else { continue };
                let loss = router.loss(tensors);
                let value = f64::from(loss.clone().inner().into_scalar::<f32>());
                if !value.is_finite() {
                    progress.finish_and_clear();
                    return Err(TrainerError::NonFiniteLoss {
                        loss: value,
                        epoch: done + 1,
                        step: step + 1,
                        kept: done,
                    });
                }
                #[allow(clippy::cast_precision_loss)]
                let past = (done as f64 + step as f64 / batches.len() as f64) / epochs as f64;
                router.parameters.step(&loss.backward(), 1.0 - past);
                total += value;
                progress.inc(1);
            }
            progress.finish_and_clear();
            done += 1;
            self.checkpoint(&router, done)?;
            #[allow(clippy::cast_precision_loss)]
            let mean = total / batches.len().max(1) as f64;
            eprintln!("epoch {done:>3} of {epochs}: loss {mean:.4}");
        }
        Ok(Trained { router, tokenizer_json, tokenizer })
    }

    fn checkpoint(&self, router: &MfRouter, done: usize) -> Result<(), TrainerError> {
        let note = HashMap::from([
            ("epoch".to_owned(), done.to_string()),
            ("identity".to_owned(), self.identity.clone()),
        ]);
        router.parameters.save(&self.file("checkpoint.safetensors"), note)
    }

    fn resume(&self, router: &mut MfRouter) -> Result<usize, TrainerError> {
        let path = self.file("checkpoint.safetensors");
        if !path.exists() {
            return Ok(0);
        }
        let note = router.parameters.load(&path)?;
        let fault = |detail: &str| TrainerError::BadCheckpoint {
            path: path.clone(),
            detail: detail.into(),
        };
        if note.get("identity") != Some(&self.identity) {
            return Err(fault("it belongs to another recipe or to other data"));
        }
        let done: usize = note
            .get("epoch")
            .and_then(|epoch| epoch.parse().ok())
            .ok_or_else(|| fault("it does not state its epoch"))?;
        eprintln!("resuming after epoch {done}");
        Ok(done)
    }
}

fn seed_device(device: &Device, seed: u64, epoch: usize) {
    device.seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(epoch as u64));
}

/// The queries to train on; those without a token are left out.
fn training_queries(
    recipe: &Recipe,
    prepared: &Prepared,
    tokenizer: &Tokenizer,
) -> Result<Vec<TrainingQuery>, TrainerError> {
    let models = &prepared.train;
    let pair = models.model_index(&recipe.strong).zip(models.model_index(&recipe.weak));
    let encoded: Result<Vec<TrainingQuery>, tokenizers::Error> = prepared
        .train
        .rows
        .par_iter()
        .zip(&prepared.weights)
        .zip(&prepared.labels)
        .map(|((row, &weight), label)| {
            let ids = token_ids(tokenizer, &row.query, recipe.encoder.max_tokens)?;
            let label = pair.zip(*label).map(|((a, b), target)| Preference { a, b, target });
            Ok(TrainingQuery { ids, scores: row.scores.clone(), weight, label })
        })
        .collect();
    let mut queries = encoded.map_err(tokenizer_error)?;
    queries.retain(|query| !query.ids.is_empty());
    Ok(queries)
}

/// Token ids of a query as the static tier sees it: no special tokens, the end cut off.
///
/// # Errors
/// The tokenizer's own.
pub fn token_ids(
    tokenizer: &Tokenizer,
    query: &str,
    max_tokens: usize,
) -> Result<Vec<u32>, tokenizers::Error> {
    let encoding = tokenizer.encode_fast(query, false)?;
    Ok(encoding.get_ids().iter().copied().take(max_tokens).collect())
}

fn surround(tokenizer: &Tokenizer) -> Result<Surround, TrainerError> {
    let id = |token: &str| {
        tokenizer.token_to_id(token).ok_or_else(|| TrainerError::BadEncoder {
            path: "tokenizer.json".into(),
            detail: format!("no token {token:?}"),
        })
    };
    Ok(Surround { start: id("[CLS]")?, end: id("[SEP]")? })
}

fn parse_tokenizer(json: &[u8]) -> Result<Tokenizer, TrainerError> {
    let mut tokenizer = Tokenizer::from_bytes(json).map_err(tokenizer_error)?;
    tokenizer.with_padding(None);
    tokenizer.with_truncation(None).map_err(tokenizer_error)?;
    Ok(tokenizer)
}

#[allow(clippy::needless_pass_by_value)]
fn tokenizer_error(error: tokenizers::Error) -> TrainerError {
    TrainerError::BadEncoder { path: "tokenizer.json".into(), detail: error.to_string() }
}

fn write_table(path: &Path, table: &StaticTable) -> Result<(), TrainerError> {
    let fault = |detail: String| TrainerError::BadCheckpoint { path: path.into(), detail };
    let bytes: Vec<u8> = table.values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let view = TensorView::new(Dtype::F32, vec![table.rows, table.width], &bytes)
        .map_err(|e| fault(e.to_string()))?;
    let file = safetensors::serialize([("table", view)], None).map_err(|e| fault(e.to_string()))?;
    let partial = path.with_extension("partial");
    std::fs::write(&partial, file).map_err(at(&partial))?;
    std::fs::rename(&partial, path).map_err(at(path))
}

fn read_table(path: &Path) -> Result<StaticTable, TrainerError> {
    let fault = |detail: String| TrainerError::BadCheckpoint { path: path.into(), detail };
    let bytes = std::fs::read(path).map_err(at(path))?;
    let file = SafeTensors::deserialize(&bytes).map_err(|e| fault(e.to_string()))?;
    let view = file.tensor("table").map_err(|e| fault(e.to_string()))?;
    let &[rows, width] = view.shape() else {
        return Err(fault(format!("the table has shape {:?}, expected two axes", view.shape())));
    };
    let chunks = view.data().as_chunks::<4>().0;
    let values = chunks.iter().map(|b| f32::from_le_bytes(*b)).collect();
    Ok(StaticTable { rows, width, values })
}

fn bar(message: &str) -> ProgressBar {
    let bar = ProgressBar::new(0).with_message(message.to_owned());
    match ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn at(path: &Path) -> impl Fn(std::io::Error) -> TrainerError + use<> {
    let path = path.to_owned();
    move |source| TrainerError::File { path: path.clone(), source }
}
