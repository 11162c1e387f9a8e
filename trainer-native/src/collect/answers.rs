//! `answers.jsonl`: a line for each prompt, model and sample that was answered, in the order of the prompts.
//!
//! ```json
//! {"id": "1", "query": "...", "dataset": "support", "model": "small", "sample": 0, "answer": "...",
//!  "finish": "stop", "input_tokens": 12, "output_tokens": 80, "cost_usd": 0.00012, "latency_ms": 840,
//!  "gold": {"exact": "Paris"}}
//! ```
//!
//! `messages`, all turns, stands there where the prompt has several, `tokens_estimated` where the upstream
//! stated no tokens, and `gold` where the prompt states it.

use std::io::{BufWriter, Write};
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use super::prompt_file::Prompts;
use super::whole_file::WholeFile;
use crate::completions::{
    Completion, CompletionRequest, CompletionStore, Finish, Message, ModelEntry, RequestKey,
    cost_usd,
};
use crate::error::TrainerError;

#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    query: &'a str,
    #[serde(skip_serializing_if = "<[Message]>::is_empty")]
    messages: &'a [Message],
    dataset: &'a str,
    model: &'a str,
    sample: u32,
    answer: &'a str,
    finish: Finish,
    input_tokens: u64,
    output_tokens: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    tokens_estimated: bool,
    cost_usd: Option<f64>,
    latency_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    gold: Option<&'a Value>,
}

/// How many answers were written, and how many are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    pub answers: u64,
    pub missing: u64,
}

/// Writes the stored answers of prompts. Costs are the tokens times the entries' prices of now, where they state
/// prices.
///
/// # Errors
/// Those of the store and of the files.
pub fn write(
    prompts: Prompts,
    models: &[ModelEntry],
    samples: u32,
    store: &CompletionStore,
    out: &Path,
) -> Result<Written, TrainerError> {
    let file = WholeFile::create(out)?;
    let mut writer = BufWriter::with_capacity(1 << 16, file.file());
    let mut written = Written::default();
    for prompt in prompts {
        let prompt = prompt?;
        let mut request = CompletionRequest::new(prompt.messages(), 0);
        for model in models {
            for sample in 0..samples {
                request.sample = sample;
                let Some(completion) = store.get(&RequestKey::of(model, &request))? else {
                    written.missing += 1;
                    continue;
                };
                let line = Line {
                    id: &prompt.id,
                    query: prompt.query(),
                    messages: prompt.conversation(),
                    dataset: &prompt.dataset,
                    model: &model.id,
                    sample,
                    answer: &completion.text,
                    finish: completion.finish,
                    input_tokens: completion.input_tokens,
                    output_tokens: completion.output_tokens,
                    tokens_estimated: !completion.usage_stated,
                    cost_usd: cost_now(model, &completion),
                    latency_ms: completion.latency_ms,
                    gold: prompt.gold.as_ref(),
                };
                let text = serde_json::to_writer(&mut writer, &line).map_err(Into::into);
                text.and_then(|()| writer.write_all(b"\n")).map_err(TrainerError::file(out))?;
                written.answers += 1;
            }
        }
    }
    writer.flush().map_err(TrainerError::file(out))?;
    drop(writer);
    file.finish()?;
    Ok(written)
}

fn cost_now(model: &ModelEntry, completion: &Completion) -> Option<f64> {
    cost_usd(model, completion.input_tokens, completion.output_tokens).or(completion.cost_usd)
}
