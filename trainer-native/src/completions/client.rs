//! One attempt to get an answer over HTTP, and what its outcome means.

use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;
use ureq::http::Response;
use ureq::http::header::CONTENT_TYPE;
use ureq::{Agent, Body, Error, Timeout};

use super::models_file::ModelEntry;
use super::retry_after::retry_after;
use super::wire::{self, Answer};
use crate::error::TrainerError;

/// Longest answer that is read, in bytes.
const MOST_BYTES: u64 = 32 << 20;

/// Longest text of an upstream that a message repeats, in characters.
const MOST_SHOWN: usize = 300;

/// Seconds until an answer, where the entry states none: models that reason take minutes.
const TIMEOUT_SECONDS: f64 = 300.0;

/// Servers close idle connections after five seconds or more; a request on a closed one would be lost.
const IDLE: Duration = Duration::from_secs(4);

/// Posts requests to one model.
#[derive(Debug)]
pub struct Client {
    agent: Agent,
    url: String,
    headers: Vec<(&'static str, String)>,
    key: Option<String>,
    entry: ModelEntry,
}

/// What came of an attempt.
#[derive(Debug)]
pub enum Outcome {
    Answer {
        answer: Answer,
        latency: Duration,
    },
    /// No answer this time.
    Failed(Failed),
}

#[derive(Debug)]
pub struct Failed {
    pub then: Then,
    /// Whether the upstream may charge for it all the same.
    pub may_cost: bool,
    /// What was found.
    pub reason: String,
}

/// What to do after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Then {
    /// Ask again, no sooner than the upstream asks for.
    Retry { after: Option<Duration>, limited: bool },
    /// This request will not be answered.
    GiveUp,
    /// No request to this model will be answered.
    StopModel,
}

