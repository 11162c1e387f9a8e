//! A training run: a folder that can be left and taken up again.
//!
//! ```text
//! runs/default/
//!   recipe.toml              the recipe as it was
//!   encoder.safetensors      the distilled token table        } static tier, done once
//!   tokenizer.json           the cut-down tokenizer            }
//!   checkpoint.safetensors   parameters and optimiser state, after each epoch
//!   bundle/                  what ships: int8
//!   bundle-float/            the same router in float, to compare with
//!   result.json, report.html what was measured
//! ```
//! Each stage is skipped when its result is there and belongs to the same recipe, data and encoder;
//! a folder of another recipe is refused. Embeddings of queries are kept beside the runs, in
//! `embeddings/`, and shared by every run with the same encoder.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use switchyard_router::Router;

use crate::device::ChosenDevice;
use crate::encoder::embeddings::EmbeddingCache;
use crate::encoder::static_table::{self, StaticTable, Surround};
use crate::encoder::vocabulary::{self, TokenCounts};
use crate::encoder::{Encoder, Network, hugging_face, parse_tokenizer, token_ids};
use crate::error::TrainerError;
use crate::export::bundle::encoder_only;
use crate::export::Precision;
use crate::prepare::Prepared;
use crate::progress::bar;
use crate::recipe::{EncoderRecipe, HeadRecipe, RecipeFile, StaticEncoderRecipe, TrainingRecipe};
use crate::router::length::LengthHead;
use crate::router::mf::MfHead;
use crate::router::mlp::MlpHead;
use crate::router::{TrainableHead, TrainedHead, memory};
use crate::tensor_file::{NamedTensor, TensorFile};
use crate::training::head::HeadTraining;
use crate::training::set::TrainingSet;

/// A run folder and what identifies its run.
#[derive(Debug)]
pub struct Run {
    folder: PathBuf,
    /// Hash of recipe and data: a stage's result belongs to one.
    identity: String,
}

