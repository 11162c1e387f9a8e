//! `models.toml`: the LLMs that can be asked.
//!
//! ```toml
//! judge = "large"
//!
//! [[models]]
//! id = "small"
//! api = "openai"
//! endpoint = "https://api.example.com/v1"
//! model = "small-2026"
//! key_env = "EXAMPLE_API_KEY"
//! input_price = 0.15
//! output_price = 0.6
//! prices_as_of = "2026-11-01"
//! max_tokens = 1024
//! temperature = 0.0
//! requests_per_minute = 500
//! concurrency = 8
//! body = { reasoning_effort = "low" }
//! ```

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};
use toml::Table;

use crate::error::TrainerError;

/// The API that an endpoint speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Api {
    /// OpenAI's Chat Completions, `POST endpoint/chat/completions`, which most servers speak.
    #[serde(rename = "openai")]
    OpenAi,
    /// Anthropic's Messages, `POST endpoint/messages`.
    Anthropic,
}

/// One LLM that can be asked.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelEntry {
    /// The name that answers, outcomes and recipes use.
    pub id: String,
    pub api: Api,
    /// Base URL without a slash at its end, such as `https://api.openai.com/v1`.
    pub endpoint: String,
    /// The upstream's name of the LLM; `id` where absent.
    pub model: Option<String>,
    /// Environment variable that holds the key; no key is sent where absent.
    pub key_env: Option<String>,
    /// USD per million tokens.
    pub input_price: Option<f64>,
    /// USD per million tokens.
    pub output_price: Option<f64>,
    /// Day on which the prices held.
    pub prices_as_of: Option<String>,
    /// Most tokens of an answer. A `max_completion_tokens` in `body` is sent in its place.
    pub max_tokens: u32,
    /// The upstream's default where absent.
    pub temperature: Option<f64>,
    /// Requests that start in a minute, evenly spaced; not limited where absent.
    pub requests_per_minute: Option<f64>,
    /// Requests in flight at once; [`Limits::concurrency`](super::Limits) where absent.
    pub concurrency: Option<usize>,
    /// Seconds until a request without an answer is given up; 300 where absent.
    pub timeout_seconds: Option<f64>,
    /// Further fields of each request, sent as they are.
    pub body: Option<Table>,
}

/// What a `models.toml` states.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelsFile {
    pub models: Vec<ModelEntry>,
    /// The `id` of the LLM that judges answers.
    pub judge: Option<String>,
}

impl ModelsFile {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// [`TrainerError::File`]; [`TrainerError::BadModels`], which names the field.
    pub fn read(path: &Path) -> Result<Self, TrainerError> {
        let text = std::fs::read_to_string(path).map_err(TrainerError::file(path))?;
        Self::parse(&text)
            .map_err(|detail| TrainerError::BadModels { path: path.to_owned(), detail })
    }

    /// Parses and checks the text of a file.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut file: Self =
            toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
        if file.models.is_empty() {
            return Err("found no [[models]], expected at least one table".into());
        }
        let mut ids = BTreeSet::new();
        for entry in &mut file.models {
            entry.endpoint.truncate(entry.endpoint.trim_end_matches('/').len());
            entry.check().map_err(|detail| format!("model {:?}: {detail}", entry.id))?;
            if !ids.insert(entry.id.clone()) {
                return Err(format!("found the id {:?} twice, expected each once", entry.id));
            }
        }
        match &file.judge {
            Some(judge) if !ids.contains(judge) => {
                let known = Vec::from_iter(ids).join(", ");
                Err(format!("judge {judge:?} is no model of this file, expected one of {known}"))
            }
            _ => Ok(file),
        }
    }

    /// The LLM of an id.
    ///
    /// # Errors
    /// [`TrainerError::BadModels`], listing the ids; `path` is for the message.
    pub fn model(&self, id: &str, path: &Path) -> Result<&ModelEntry, TrainerError> {
        self.models.iter().find(|entry| entry.id == id).ok_or_else(|| {
            let known: Vec<&str> = self.models.iter().map(|entry| entry.id.as_str()).collect();
            let known = known.join(", ");
            let detail = format!("found no model {id:?}, expected one of {known}");
            TrainerError::BadModels { path: path.to_owned(), detail }
        })
    }
}

/// Fields of a request that an entry has fields of its own for, or that would change what an answer
/// is or costs.
const OWN_FIELDS: [&str; 8] =
    ["model", "messages", "system", "stream", "max_tokens", "temperature", "n", "best_of"];

