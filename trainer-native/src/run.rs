//! A training run: a folder that keeps each stage's result, so that the run can be interrupted and
//! resumed.
//!
//! ```text
//! runs/default/
//!   recipe.toml              the recipe
//!   encoder.safetensors      the distilled token table        } static tier, done once
//!   tokenizer.json           the cut-down tokenizer            }
//!   checkpoint.safetensors   parameters and optimiser state, after each epoch
//!   fine_tune*.safetensors   the same for fine-tuning, at the last and at the best check
//!   history.jsonl            step, training loss and validation of each check
//!   bundle/                  the int8 bundle, which ships
//!   bundle-float/            the same router in float, to compare with
//!   result.json, report.html the evaluation
//! ```
//! A stage is skipped where its result is there and belongs to the same recipe, data and encoder; a
//! folder of another recipe is refused. Embeddings of queries are kept beside the runs, in
//! `embeddings/`, and shared by every run with the same encoder.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use burn::module::{Module, ModuleDisplay};
use pointsman::Router;

use crate::dataset::Prepared;
use crate::device::ChosenDevice;
use crate::encoder::bert_weights::BertWeights;
use crate::encoder::embeddings::EmbeddingCache;
use crate::encoder::static_table::{StaticTable, floats};
use crate::encoder::trainable::{
    Frozen, StaticEncoder, TrainableEncoder, TransformerEncoder, WithHead,
};
use crate::encoder::{Encoder, Network, from_folder};
use crate::error::TrainerError;
use crate::export::Precision;
use crate::export::bundle::encoder_only;
use crate::export::router_graph::GraphHead;
use crate::linear::k_means;
use crate::linear::t_sne::{self, t_sne};
use crate::progress::bar;
use crate::recipe::{
    BertRecipe, EncoderRecipe, HeadRecipe, RecipeFile, RouterDcRecipe, StaticEncoderRecipe,
    TrainingRecipe,
};
use crate::router::bert::queries::labelled_queries;
use crate::router::bert::{self, ClassifierHead, ClassifierTask};
use crate::router::length::LengthHead;
use crate::router::mf::MfHead;
use crate::router::mlp::MlpHead;
use crate::router::routerdc::queries::scored_queries;
use crate::router::routerdc::{self, LlmEmbeddings, RouterDcHead, RouterDcTask};
use crate::router::{TrainableHead, TrainedHead, cluster, memory, ridge};
use crate::tensors::{Checkpoint, NamedTensor};
use crate::training::fine_tune::{self, Objective};
use crate::training::head::HeadTraining;
use crate::training::optimiser::Rules;
use crate::training::parameters::Schedule;
use crate::training::training_set::TrainingSet;

/// A run folder and what identifies its run.
#[derive(Debug)]
pub struct Run {
    folder: PathBuf,
    /// Hash of recipe and data; a stage's result is reused only where it states the same hash.
    identity: String,
}

pub struct Trained {
    pub encoder: Encoder,
    pub head: TrainedHead,
    /// Column of each candidate of the recipe among the models trained on.
    pub columns: Vec<usize>,
}

/// The training queries and their embeddings, by the encoder as it will be deployed.
struct Embedded {
    router: Router,
    cache: EmbeddingCache,
    set: TrainingSet,
    /// Column of each candidate of the recipe among the models of the set.
    columns: Vec<usize>,
}

impl Embedded {
    /// Size of an embedding, and how many models there are.
    fn size(&self) -> (usize, usize) {
        (self.cache.width(), self.set.models.len())
    }
}

/// Result of training a head.
type HeadResult = Result<TrainedHead, TrainerError>;