/// A trained router.
pub struct Trained {
    /// Its encoder.
    pub encoder: Encoder,
    /// Its head.
    pub head: TrainedHead,
    /// Column of each candidate of the recipe among the models trained on.
    pub columns: Vec<usize>,
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
        std::fs::create_dir_all(folder).map_err(TrainerError::file(folder))?;
        let kept = folder.join("recipe.toml");
        let identity =
            format!("{} seed {} {}", recipe.sha256, recipe.recipe.seed, prepared.sha256);
        let mark = folder.join("identity.txt");
        match std::fs::read_to_string(&mark) {
            Ok(found) if found.trim() == identity => {}
            Ok(_) => {
                return Err(TrainerError::BadCheckpoint {
                    path: folder.to_owned(),
                    detail: "it holds a run of another recipe, seed or data".into(),
                });
            }
            Err(_) => {
                std::fs::write(&kept, &recipe.text).map_err(TrainerError::file(&kept))?;
                std::fs::write(&mark, &identity).map_err(TrainerError::file(&mark))?;
            }
        }
        Ok(Self { folder: folder.to_owned(), identity })
    }

    /// A file of the run.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The encoder that the recipe asks for: made from the Hugging Face folder `source`, or read
    /// back.
    ///
    /// # Errors
    /// [`TrainerError::BadEncoder`], [`TrainerError::Interrupted`], [`TrainerError::File`].
    pub fn encoder(
        &self,
        recipe: &RecipeFile,
        prepared: &Prepared,
        source: &Path,
        chosen: &ChosenDevice,
        stop: &AtomicBool,
    ) -> Result<Encoder, TrainerError> {
        match &recipe.recipe.encoder {
            EncoderRecipe::Static(settings) => {
                self.static_encoder(settings, prepared, source, chosen, stop)
            }
            EncoderRecipe::Transformer(_) => Err(TrainerError::BadEncoder {
                path: source.to_owned(),
                detail: "the transformer tier is merged later".into(),
            }),
        }
    }

    fn static_encoder(
        &self,
        settings: &StaticEncoderRecipe,
        prepared: &Prepared,
        source: &Path,
        chosen: &ChosenDevice,
        stop: &AtomicBool,
    ) -> Result<Encoder, TrainerError> {
        let (table_path, tokenizer_path) =
            (self.file("encoder.safetensors"), self.file("tokenizer.json"));
        if table_path.exists() && tokenizer_path.exists() {
            let tokenizer_json =
                std::fs::read(&tokenizer_path).map_err(TrainerError::file(&tokenizer_path))?;
            return Ok(Encoder { network: Network::Static(read_table(&table_path)?), tokenizer_json });
        }
        let folder = hugging_face::read(source, &chosen.device)?;
        let original = parse_tokenizer(&folder.tokenizer_json)?;
        let mut counts = TokenCounts::default();
        prepared.for_each_query(&mut |query| counts.add(&original, query))?;
        let pruned = vocabulary::prune(&folder.tokenizer_json, &counts, settings.vocabulary)?;
        let surround = surround(&original)?;
        let progress = bar("distilling tokens");
        let ids = &pruned.original_ids;
        let vectors = static_table::token_vectors(
            &folder.bert,
            ids,
            surround,
            &chosen.device,
            &progress,
            stop,
        )?;
        let mut table = static_table::compress(
            &vectors,
            ids,
            &counts,
            settings.components,
            settings.frequency_weight,
        );
        let tokenizer = parse_tokenizer(&pruned.tokenizer_json)?;
        let mut spread = static_table::Spread::default();
        prepared.for_each_query(&mut |query| {
            spread.add(&table, &token_ids(&tokenizer, query, settings.max_tokens)?);
            Ok(())
        })?;
        spread.scale_to(&mut table, settings.scale);
        write_table(&table_path, &table)?;
        std::fs::write(&tokenizer_path, &pruned.tokenizer_json)
            .map_err(TrainerError::file(&tokenizer_path))?;
        Ok(Encoder { network: Network::Static(table), tokenizer_json: pruned.tokenizer_json })
    }

    /// Trains the head that the recipe asks for, from where an earlier call stopped.
    ///
    /// # Errors
    /// [`TrainerError::NonFiniteLoss`] and [`TrainerError::Interrupted`], both with what is
    /// finished kept on disk; [`TrainerError::NoTrainingPair`].
    pub fn train(
        &self,
        recipe: &RecipeFile,
        prepared: &Prepared,
        encoder: Encoder,
        chosen: &ChosenDevice,
        stop: &AtomicBool,
    ) -> Result<Trained, TrainerError> {
        let facts = &recipe.recipe;
        let (router, mut cache) = self.embedder(recipe, &encoder)?;
        let set = TrainingSet::new(facts, prepared, &router, &mut cache, stop)?;
        if set.without_tokens > 0 {
            eprintln!("{} queries have no token and are left out", set.without_tokens);
        }
        let columns = match &facts.head {
            HeadRecipe::Random => (0..facts.candidates.len()).collect(),
            _ => facts
                .candidates
                .iter()
                .map(|candidate| set.model_index(&candidate.id))
                .collect::<Result<Vec<_>, _>>()?,
        };
        let size = (cache.width(), set.models.len());
        let device = chosen.device.clone().autodiff();
        let head = match &facts.head {
            HeadRecipe::Mf(settings) => {
                let training = steps(facts.training.as_ref())?;
                let mut head = MfHead::new(settings, training, size, facts.seed, &device);
                self.by_steps(&mut head, training, facts.seed, (&set, &cache), &device, stop)?;
                TrainedHead::Graph(Box::new(head))
            }
            HeadRecipe::Mlp(settings) => {
                let training = steps(facts.training.as_ref())?;
                let mut head = MlpHead::new(settings, training, size, facts.seed, &device);
                self.by_steps(&mut head, training, facts.seed, (&set, &cache), &device, stop)?;
                TrainedHead::Graph(Box::new(head))
            }
            HeadRecipe::Length => {
                let pair = (set.model_index(&facts.strong)?, set.model_index(&facts.weak)?);
                let rows = memory::pair_lengths(&set, &cache, pair)?;
                TrainedHead::Graph(Box::new(LengthHead::fit(&rows, size.0, pair.0)?))
            }
            HeadRecipe::SwRanking(settings) => {
                let (memory, tiers) = memory::sw_ranking(settings, facts.seed, &set, &cache)?;
                TrainedHead::SwRanking { memory, tiers }
            }
            HeadRecipe::Knn(settings) => {
                TrainedHead::Knn(memory::knn(settings, facts.seed, &set, &cache, &columns)?)
            }
            HeadRecipe::Random => TrainedHead::Random,
            HeadRecipe::Bert(_) => {
                return Err(TrainerError::NoTrainingPair { detail: "merged later".into() });
            }
        };
        Ok(Trained { encoder, head, columns })
    }

    /// The encoder as it will be deployed, and the cache of its embeddings.
    ///
    /// # Errors
    /// The engine's; [`TrainerError::File`].
    pub fn embedder(
        &self,
        recipe: &RecipeFile,
        encoder: &Encoder,
    ) -> Result<(Router, EmbeddingCache), TrainerError> {
        let (router, identity) = encoder_only(&recipe.recipe, encoder, Precision::Int8)?;
        let folder = self.folder.parent().unwrap_or(Path::new(".")).join("embeddings");
        let cache = EmbeddingCache::open(&folder, &identity, encoder.network.embedding_size())?;
        Ok((router, cache))
    }

    fn by_steps(
        &self,
        head: &mut dyn TrainableHead,
        recipe: &TrainingRecipe,
        seed: u64,
        (set, embeddings): (&TrainingSet, &EmbeddingCache),
        device: &burn::tensor::Device,
        stop: &AtomicBool,
    ) -> Result<(), TrainerError> {
        HeadTraining {
            queries: &set.queries,
            embeddings,
            recipe,
            seed,
            device,
            checkpoint: &self.file("checkpoint.safetensors"),
            identity: &self.identity,
        }
        .run(head, stop)
    }
}

/// A recipe's check guarantees it; said again for callers that build one themselves.
fn steps(training: Option<&TrainingRecipe>) -> Result<&TrainingRecipe, TrainerError> {
    training.ok_or_else(|| TrainerError::NoTrainingPair {
        detail: "the recipe has no [training]".into(),
    })
}

fn surround(tokenizer: &tokenizers::Tokenizer) -> Result<Surround, TrainerError> {
    let id = |token: &str| {
        tokenizer.token_to_id(token).ok_or_else(|| TrainerError::BadEncoder {
            path: "tokenizer.json".into(),
            detail: format!("no token {token:?}"),
        })
    };
    Ok(Surround { start: id("[CLS]")?, end: id("[SEP]")? })
}

fn write_table(path: &Path, table: &StaticTable) -> Result<(), TrainerError> {
    let tensor = NamedTensor {
        name: "table".into(),
        shape: vec![table.rows, table.width],
        values: table.values.clone(),
    };
    TensorFile { tensors: vec![tensor], ..TensorFile::default() }.write(path)
}

fn read_table(path: &Path) -> Result<StaticTable, TrainerError> {
    let table = TensorFile::read(path)?.take(path, "table", &[0, 0])?;
    Ok(StaticTable { rows: table.shape[0], width: table.shape[1], values: table.values })
}
