//! Collects answers: prompts, times LLMs, times samples.
//!
//! A folder gets `prompts.jsonl` (the prompts of all files, each once), `completions/` (the store, which every
//! further call goes on from) and `answers.jsonl` (what is answered so far). Everything streams: in memory are
//! some bytes for each prompt and each answer.

mod answers;
mod progress_bar;
mod prompt_file;
mod whole_file;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

use crate::completions::{
    CompletionRequest, CompletionStore, CostRange, Limits, ModelEntry, Progress, RequestKey,
    Stream, Summary, complete_streams,
};
use crate::data::{Format, ReadOptions};
use crate::error::TrainerError;

pub use answers::Written;
pub use progress_bar::ProgressBar;
pub use prompt_file::{Prompt, PromptCounts, Prompts};

/// What to collect.
#[derive(Debug, Clone)]
pub struct Collection {
    /// Files or folders of prompts.
    pub prompts: Vec<PathBuf>,
    /// Their layout; recognised for each where absent.
    pub format: Option<Format>,
    pub read: ReadOptions,
    pub models: Vec<ModelEntry>,
    /// Answers of each LLM to each prompt.
    pub samples: u32,
    /// The folder to fill.
    pub out: PathBuf,
}

/// A collection whose prompts are read and counted.
#[derive(Debug)]
pub struct Plan {
    models: Vec<ModelEntry>,
    samples: u32,
    out: PathBuf,
    pub store: CompletionStore,
    pub counts: PromptCounts,
    /// What each model is to be asked, in their order.
    pub estimates: Vec<Estimate>,
}

/// What one model is to be asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    pub model: String,
    pub to_ask: u64,
    /// Answers that are there already.
    pub reused: u64,
    /// What the answers that are not there cost; `None` where the model's prices are unknown.
    pub cost: Option<CostRange>,
}

impl Collection {
    /// Reads the prompts, opens the store and estimates the cost. Asks nothing.
    ///
    /// # Errors
    /// Those of the readers and of the store.
    pub fn plan(self) -> Result<Plan, TrainerError> {
        std::fs::create_dir_all(&self.out).map_err(TrainerError::file(&self.out))?;
        let store = CompletionStore::open(&self.out.join("completions"))?;
        let prompts = self.out.join("prompts.jsonl");
        let counts = prompt_file::gather(&self.prompts, self.format, &self.read, &prompts)?;
        let start = |model: &ModelEntry| Estimate {
            model: model.id.clone(),
            to_ask: 0,
            reused: 0,
            cost: model.prices().map(|_| CostRange::default()),
        };
        let mut estimates: Vec<Estimate> = self.models.iter().map(start).collect();
        for prompt in Prompts::open(&prompts)? {
            let mut request = CompletionRequest::new(prompt?.messages(), 0);
            for (model, estimate) in self.models.iter().zip(&mut estimates) {
                for sample in 0..self.samples {
                    request.sample = sample;
                    if store.contains(&RequestKey::of(model, &request)) {
                        estimate.reused += 1;
                        continue;
                    }
                    estimate.to_ask += 1;
                    let one = CostRange::of(model, &request);
                    if let Some((all, one)) = estimate.cost.as_mut().zip(one) {
                        all.add(one);
                    }
                }
            }
        }
        let Self { models, samples, out, .. } = self;
        Ok(Plan { models, samples, out, store, counts, estimates })
    }
}

impl Plan {
    /// Answers that are to be asked for.
    #[must_use]
    pub fn to_ask(&self) -> u64 {
        self.estimates.iter().map(|estimate| estimate.to_ask).sum()
    }

    /// What all of them cost, of the models whose prices are known.
    #[must_use]
    pub fn cost(&self) -> CostRange {
        let mut total = CostRange::default();
        self.estimates.iter().filter_map(|estimate| estimate.cost).for_each(|cost| total.add(cost));
        total
    }

    /// Models that are to be asked at unknown prices.
    #[must_use]
    pub fn unpriced(&self) -> Vec<&str> {
        let unknown = |e: &&Estimate| e.cost.is_none() && e.to_ask > 0;
        self.estimates.iter().filter(unknown).map(|estimate| estimate.model.as_str()).collect()
    }

    /// Whether somebody must agree to the cost: it may be above 0, and no cap bounds it.
    ///
    /// # Errors
    /// [`TrainerError::UnknownPrice`] for a model without prices under a cap;
    /// [`TrainerError::CostUnconfirmed`].
    pub fn confirm(&self, max_usd: Option<f64>, agreed: bool) -> Result<(), TrainerError> {
        let unpriced = self.unpriced();
        match (max_usd, unpriced.first()) {
            (Some(_), Some(model)) => {
                Err(TrainerError::UnknownPrice { model: (*model).to_owned() })
            }
            (Some(_), None) => Ok(()),
            (None, _) if agreed => Ok(()),
            (None, Some(_)) => {
                let models = unpriced.join(", ");
                let cost = format!("an unknown amount, since {models} states no prices");
                Err(TrainerError::CostUnconfirmed { cost })
            }
            (None, None) if self.cost().highest_usd() > 0.0 => {
                let cost = format!("up to USD {:.2}", self.cost().highest_usd());
                Err(TrainerError::CostUnconfirmed { cost })
            }
            (None, None) => Ok(()),
        }
    }

    /// Asks for the answers that are missing, each model at its own speed.
    ///
    /// # Errors
    /// Those of [`complete_streams`].
    pub fn ask(
        &self,
        limits: &Limits,
        progress: &dyn Progress,
        stop: &AtomicBool,
    ) -> Result<Summary, TrainerError> {
        let unreadable: Mutex<Option<TrainerError>> = Mutex::new(None);
        let mut streams = Vec::new();
        for model in &self.models {
            let prompts = Prompts::open(&self.prompt_file())?;
            let samples = self.samples;
            let read = prompts.map_while(|prompt| match prompt {
                Ok(prompt) => Some(prompt.messages()),
                Err(error) => {
                    let mut first = unreadable.lock().unwrap_or_else(PoisonError::into_inner);
                    first.get_or_insert(error);
                    None
                }
            });
            let requests = read.flat_map(move |messages| {
                (0..samples).map(move |sample| CompletionRequest::new(messages.clone(), sample))
            });
            streams.push(Stream { model, requests: Box::new(requests) });
        }
        let summary = complete_streams(streams, &self.store, limits, progress, stop);
        match unreadable.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => summary,
        }
    }

    /// Writes `answers.jsonl` from what is stored.
    ///
    /// # Errors
    /// Those of the store and of the files.
    pub fn write_answers(&self) -> Result<Written, TrainerError> {
        let prompts = Prompts::open(&self.prompt_file())?;
        answers::write(prompts, &self.models, self.samples, &self.store, &self.answer_file())
    }

    fn prompt_file(&self) -> PathBuf {
        self.out.join("prompts.jsonl")
    }

    #[must_use]
    pub fn answer_file(&self) -> PathBuf {
        self.out.join("answers.jsonl")
    }

    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.out
    }
}
