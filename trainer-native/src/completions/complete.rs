//! Asks what is not in a store yet.

use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;

use super::models_file::ModelEntry;
use super::request::CompletionRequest;
use super::run::{Asked, Requests, Run, threads};
use super::store::CompletionStore;
use super::summary::{Limits, Progress, Summary};
use crate::error::TrainerError;

/// Requests of a model that are read ahead of its threads.
const READ_AHEAD: usize = 256;

/// One request to one model.
#[derive(Debug, Clone)]
pub struct Job<'a> {
    pub model: &'a ModelEntry,
    pub request: CompletionRequest,
}

/// All requests to one model.
pub struct Stream<'a> {
    pub model: &'a ModelEntry,
    pub requests: Box<dyn Iterator<Item = CompletionRequest> + Send + 'a>,
}

/// Asks jobs whose answer is not in the store, each model by threads of its own, and stores the answers.
///
/// Ends early at the cap and when `stop` is set, after the requests in flight; the same call again goes on from
/// there. A failed request does not end it. Jobs are read ahead by a few hundred of each model, so that
/// one model that is slower than that holds up the others: [`complete_streams`] does not.
///
/// # Errors
/// [`TrainerError::MissingKey`]; [`TrainerError::UnknownPrice`] for a model without prices under a cap;
/// [`TrainerError::BadSetting`]; those of the store.
pub fn complete_all<'a>(
    jobs: &mut dyn Iterator<Item = Job<'a>>,
    store: &CompletionStore,
    limits: &Limits,
    progress: &dyn Progress,
    stop: &AtomicBool,
) -> Result<Summary, TrainerError> {
    let run = Run::new(store, limits, progress, stop)?;
    thread::scope(|scope| {
        let mut queues: Vec<(&ModelEntry, SyncSender<CompletionRequest>)> = Vec::new();
        while !run.ended() {
            let Some(job) = jobs.next() else { break };
            let known = queues.iter().position(|(model, _)| *model == job.model);
            let at = match known {
                Some(at) => at,
                None => {
                    let asked = match Asked::new(job.model, limits) {
                        Ok(asked) => Arc::new(asked),
                        Err(error) => return run.fail(error),
                    };
                    let (queue, requests) = sync_channel(READ_AHEAD);
                    let requests: Arc<Requests<'_>> =
                        Arc::new(Mutex::new(Box::new(requests.into_iter())));
                    for _ in 0..threads(job.model, limits) {
                        let (run, asked, requests) =
                            (&run, Arc::clone(&asked), Arc::clone(&requests));
                        scope.spawn(move || run.work(&asked, &requests));
                    }
                    queues.push((job.model, queue));
                    queues.len() - 1
                }
            };
            if let Some((_, queue)) = queues.get(at) {
                // Where the model was stopped, nobody takes its requests.
                let _ = queue.send(job.request);
            }
        }
    });
    run.finish()
}

/// Asks as [`complete_all`] does, each model at its own speed.
///
/// # Errors
/// Those of [`complete_all`], before anything is asked where they concern a model.
pub fn complete_streams(
    streams: Vec<Stream<'_>>,
    store: &CompletionStore,
    limits: &Limits,
    progress: &dyn Progress,
    stop: &AtomicBool,
) -> Result<Summary, TrainerError> {
    let run = Run::new(store, limits, progress, stop)?;
    let mut models: Vec<(Asked<'_>, Requests<'_>)> = Vec::new();
    for stream in streams {
        models.push((Asked::new(stream.model, limits)?, Mutex::new(stream.requests)));
    }
    thread::scope(|scope| {
        for (asked, requests) in &models {
            for _ in 0..threads(asked.entry(), limits) {
                scope.spawn(|| run.work(asked, requests));
            }
        }
    });
    run.finish()
}
