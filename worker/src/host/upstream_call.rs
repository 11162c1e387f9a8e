//! Makes one call of an upstream and reads its answer.

use wasm_bindgen::{JsCast, JsValue};
use worker::js_sys::futures::JsFuture;
use worker::web_sys;
use worker::{AbortController, Env, Headers, Request};

use super::js::{any_signal, binding, call_async, describe_js_error, from_js, now, secret};
use super::upstream_body::{ReadError, UpstreamBody, with_timeout};
use crate::config::{Api, Timeouts, Upstream};
use crate::error::GatewayError;
use crate::request::body::RequestBody;
use crate::translate::call::ApiPair;
use crate::translate::stream::{StreamFailure, StreamOptions, StreamTranslator};
use crate::upstream::headers::{
    ANTHROPIC_VERSION, REQUEST_HEADERS, check_status, is_forwarded, key_headers,
};
use crate::upstream::retry::{Fault, retry_after_ms};
use crate::wire::answer::AnswerContent;
use crate::wire::usage::Usage;

/// The longest wait for the first complete event after the first byte, in milliseconds; then the bytes
/// received so far are passed on.
const FIRST_EVENT_MS: u32 = 50;

/// The parts of a request that each upstream call needs.
pub(super) struct UpstreamRequest<'a> {
    pub(super) env: &'a Env,
    pub(super) request: &'a Request,
    pub(super) body: &'a RequestBody,
    /// The caller's body as sent.
    pub(super) text: &'a str,
    pub(super) id: &'a str,
    pub(super) timeouts: Timeouts,
    /// The caller's own key for the upstream.
    pub(super) caller_key: Option<String>,
}

/// A usable answer.
pub(super) enum Reply {
    /// A complete answer.
    Whole {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
        usage: Option<Usage>,
        content: AnswerContent,
    },
    /// The beginning of a stream, and the source of its rest.
    Stream {
        headers: Vec<(String, String)>,
        first: Vec<u8>,
        translator: Box<StreamTranslator>,
        source: UpstreamBody,
    },
}

/// A failed call.
pub(super) struct Failure {
    /// What decides on retries and fallbacks.
    pub(super) fault: Fault,
    /// The client's answer if no later call succeeds.
    pub(super) answer: Refusal,
}

/// An error for the client.
pub(super) enum Refusal {
    /// An error of the gateway.
    Own(GatewayError),
    /// An error of the upstream.
    Upstream { status: u16, headers: Vec<(String, String)>, body: String },
}

