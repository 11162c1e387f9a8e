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
use crate::encoder::bert_weights::BertWeights;
use crate::encoder::embeddings::EmbeddingCache;
use crate::encoder::static_table::{StaticTable, floats};
use crate::encoder::trainable::{Frozen, StaticEncoder, TrainableEncoder, TransformerEncoder};
use crate::encoder::{Encoder, Network, from_folder};
use crate::error::TrainerError;
use crate::export::Precision;
use crate::export::bundle::encoder_only;
use crate::prepare::Prepared;
use crate::progress::bar;
use crate::recipe::{
    BertRecipe, EncoderRecipe, HeadRecipe, RecipeFile, StaticEncoderRecipe, TrainingRecipe,
};
use crate::router::bert::{self, Classifier, ClassifierHead, ClassifierTask, LabelledQuery};
use crate::router::length::LengthHead;
use crate::router::mf::MfHead;
use crate::router::mlp::MlpHead;
use crate::router::{TrainableHead, TrainedHead, memory};
use crate::training::checkpoint::{Checkpoint, NamedTensor};
use crate::training::fine_tune;
use crate::training::head::HeadTraining;
use crate::training::labelled::labelled_queries;
use crate::training::optimiser::Rules;
use crate::training::parameters::Schedule;
use crate::training::ridge;
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
        let identity = format!("{} seed {} {}", recipe.sha256, recipe.recipe.seed, prepared.sha256);
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
            EncoderRecipe::Transformer(settings) => {
                let scale = match recipe.recipe.head {
                    // Fine-tuned with its head: the embedding is as the network gives it.
                    HeadRecipe::Bert(_) => None,
                    #[allow(clippy::cast_possible_truncation)]
                    _ => settings.scale.map(|scale| scale as f32),
                };
                from_folder::transformer(settings, scale, prepared, source, &chosen.device)
            }
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
            return Ok(Encoder {
                network: Network::Static(read_table(&table_path)?),
                tokenizer_json,
            });
        }
        let (table, tokenizer_json) =
            from_folder::static_table(settings, prepared, source, &chosen.device, stop)?;
        write_table(&table_path, &table)?;
        std::fs::write(&tokenizer_path, &tokenizer_json)
            .map_err(TrainerError::file(&tokenizer_path))?;
        Ok(Encoder { network: Network::Static(table), tokenizer_json })
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
        if let HeadRecipe::Bert(settings) = &facts.head {
            return self.fine_tune(recipe, settings, prepared, encoder, chosen, stop);
        }
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
            HeadRecipe::Ridge(settings) => {
                let strong = set.model_index(&facts.strong)?;
                let encoder = (&router, &mut cache);
                let head = ridge::train(facts, settings, prepared, encoder, strong, stop)?;
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
            HeadRecipe::Random | HeadRecipe::Bert(_) => TrainedHead::Random,
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

    /// Trains encoder and classifier together.
    fn fine_tune(
        &self,
        recipe: &RecipeFile,
        settings: &BertRecipe,
        prepared: &Prepared,
        encoder: Encoder,
        chosen: &ChosenDevice,
        stop: &AtomicBool,
    ) -> Result<Trained, TrainerError> {
        let facts = &recipe.recipe;
        let (router, _) = encoder_only(facts, &encoder, Precision::Float)?;
        let labelled = labelled_queries(facts, settings.tiers.as_ref(), prepared, &router)?;
        let device = chosen.device.clone().autodiff();
        // The classifier knows two models: the strong one is its column 0.
        let column = |id: &str| usize::from(id != facts.strong);
        let columns: Vec<usize> = facts.candidates.iter().map(|c| column(&c.id)).collect();
        let size = encoder.network.embedding_size();
        let (network, head) = match encoder.network {
            Network::Static(table) => {
                let start = StaticEncoder::new(&table, &device);
                let frozen = settings.freeze_tokens.then(|| "encoder.table".to_owned());
                let tuned =
                    self.tune(recipe, start, frozen.into_iter(), labelled, &device, stop)?;
                let values = floats(tuned.encoder.table.weight.val().into_data())?;
                (Network::Static(StaticTable { values, ..table }), tuned.head)
            }
            Network::Transformer { weights, pooling, scale } => {
                let start = TransformerEncoder { bert: weights.bert(&device), pooling };
                let frozen =
                    Frozen { words: settings.freeze_tokens, layers: settings.freeze_layers };
                let frozen = TransformerEncoder::frozen_paths("encoder", frozen);
                let tuned =
                    self.tune(recipe, start, frozen.into_iter(), labelled, &device, stop)?;
                let weights = BertWeights::of(&tuned.encoder.bert)?;
                (Network::Transformer { weights, pooling, scale }, tuned.head)
            }
        };
        let head = ClassifierHead::of(&head, size, 0)?;
        let encoder = Encoder { network, tokenizer_json: encoder.tokenizer_json };
        Ok(Trained { encoder, head: TrainedHead::Graph(Box::new(head)), columns })
    }

    fn tune<E: TrainableEncoder>(
        &self,
        recipe: &RecipeFile,
        encoder: E,
        frozen: impl Iterator<Item = String>,
        labelled: Vec<LabelledQuery>,
        device: &burn::tensor::Device,
        stop: &AtomicBool,
    ) -> Result<Classifier<E>, TrainerError> {
        let seed = recipe.recipe.seed;
        let settings = recipe.recipe.fine_tuning.as_ref().ok_or_else(|| {
            TrainerError::NoTrainingPair { detail: "the recipe has no [fine_tuning]".into() }
        })?;
        let (train, validation) = bert::split(labelled, settings.validation_share, seed);
        let task = ClassifierTask::new(train, validation, &encoder, device)?;
        let network = Classifier::new(encoder, seed, device);
        let head = Schedule::AdamW {
            learning_rate: settings.head_learning_rate.unwrap_or(settings.learning_rate),
            weight_decay: settings.weight_decay,
        };
        let rules = Rules::adamw(settings.learning_rate, settings.weight_decay)
            .with("head", head)
            .frozen(frozen);
        let how = fine_tune::Settings {
            seed,
            epochs: settings.epochs,
            max_steps: settings.max_steps,
            micro_batch: settings.batch,
            accumulate: settings.accumulate,
            warm_up: settings.warm_up,
            clip: settings.clip,
            rules,
            check_steps: settings.check_steps,
            patience: settings.patience,
        };
        let place = fine_tune::Place { folder: &self.folder, identity: &self.identity };
        let progress = bar("fine-tuning");
        let tuned = fine_tune::fine_tune(network, &task, &how, &place, &progress, stop)?;
        eprintln!("fine-tuned to step {}, {:.0} tokens/s", tuned.step, tuned.tokens_per_second);
        Ok(tuned.network)
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

fn write_table(path: &Path, table: &StaticTable) -> Result<(), TrainerError> {
    let tensor = NamedTensor {
        name: "table".into(),
        shape: vec![table.rows, table.width],
        values: table.values.clone(),
    };
    Checkpoint { tensors: vec![tensor], ..Checkpoint::default() }.write(path)
}

fn read_table(path: &Path) -> Result<StaticTable, TrainerError> {
    let fault = |detail: String| TrainerError::BadCheckpoint { path: path.into(), detail };
    let tensors = Checkpoint::read(path)?.tensors;
    let table = tensors.into_iter().find(|tensor| tensor.name == "table");
    let table = table.ok_or_else(|| fault("no tensor \"table\"".into()))?;
    match table.shape[..] {
        [rows, width] => Ok(StaticTable { rows, width, values: table.values }),
        _ => Err(fault(format!("the table has shape {:?}, expected two axes", table.shape))),
    }
}