impl ModelEntry {
    /// The upstream's name of the LLM.
    #[must_use]
    pub fn upstream_model(&self) -> &str {
        self.model.as_deref().unwrap_or(&self.id)
    }

    /// Input and output price in USD per million tokens, where they are known.
    #[must_use]
    pub fn prices(&self) -> Option<(f64, f64)> {
        self.input_price.zip(self.output_price)
    }

    /// `max_completion_tokens` of `body`, which is sent in place of `max_tokens`.
    pub(super) fn max_completion_tokens(&self) -> Option<u32> {
        let stated = self.body.as_ref()?.get("max_completion_tokens")?.as_integer()?;
        u32::try_from(stated).ok()
    }

    fn check(&self) -> Result<(), String> {
        if self.id.trim().is_empty() {
            return Err("found an empty id, expected a name".into());
        }
        check_endpoint(&self.endpoint)?;
        if self.key_env.as_ref().is_some_and(|name| !is_variable_name(name)) {
            return Err("key_env is no name of an environment variable, expected letters, digits \
                        and _, such as EXAMPLE_API_KEY. Keys are read from the environment only: \
                        put none into this file"
                .into());
        }
        if self.input_price.is_some() != self.output_price.is_some() {
            return Err("found one price, expected both input_price and output_price, or \
                        neither where they are unknown"
                .into());
        }
        for (name, price) in
            [("input_price", self.input_price), ("output_price", self.output_price)]
        {
            within(name, price, 0.0, 1e6, "USD per million tokens, 0 to 1000000")?;
        }
        within("temperature", self.temperature, 0.0, 2.0, "a number from 0 to 2")?;
        let rate = self.requests_per_minute;
        within("requests_per_minute", rate, 0.001, 1e7, "a number from 0.001 to 10000000")?;
        within("timeout_seconds", self.timeout_seconds, 0.001, 86_400.0, "0.001 to 86400")?;
        if self.max_tokens == 0 {
            return Err("found max_tokens = 0, expected at least 1".into());
        }
        if self.concurrency.is_some_and(|count| !(1..=1024).contains(&count)) {
            let found = self.concurrency.unwrap_or_default();
            return Err(format!("found concurrency = {found}, expected 1 to 1024"));
        }
        self.check_body()
    }

    fn check_body(&self) -> Result<(), String> {
        let Some(body) = &self.body else { return Ok(()) };
        if let Some(name) = OWN_FIELDS.iter().find(|name| body.contains_key(**name)) {
            return Err(format!(
                "body states {name:?}, which the trainer sets. Leave it out of body (model, \
                 max_tokens and temperature are fields of the entry)"
            ));
        }
        if let Some(stated) = body.get("max_completion_tokens")
            && self.max_completion_tokens().is_none_or(|count| count == 0)
        {
            return Err(format!(
                "body states max_completion_tokens = {stated}, expected a whole number from 1"
            ));
        }
        Ok(())
    }
}

fn within(
    name: &str,
    value: Option<f64>,
    least: f64,
    most: f64,
    expected: &str,
) -> Result<(), String> {
    match value {
        Some(value) if !(least..=most).contains(&value) => {
            Err(format!("found {name} = {value}, expected {expected}"))
        }
        _ => Ok(()),
    }
}

fn is_variable_name(name: &str) -> bool {
    let rest = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(rest)
}

fn check_endpoint(endpoint: &str) -> Result<(), String> {
    let rest = endpoint.strip_prefix("https://").or_else(|| endpoint.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split('/').next()).unwrap_or_default();
    // The text may hold a key, so the message does not repeat it.
    if host.contains('@') || endpoint.contains(['?', '#']) {
        return Err("endpoint holds a user, a query or a fragment, expected a base URL without. \
                    Name the key's environment variable in key_env"
            .into());
    }
    if host.is_empty() || endpoint.contains(char::is_whitespace) {
        return Err(format!(
            "found endpoint = {endpoint:?}, expected a base URL such as https://api.openai.com/v1"
        ));
    }
    for path in ["/chat/completions", "/messages"] {
        if let Some(base) = endpoint.strip_suffix(path) {
            return Err(format!(
                "endpoint ends in {path}, which is added by itself. Write {base:?}"
            ));
        }
    }
    Ok(())
}