impl UpstreamRequest<'_> {
    /// Calls a model's upstream. With `checked`, a stream is read to its end before it is returned.
    pub(super) async fn call(
        &self,
        model: &str,
        upstream: &Upstream,
        checked: bool,
    ) -> Result<Reply, Failure> {
        let apis = ApiPair::new(self.body.dialect, upstream, model).map_err(try_next)?;
        let name = upstream.model.as_deref().unwrap_or(model);
        let body = apis.request(self.body, self.text, name).map_err(try_next)?;
        let abort = AbortController::default();
        let response = match upstream.api {
            Api::WorkersAi => self.run_ai(name, model, &body, abort).await?,
            Api::Openai | Api::Anthropic => self.fetch(model, upstream, apis, body, abort).await?,
        };
        if !(200..=299).contains(&response.status) {
            return Err(self.read_refusal(model, apis, response).await);
        }
        if !response.content_type.starts_with("text/event-stream") {
            return self.read_answer(model, name, apis, response).await;
        }
        let translator = StreamTranslator::new(&StreamOptions {
            apis,
            model: name,
            id: self.id,
            created: seconds(),
            include_usage: self.body.json["stream_options"]["include_usage"] == true,
            checked,
        });
        self.begin_stream(model, translator, response, checked).await
    }

    async fn fetch(
        &self,
        model: &str,
        upstream: &Upstream,
        apis: ApiPair,
        body: String,
        abort: AbortController,
    ) -> Result<UpstreamResponse, Failure> {
        let unreachable = |e: JsValue| {
            let (candidate, detail) = (model.to_owned(), describe_js_error(e));
            no_answer(GatewayError::UpstreamUnreachable { candidate, detail })
        };
        let own = abort.signal();
        let clients: JsValue = self.request.inner().signal().into();
        let signal = any_signal(&JsValue::from(&**own), &clients).unwrap_or(own);
        let init = web_sys::RequestInit::new();
        init.set_method("POST");
        init.set_redirect(web_sys::RequestRedirect::Manual);
        init.set_headers(&self.headers(model, upstream)?.into());
        init.set_body(&body.into());
        init.set_signal(Some(&signal));
        let scope: web_sys::WorkerGlobalScope = js_sys::global().unchecked_into();
        let url = upstream.url(apis.upstream.path());
        let fetch = JsFuture::from(scope.fetch_with_str_and_init(&url, &init));
        let limit = self.timeouts.headers_ms;
        let Some(answer) = with_timeout(fetch, limit).await else {
            abort.abort();
            return Err(no_answer(GatewayError::UpstreamTimeout {
                candidate: model.to_owned(),
                stage: "before its headers",
                ms: limit,
            }));
        };
        let answer: web_sys::Response = answer.map_err(unreachable)?.unchecked_into();
        let status = answer.status();
        check_status(model, status).map_err(try_next)?;
        let headers: Vec<(String, String)> = Headers(answer.headers()).entries().collect();
        let content_type = find(&headers, "content-type").unwrap_or_default();
        let encoded = find(&headers, "content-encoding").is_some();
        let length = find(&headers, "content-length").filter(|_| !encoded);
        let length = length.and_then(|length| length.parse().ok());
        Ok(UpstreamResponse {
            status,
            headers,
            content_type,
            source: UpstreamBody::new(answer, length, abort),
        })
    }

    /// Whether the client has disconnected.
    pub(super) fn client_is_gone(&self) -> bool {
        self.request.inner().signal().aborted()
    }

    /// Calls the binding `AI`.
    async fn run_ai(
        &self,
        name: &str,
        model: &str,
        body: &str,
        abort: AbortController,
    ) -> Result<UpstreamResponse, Failure> {
        let ai = binding(self.env, "AI").ok_or_else(|| {
            let why = "an upstream has the api workers-ai";
            try_next(GatewayError::BindingMissing { binding: "AI", why })
        })?;
        let inputs = js_sys::JSON::parse(body).unwrap_or_default();
        let limit = self.timeouts.headers_ms;
        let arguments = [name.into(), inputs];
        let run = call_async(&ai, "run", &arguments);
        let Some(answer) = with_timeout(run, limit).await else {
            return Err(no_answer(GatewayError::UpstreamTimeout {
                candidate: model.to_owned(),
                stage: "before its answer",
                ms: limit,
            }));
        };
        let answer = answer.map_err(|e| {
            let (candidate, detail) = (model.to_owned(), describe_js_error(e));
            no_answer(GatewayError::UpstreamBadAnswer { candidate, detail })
        })?;
        let (content_type, response) = match answer.dyn_into::<web_sys::ReadableStream>() {
            Ok(stream) => {
                let body = web_sys::Response::new_with_opt_readable_stream(Some(&stream));
                ("text/event-stream", body)
            }
            Err(answer) => {
                let text = from_js(&answer).to_string();
                ("application/json", web_sys::Response::new_with_opt_str(Some(&text)))
            }
        };
        let response = response.map_err(|e| {
            let (candidate, detail) = (model.to_owned(), describe_js_error(e));
            no_answer(GatewayError::UpstreamBadAnswer { candidate, detail })
        })?;
        Ok(UpstreamResponse {
            status: 200,
            headers: vec![("content-type".into(), content_type.into())],
            content_type: content_type.into(),
            source: UpstreamBody::new(response, None, abort),
        })
    }

    async fn read_refusal(
        &self,
        model: &str,
        apis: ApiPair,
        response: UpstreamResponse,
    ) -> Failure {
        let UpstreamResponse { status, headers, content_type, mut source } = response;
        let Timeouts { first_byte_ms, idle_ms, .. } = self.timeouts;
        let body = source.read_all(first_byte_ms, idle_ms).await.unwrap_or_default();
        let text = String::from_utf8_lossy(&body);
        let found = |name: &str| find(&headers, name);
        let fault = Fault::Status { status, retry_after_ms: retry_after_ms(found) };
        let answer = match apis.error(status, &text) {
            Some((status, body)) => {
                Refusal::Upstream { status, headers: json_headers(headers), body }
            }
            None => Refusal::Own(GatewayError::UpstreamError {
                candidate: model.to_owned(),
                status,
                detail: match content_type.is_empty() {
                    true => format!("{} bytes", body.len()),
                    false => format!("{content_type} of {} bytes", body.len()),
                },
            }),
        };
        Failure { fault, answer }
    }

    async fn read_answer(
        &self,
        model: &str,
        name: &str,
        apis: ApiPair,
        response: UpstreamResponse,
    ) -> Result<Reply, Failure> {
        let UpstreamResponse { status, headers, content_type, mut source } = response;
        let Timeouts { first_byte_ms, idle_ms, .. } = self.timeouts;
        let body = source.read_all(first_byte_ms, idle_ms).await;
        let body = body.map_err(|e| no_answer(read_failure(model, e, self.timeouts)))?;
        let answer = apis.answer(&body, &content_type, name, self.id, seconds());
        let answer = answer.map_err(|detail| {
            no_answer(GatewayError::UpstreamBadAnswer { candidate: model.to_owned(), detail })
        })?;
        Ok(Reply::Whole {
            status,
            headers: if apis.is_plain() {
                forwarded_headers(headers)
            } else {
                json_headers(headers)
            },
            body: answer.body,
            usage: answer.usage,
            content: answer.content,
        })
    }

    /// Reads the beginning of a stream; an error in it, or an end before any event, fails the call.
    async fn begin_stream(
        &self,
        model: &str,
        mut translator: StreamTranslator,
        response: UpstreamResponse,
        checked: bool,
    ) -> Result<Reply, Failure> {
        let UpstreamResponse { headers, mut source, .. } = response;
        let Timeouts { first_byte_ms, idle_ms, .. } = self.timeouts;
        let mut first = Vec::new();
        let (mut wait, mut begun) = (first_byte_ms, false);
        loop {
            match source.next(wait).await {
                Ok(Some(piece)) => {
                    first.extend(translator.push(&piece).map_err(|e| stream_failure(model, &e))?);
                    if !checked && translator.has_begun() {
                        break;
                    }
                    (begun, wait) = (true, if checked { idle_ms } else { FIRST_EVENT_MS });
                }
                Ok(None) => {
                    first.extend(translator.end().map_err(|e| stream_failure(model, &e))?);
                    break;
                }
                // Part of an event, or a comment that keeps the connection alive.
                Err(ReadError::TimedOut) if !checked && begun => break,
                Err(ReadError::TimedOut) if translator.is_finished() => break,
                Err(error) => return Err(no_answer(read_failure(model, error, self.timeouts))),
            }
        }
        let headers = forwarded_headers(headers);
        if !checked {
            return Ok(Reply::Stream { headers, first, translator: Box::new(translator), source });
        }
        let (usage, content) =
            (translator.usage(), translator.content().cloned().unwrap_or_default());
        Ok(Reply::Whole { status: 200, headers, body: first, usage, content })
    }

    fn headers(&self, model: &str, upstream: &Upstream) -> Result<web_sys::Headers, Failure> {
        let mut fields = vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("x-request-id".to_owned(), self.id.to_owned()),
        ];
        for name in REQUEST_HEADERS {
            let anthropics = name.starts_with("anthropic-");
            let fits = !anthropics || upstream.api == Api::Anthropic;
            if let Some(value) = super::js::header(self.request, name).filter(|_| fits) {
                fields.push((name.to_owned(), value));
            }
        }
        if upstream.api == Api::Anthropic && !fields.iter().any(|(k, _)| k == "anthropic-version") {
            fields.push(("anthropic-version".to_owned(), ANTHROPIC_VERSION.to_owned()));
        }
        fields.extend(upstream.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        let brought = self.caller_key.clone().filter(|_| upstream.caller_key);
        let key = match (brought, &upstream.key_secret) {
            (Some(key), _) => Some(key),
            (None, Some(name)) => Some(secret(self.env, name).ok_or_else(|| {
                try_next(GatewayError::UpstreamKeyMissing {
                    candidate: model.to_owned(),
                    secret: name.clone(),
                })
            })?),
            (None, None) => None,
        };
        if let Some(key) = key {
            let headers = key_headers(upstream.api, &key);
            fields.extend(headers.into_iter().map(|(name, value)| (name.to_owned(), value)));
        }
        let refused = |name: &str, e: JsValue| {
            let detail = format!("header {name}: {}", describe_js_error(e));
            let candidate = model.to_owned();
            try_next(GatewayError::UpstreamUnreachable { candidate, detail })
        };
        let headers = web_sys::Headers::new().map_err(|e| refused("", e))?;
        for (name, value) in fields {
            headers.set(&name, &value).map_err(|e| refused(&name, e))?;
        }
        Ok(headers)
    }
}