impl Run {
    /// Opens the run in `folder`, or starts one there.
    ///
    /// # Errors
    /// [`TrainerError::BadCheckpoint`] where the folder holds a run of another recipe, teacher or
    /// other data; [`TrainerError::File`].
    pub fn open(
        folder: &Path,
        recipe_file: &RecipeFile,
        prepared: &Prepared,
    ) -> Result<Self, TrainerError> {
        std::fs::create_dir_all(folder).map_err(TrainerError::file(folder))?;
        let kept = folder.join("recipe.toml");
        let identity =
            format!("{} seed {} {}", recipe_file.sha256, recipe_file.recipe.seed, prepared.sha256);
        let mark = folder.join("identity.txt");
        match std::fs::read_to_string(&mark) {
            Ok(found) if found.trim() == identity => {}
            Ok(_) => {
                return Err(TrainerError::BadCheckpoint {
                    path: folder.to_owned(),
                    detail: "it holds a run of another recipe, seed, data or teacher".into(),
                });
            }
            Err(_) => {
                std::fs::write(&kept, &recipe_file.text).map_err(TrainerError::file(&kept))?;
                std::fs::write(&mark, &identity).map_err(TrainerError::file(&mark))?;
            }
        }
        Ok(Self { folder: folder.to_owned(), identity })
    }

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
        recipe_file: &RecipeFile,
        prepared: &Prepared,
        source: &Path,
        chosen_device: &ChosenDevice,
        stop: &AtomicBool,
    ) -> Result<Encoder, TrainerError> {
        match &recipe_file.recipe.encoder {
            EncoderRecipe::Static(settings) => {
                self.static_encoder(settings, prepared, source, chosen_device, stop)
            }
            EncoderRecipe::Transformer(settings) => {
                let scale = match recipe_file.recipe.head {
                    // An encoder that is fine-tuned with its head has its embeddings left unscaled.
                    HeadRecipe::Bert(_) | HeadRecipe::RouterDc(_) => None,
                    #[allow(clippy::cast_possible_truncation)]
                    _ => settings.scale.map(|scale| scale as f32),
                };
                from_folder::transformer(settings, scale, prepared, source, &chosen_device.device)
            }
        }
    }

    fn static_encoder(
        &self,
        settings: &StaticEncoderRecipe,
        prepared: &Prepared,
        source: &Path,
        chosen_device: &ChosenDevice,
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
            from_folder::static_table(settings, prepared, source, &chosen_device.device, stop)?;
        write_table(&table_path, &table)?;
        std::fs::write(&tokenizer_path, &tokenizer_json)
            .map_err(TrainerError::file(&tokenizer_path))?;
        Ok(Encoder { network: Network::Static(table), tokenizer_json })
    }

    /// Trains the head that the recipe asks for, resuming where an earlier call stopped.
    ///
    /// # Errors
    /// [`TrainerError::NonFiniteLoss`] and [`TrainerError::Interrupted`], both with what is
    /// finished kept on disk; [`TrainerError::NoTrainingPair`].
    pub fn train(
        &self,
        recipe_file: &RecipeFile,
        prepared: &Prepared,
        encoder: Encoder,
        chosen_device: &ChosenDevice,
        stop: &AtomicBool,
    ) -> Result<Trained, TrainerError> {
        let recipe = &recipe_file.recipe;
        let device = chosen_device.device.clone().autodiff();
        let on_embeddings = |encoder, make: &dyn Fn(&mut Embedded) -> HeadResult| {
            self.on_embeddings(recipe_file, prepared, encoder, stop, make)
        };
        match &recipe.head {
            HeadRecipe::Bert(settings) => {
                self.classifier(recipe_file, settings, prepared, encoder, chosen_device, stop)
            }
            HeadRecipe::RouterDc(settings) => {
                self.routerdc(recipe_file, settings, prepared, encoder, chosen_device, stop)
            }
            HeadRecipe::Random => {
                let columns = (0..recipe.candidates.len()).collect();
                Ok(Trained { encoder, head: TrainedHead::Random, columns })
            }
            HeadRecipe::Mf(settings) => on_embeddings(encoder, &|embedded| {
                let training = needed(recipe.training.as_ref(), "training")?;
                let head = MfHead::new(settings, training, embedded.size(), recipe.seed, &device);
                self.by_steps(head, training, recipe.seed, embedded, &device, stop)
            }),
            HeadRecipe::Mlp(settings) => on_embeddings(encoder, &|embedded| {
                let training = needed(recipe.training.as_ref(), "training")?;
                let head = MlpHead::new(settings, training, embedded.size(), recipe.seed, &device);
                self.by_steps(head, training, recipe.seed, embedded, &device, stop)
            }),
            HeadRecipe::Ridge(settings) => on_embeddings(encoder, &|embedded| {
                let strong = embedded.set.model_index(&recipe.pair()?.strong)?;
                let encoder = (&embedded.router, &mut embedded.cache);
                let head = ridge::fit::train(recipe, settings, prepared, encoder, strong, stop)?;
                Ok(TrainedHead::Graph(Box::new(head)))
            }),
            HeadRecipe::Cluster(settings) => on_embeddings(encoder, &|embedded| {
                let Embedded { router, cache, columns, .. } = embedded;
                let head = cluster::fit::train(
                    recipe,
                    settings,
                    prepared,
                    (router, cache),
                    columns,
                    stop,
                )?;
                // It knows the candidates alone.
                *columns = (0..columns.len()).collect();
                Ok(TrainedHead::Graph(Box::new(head)))
            }),
            HeadRecipe::Length => on_embeddings(encoder, &|Embedded { set, cache, .. }| {
                let pair = recipe.pair()?;
                let pair = (set.model_index(&pair.strong)?, set.model_index(&pair.weak)?);
                let rows = memory::pair_lengths(set, cache, pair)?;
                Ok(TrainedHead::Graph(Box::new(LengthHead::fit(&rows, cache.width(), pair.0)?)))
            }),
            HeadRecipe::SwRanking(settings) => on_embeddings(encoder, &|embedded| {
                let (set, cache) = (&embedded.set, &embedded.cache);
                let (memory, elo_groups) = memory::sw_ranking(settings, recipe.seed, set, cache)?;
                Ok(TrainedHead::SwRanking { memory, elo_groups })
            }),
            HeadRecipe::Knn(settings) => on_embeddings(encoder, &|embedded| {
                let Embedded { set, cache, columns, .. } = embedded;
                Ok(TrainedHead::Knn(memory::knn(settings, recipe.seed, set, cache, columns)?))
            }),
        }
    }

    /// Embeds the training queries and calls `make` to train a head on them.
    fn on_embeddings(
        &self,
        recipe_file: &RecipeFile,
        prepared: &Prepared,
        encoder: Encoder,
        stop: &AtomicBool,
        make: &dyn Fn(&mut Embedded) -> HeadResult,
    ) -> Result<Trained, TrainerError> {
        let recipe = &recipe_file.recipe;
        let (router, mut cache) = self.embedder(recipe_file, &encoder)?;
        let set = TrainingSet::new(recipe, prepared, &router, &mut cache, stop)?;
        if set.without_tokens > 0 {
            eprintln!("{} queries have no token and are left out", set.without_tokens);
        }
        let candidates = recipe.candidates.iter();
        let columns = candidates.map(|c| set.model_index(&c.id)).collect::<Result<Vec<_>, _>>()?;
        let mut embedded = Embedded { router, cache, set, columns };
        let head = make(&mut embedded)?;
        Ok(Trained { encoder, head, columns: embedded.columns })
    }

    /// The encoder as it will be deployed, and the cache of its embeddings.
    ///
    /// # Errors
    /// Those of the engine; [`TrainerError::File`].
    pub fn embedder(
        &self,
        recipe_file: &RecipeFile,
        encoder: &Encoder,
    ) -> Result<(Router, EmbeddingCache), TrainerError> {
        let (router, identity) = encoder_only(&recipe_file.recipe, encoder, Precision::Int8)?;
        let folder = self.folder.parent().unwrap_or(Path::new(".")).join("embeddings");
        let cache = EmbeddingCache::open(&folder, &identity, encoder.network.embedding_size())?;
        Ok((router, cache))
    }

    /// Trains an encoder and a three-way classifier together.
    fn classifier(
        &self,
        recipe_file: &RecipeFile,
        settings: &BertRecipe,
        prepared: &Prepared,
        encoder: Encoder,
        chosen_device: &ChosenDevice,
        stop: &AtomicBool,
    ) -> Result<Trained, TrainerError> {
        let recipe = &recipe_file.recipe;
        let (router, _) = encoder_only(recipe, &encoder, Precision::Float)?;
        let rows = labelled_queries(recipe, settings.elo_groups.as_ref(), prepared, &router)?;
        let device = chosen_device.device.clone().autodiff();
        // The classifier knows two models: the strong one is its column 0.
        let pair = recipe.pair()?;
        let column = |id: &str| usize::from(id != pair.strong);
        let columns: Vec<usize> = recipe.candidates.iter().map(|c| column(&c.id)).collect();
        let size = encoder.network.embedding_size();
        let tuning = needed(recipe.fine_tuning.as_ref(), "fine_tuning")?;
        let (train, validation) = fine_tune::split(rows, tuning.validation_share, recipe.seed);
        let task = ClassifierTask::new(train, validation, encoder.network.limits(), &device)?;
        let frozen = Frozen { words: settings.freeze_tokens, layers: settings.freeze_layers };
        let head = |width| bert::untrained(width, recipe.seed, &device);
        let (encoder, head) =
            self.fine_tune(recipe_file, encoder, frozen, head, &task, &device, stop)?;
        let head = ClassifierHead::of(&head, size, 0)?;
        Ok(Trained { encoder, head: TrainedHead::Graph(Box::new(head)), columns })
    }

    /// Trains an encoder and the LLMs' embeddings together.
    fn routerdc(
        &self,
        recipe_file: &RecipeFile,
        settings: &RouterDcRecipe,
        prepared: &Prepared,
        encoder: Encoder,
        chosen_device: &ChosenDevice,
        stop: &AtomicBool,
    ) -> Result<Trained, TrainerError> {
        let recipe = &recipe_file.recipe;
        let (router, _) = encoder_only(recipe, &encoder, Precision::Float)?;
        let clusters = match settings.clusters {
            Some(count) => Some(self.clusters(recipe_file, prepared, &encoder, count, stop)?),
            None => None,
        };
        let clusters = clusters.as_deref();
        let rows = scored_queries(recipe, settings.cost_weight, prepared, clusters, &router)?;
        let device = chosen_device.device.clone().autodiff();
        let size = encoder.network.embedding_size();
        let tuning = needed(recipe.fine_tuning.as_ref(), "fine_tuning")?;
        let (train, validation) = fine_tune::split(rows, tuning.validation_share, recipe.seed);
        let train = match settings.samples {
            Some(samples) => routerdc::balanced(train, samples, recipe.seed),
            None => train,
        };
        let limits = encoder.network.limits();
        let task = RouterDcTask::new(train, validation, settings, limits, &device)?;
        let frozen = Frozen { words: settings.freeze_tokens, layers: settings.freeze_layers };
        let candidates = recipe.candidates.len();
        let head = |width| LlmEmbeddings::new(candidates, width, recipe.seed, &device);
        let (encoder, head) =
            self.fine_tune(recipe_file, encoder, frozen, head, &task, &device, stop)?;
        let head = RouterDcHead::of(&head, size, settings.temperature)?;
        let columns = (0..candidates).collect();
        Ok(Trained { encoder, head: TrainedHead::Graph(Box::new(head)), columns })
    }

    /// Clusters of the training queries, by k-means on their t-SNE map; queries without a token
    /// form a cluster of their own.
    fn clusters(
        &self,
        recipe_file: &RecipeFile,
        prepared: &Prepared,
        encoder: &Encoder,
        count: usize,
        stop: &AtomicBool,
    ) -> Result<Vec<u32>, TrainerError> {
        let (router, mut cache) = self.embedder(recipe_file, encoder)?;
        let texts = prepared.train.rows.iter().map(|row| row.query.as_str());
        let found = cache.rows(&router, texts, stop)?;
        let known: Vec<u32> = found.iter().flatten().copied().collect();
        let width = cache.width();
        let embeddings = cache.read(&known)?;
        let rows: Vec<&[f32]> =
            embeddings.chunks_exact(width).map(|row| row.split_at(width - 1).0).collect();
        let seed = recipe_file.recipe.seed;
        let places = t_sne(&rows, &t_sne::Settings { seed, ..Default::default() })?;
        let places: Vec<Vec<f64>> =
            places.iter().map(|place| place.map(f64::from).to_vec()).collect();
        let mut own = k_means::clusters(&places, count, seed)?.into_iter();
        let none = u32::try_from(count).unwrap_or(u32::MAX);
        let cluster = |cluster: usize| u32::try_from(cluster).unwrap_or(none);
        Ok(found.iter().map(|row| row.and_then(|_| own.next()).map_or(none, cluster)).collect())
    }

    /// Trains an encoder of either tier with the head that `head` makes for its width.
    #[allow(clippy::too_many_arguments)]
    fn fine_tune<H, O>(
        &self,
        recipe_file: &RecipeFile,
        encoder: Encoder,
        frozen: Frozen,
        head: impl Fn(usize) -> H,
        objective: &O,
        device: &burn::tensor::Device,
        stop: &AtomicBool,
    ) -> Result<(Encoder, H), TrainerError>
    where
        H: Module + ModuleDisplay,
        O: Objective<WithHead<StaticEncoder, H>> + Objective<WithHead<TransformerEncoder, H>>,
    {
        let (network, head) = match encoder.network {
            Network::Static(table) => {
                let start = StaticEncoder::new(&table, device);
                let head = head(start.width());
                let frozen = frozen.words.then(|| "encoder.table".to_owned());
                let network = WithHead { encoder: start, head };
                let tuned = self.tune(recipe_file, network, frozen.into_iter(), objective, stop)?;
                let values = floats(tuned.encoder.table.weight.val().into_data())?;
                (Network::Static(StaticTable { values, ..table }), tuned.head)
            }
            Network::Transformer { weights, pooling, scale } => {
                let start = TransformerEncoder { bert: weights.bert(device), pooling };
                let head = head(start.width());
                let frozen = TransformerEncoder::frozen_paths("encoder", frozen);
                let network = WithHead { encoder: start, head };
                let tuned = self.tune(recipe_file, network, frozen.into_iter(), objective, stop)?;
                let weights = BertWeights::of(&tuned.encoder.bert)?;
                (Network::Transformer { weights, pooling, scale }, tuned.head)
            }
        };
        Ok((Encoder { network, tokenizer_json: encoder.tokenizer_json }, head))
    }

    fn tune<M: Module>(
        &self,
        recipe_file: &RecipeFile,
        network: M,
        frozen: impl Iterator<Item = String>,
        objective: &impl Objective<M>,
        stop: &AtomicBool,
    ) -> Result<M, TrainerError> {
        let settings = needed(recipe_file.recipe.fine_tuning.as_ref(), "fine_tuning")?;
        let head = Schedule::AdamW {
            learning_rate: settings.head_learning_rate.unwrap_or(settings.learning_rate),
            weight_decay: settings.weight_decay,
        };
        let rules = Rules::adamw(settings.learning_rate, settings.weight_decay)
            .with("head", head)
            .frozen(frozen);
        let how = fine_tune::Settings {
            seed: recipe_file.recipe.seed,
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
        let tuned = fine_tune::fine_tune(network, objective, &how, &place, &progress, stop)?;
        eprintln!("fine-tuned to step {}, {:.0} tokens/s", tuned.step, tuned.tokens_per_second);
        Ok(tuned.network)
    }

    fn by_steps(
        &self,
        mut head: impl TrainableHead + GraphHead + 'static,
        recipe: &TrainingRecipe,
        seed: u64,
        embedded: &Embedded,
        device: &burn::tensor::Device,
        stop: &AtomicBool,
    ) -> HeadResult {
        HeadTraining {
            queries: &embedded.set.queries,
            embeddings: &embedded.cache,
            recipe,
            seed,
            device,
            checkpoint: &self.file("checkpoint.safetensors"),
            identity: &self.identity,
        }
        .run(&mut head, stop)?;
        Ok(TrainedHead::Graph(Box::new(head)))
    }
}

/// The recipe's check guarantees the table; this error is for callers that build a recipe
/// themselves.
fn needed<'a, T>(settings: Option<&'a T>, table: &str) -> Result<&'a T, TrainerError> {
    settings.ok_or_else(|| TrainerError::NoTrainingPair {
        detail: format!("the recipe has no [{table}]"),
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