impl Client {
    /// Reads the key from the environment.
    ///
    /// # Errors
    /// [`TrainerError::MissingKey`].
    pub fn new(entry: &ModelEntry, connections: usize) -> Result<Self, TrainerError> {
        let key = entry.key_env.as_deref().map(|variable| key(entry, variable)).transpose()?;
        let seconds = entry.timeout_seconds.unwrap_or(TIMEOUT_SECONDS);
        let timeout = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(timeout))
            .timeout_connect(Some(timeout.min(Duration::from_secs(20))))
            .max_idle_connections(connections)
            .max_idle_connections_per_host(connections)
            .max_idle_age(IDLE)
            .input_buffer_size(1 << 14)
            .output_buffer_size(1 << 14)
            .user_agent(concat!("pointsman/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self {
            agent: config.new_agent(),
            url: format!("{}{}", entry.endpoint, wire::path(entry.api)),
            headers: wire::headers(entry.api, key.as_deref()),
            key,
            entry: entry.clone(),
        })
    }

    /// Sends a body once.
    pub fn ask(&self, body: &Value) -> Outcome {
        let mut request = self.agent.post(&self.url).header(CONTENT_TYPE, "application/json");
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let start = Instant::now();
        let outcome = request.send(body.to_string().as_bytes());
        let failed = match outcome {
            Err(error) => self.no_response(&error),
            Ok(mut response) => {
                let read = response.body_mut().with_config().limit(MOST_BYTES).read_to_vec();
                match (response.status().as_u16(), read) {
                    (200..=299, Ok(bytes)) => match self.answer(&response, &bytes) {
                        Ok(answer) => return Outcome::Answer { answer, latency: start.elapsed() },
                        Err(reason) => Failed { then: RETRY, may_cost: true, reason },
                    },
                    (200..=299, Err(error)) => Failed {
                        then: RETRY,
                        may_cost: true,
                        reason: format!("the answer broke off: {error}"),
                    },
                    (status, read) => self.refused(status, &response, &read.unwrap_or_default()),
                }
            }
        };
        Outcome::Failed(Failed { reason: self.without_key(&failed.reason), ..failed })
    }

    fn answer(&self, response: &Response<Body>, bytes: &[u8]) -> Result<Answer, String> {
        let parsed = serde_json::from_slice::<Value>(bytes);
        parsed
            .map_err(|_| not_json(response, bytes))
            .and_then(|body| wire::answer(self.entry.api, &body))
    }

    /// An attempt without a response. Where the connection was not made, nothing was sent that could cost.
    fn no_response(&self, error: &Error) -> Failed {
        let refused =
            |error: &std::io::Error| error.kind() == std::io::ErrorKind::ConnectionRefused;
        let unsent = match error {
            Error::HostNotFound | Error::ConnectionFailed | Error::BadUri(_) | Error::Http(_) => {
                true
            }
            Error::Tls(_) | Error::Rustls(_) | Error::InvalidProxyUrl => true,
            Error::Timeout(Timeout::Resolve | Timeout::Connect) => true,
            Error::Io(error) => refused(error),
            _ => false,
        };
        let then = match error {
            Error::BadUri(_) | Error::Http(_) | Error::InvalidProxyUrl => Then::StopModel,
            _ => RETRY,
        };
        let endpoint = &self.entry.endpoint;
        Failed { then, may_cost: !unsent, reason: format!("{endpoint} gave no answer: {error}") }
    }

    /// A response with another status than success.
    fn refused(&self, status: u16, response: &Response<Body>, bytes: &[u8]) -> Failed {
        let header = |name: &str| response.headers().get(name)?.to_str().ok();
        let parsed = serde_json::from_slice::<Value>(bytes).ok();
        // OpenAI's shape is {"error": {...}}, Anthropic's has a type beside; some servers state the message alone.
        let error = parsed.as_ref().map(|body| body.get("error").unwrap_or(body));
        let code = error.and_then(|error| error.get("code").or(error.get("type"))?.as_str());
        let out_of_money = status == 402 || code == Some("insufficient_quota");
        let retry =
            |limited| Then::Retry { after: retry_after(header, SystemTime::now()), limited };
        let (then, remedy) = match status {
            300..=399 => (Then::StopModel, "State the address that it redirects to as endpoint"),
            _ if out_of_money => (Then::StopModel, "Add credit to the account"),
            401 => (Then::StopModel, "Check the key in the variable that key_env names"),
            403 => (Then::StopModel, "Check that the key may use this model"),
            404 | 405 | 410 => (Then::StopModel, "Check endpoint and model, which may be gone"),
            429 => (retry(true), ""),
            408 | 409 | 425 | 500..=599 => (retry(false), ""),
            _ => (Then::GiveUp, ""),
        };
        let said = match (status, error, code) {
            // Upstreams repeat parts of a wrong key.
            (401 | 403, _, Some(code)) => code.to_owned(),
            (401 | 403, ..) => String::new(),
            (_, Some(error), _) => wire::error_text(error),
            (300..=399, ..) => header("location").map(without_query).unwrap_or_default().to_owned(),
            _ => not_json(response, bytes),
        };
        let mut reason = format!("{} answered with status {status}", self.entry.endpoint);
        for (mark, part) in [(": ", shown(&said)), (". ", remedy.to_owned())] {
            if !part.is_empty() {
                reason = reason + mark + &part;
            }
        }
        // A gateway that gave up waiting does not know whether the model answered.
        Failed { then, may_cost: matches!(status, 408 | 504 | 524), reason }
    }

    fn without_key(&self, text: &str) -> String {
        match &self.key {
            Some(key) if !key.is_empty() => text.replace(key.as_str(), "(key)"),
            _ => text.to_owned(),
        }
    }
}

const RETRY: Then = Then::Retry { after: None, limited: false };

fn key(entry: &ModelEntry, variable: &str) -> Result<String, TrainerError> {
    let missing = |found: &'static str| TrainerError::MissingKey {
        model: entry.id.clone(),
        variable: variable.to_owned(),
        found,
    };
    let key = std::env::var(variable).map_err(|error| match error {
        std::env::VarError::NotPresent => missing("is not set"),
        std::env::VarError::NotUnicode(_) => missing("holds bytes that are no text"),
    })?;
    let key = key.trim();
    match key {
        "" => Err(missing("is empty")),
        _ if !key.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Err(missing("holds characters that no key has"))
        }
        _ => Ok(key.to_owned()),
    }
}

/// Says what stands in place of JSON.
fn not_json(response: &Response<Body>, bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let start: String = text.trim_start().chars().take(15).collect();
    let start = start.to_ascii_lowercase();
    let stated = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let html = start.starts_with("<!doctype html") || start.starts_with("<html");
    match (html, bytes.len()) {
        (_, 0) => "found nothing, expected JSON".into(),
        (true, length) => format!("found an HTML page of {length} bytes, expected JSON"),
        (false, length) => {
            let stated = stated.unwrap_or("no content type");
            format!("found {length} bytes ({stated}) that are no JSON, expected JSON")
        }
    }
}

fn shown(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MOST_SHOWN) {
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or_default()),
        None => line,
    }
}

fn without_query(location: &str) -> &str {
    location.split(['?', '#']).next().unwrap_or_default()
}