fn seconds() -> u64 {
    (now() / 1000.0) as u64
}

fn find(headers: &[(String, String)], name: &str) -> Option<String> {
    headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
}

struct UpstreamResponse {
    status: u16,
    headers: Vec<(String, String)>,
    content_type: String,
    source: UpstreamBody,
}

/// Makes an error of a body that ended early.
pub(super) fn read_failure(model: &str, error: ReadError, timeouts: Timeouts) -> GatewayError {
    let candidate = model.to_owned();
    match error {
        ReadError::TimedOut => {
            GatewayError::UpstreamTimeout { candidate, stage: "in its body", ms: timeouts.idle_ms }
        }
        ReadError::Broken(detail) => GatewayError::UpstreamBrokeOff { candidate, detail },
        ReadError::TooLong => {
            let detail = "the answer is longer than 64 MiB".into();
            GatewayError::UpstreamBadAnswer { candidate, detail }
        }
    }
}

/// Fails the call in a way that moves on to the next upstream.
fn try_next(error: impl Into<GatewayError>) -> Failure {
    let fault = Fault::Status { status: 404, retry_after_ms: None };
    Failure { fault, answer: Refusal::Own(error.into()) }
}

fn no_answer(error: GatewayError) -> Failure {
    Failure { fault: Fault::NoAnswer, answer: Refusal::Own(error) }
}

fn stream_failure(model: &str, found: &StreamFailure) -> Failure {
    let (candidate, detail) = (model.to_owned(), found.detail.clone());
    let answer = GatewayError::UpstreamBadAnswer { candidate, detail };
    let fault = match found.status {
        502 => Fault::NoAnswer,
        status => Fault::Status { status, retry_after_ms: None },
    };
    Failure { fault, answer: Refusal::Own(answer) }
}

fn forwarded_headers(headers: Vec<(String, String)>) -> Vec<(String, String)> {
    headers.into_iter().filter(|(name, _)| is_forwarded(name)).collect()
}

fn json_headers(headers: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut headers = forwarded_headers(headers);
    headers.retain(|(name, _)| name != "content-type");
    headers.push(("content-type".into(), "application/json".into()));
    headers
}
