//! Makes one call of an upstream and reads its answer.

use js_sys::Reflect;
use wasm_bindgen::{JsCast, JsValue};
use worker::js_sys::futures::JsFuture;
use worker::web_sys;
use worker::web_sys::AbortController;
use worker::{Env, Headers, Request};

use super::js::{any_signal, binding, call_async, describe_js_error, now, parse_json, secret};
use super::request_body::Source;
use super::upstream_body::{MAX_ANSWER_BYTES, ReadError, UpstreamBody, with_timeout, within};
use crate::accounting::attempt::CallOutcome;
use crate::config::{Api, Timeouts, Upstream};
use crate::error::GatewayError;
use crate::request::body::RequestBody;
use crate::request::caller_keys::CallerKeys;
use crate::translate::anthropic::signature::History;
use crate::translate::call::{AnswerOptions, ApiPair, CallTerms};
use crate::translate::stream::{StreamFailure, StreamOptions, StreamTranslator, Translated};
use crate::translate::workers_ai::error_status;
use crate::upstream::breaker::CallerId;
use crate::upstream::headers::{
    ANTHROPIC_VERSION, REQUEST_HEADERS, check_status, is_forwarded, key_headers,
};
use crate::upstream::refused_fields::anthropic_betas;
use crate::upstream::retry::{Fault, refusal_is_ours, retry_after_ms};
use crate::upstream::scrub::{ERROR_BYTES, cut, scrub};
use crate::wire::answer::AnswerContent;
use crate::wire::outgoing::Outgoing;
use crate::wire::output_text::OutputText;
use crate::wire::usage::Received;

/// The longest wait for the first complete event after the first byte, in milliseconds; then the bytes
/// received so far are passed on.
const FIRST_EVENT_MS: u32 = 50;

/// The most bytes of comments and unfinished events that are held back in front of the first event.
const MAX_HELD_BACK: usize = 64 << 10;
/// The most bytes of a streamed answer that are held back for the cascade's check.
const MAX_CHECKED: usize = 4 << 20;
/// The most bytes of an upstream's error that are read.
const MAX_REFUSAL_BYTES: usize = 64 << 10;
/// The longest complete answer that is translated, in bytes.
const MAX_TRANSLATED_BYTES: usize = 8 << 20;

/// The parts of a request that each upstream call needs.
pub(super) struct UpstreamRequest<'a> {
    pub(super) env: &'a Env,
    pub(super) request: &'a Request,
    pub(super) body: &'a RequestBody,
    /// The caller's body as sent.
    pub(super) source: &'a Source,
    /// What of a Messages conversation depends on the model.
    pub(super) history: &'a History,
    pub(super) id: &'a str,
    pub(super) timeouts: Timeouts,
    /// When the request's time in all is over, in milliseconds since 1970.
    pub(super) deadline: f64,
    /// When its first call began.
    pub(super) begun: f64,
    /// Who calls, for the circuit breakers.
    pub(super) caller: CallerId<'a>,
    /// The caller's own keys.
    pub(super) own_keys: &'a OwnKeys,
    /// Whether the caller has a list of models or a budget.
    pub(super) restricted: bool,
}

/// A usable answer.
pub(super) enum Reply {
    /// A complete answer.
    Whole {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
        received: Received,
        content: AnswerContent,
    },
    /// The beginning of a stream, and the source of its rest.
    Stream {
        headers: Vec<(String, String)>,
        first: Vec<u8>,
        translator: Box<StreamTranslator>,
        source: UpstreamBody,
        /// What errors in the rest must not repeat.
        secrets: Vec<String>,
    },
}

/// A failed call.
pub(super) struct Failure {
    /// What decides on retries and fallbacks.
    pub(super) fault: Fault,
    /// What the call costs.
    pub(super) outcome: CallOutcome,
    /// What arrived of an answer.
    pub(super) received: Received,
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

/// A caller's own keys, and the upstream that the caller knows of: the first of the chain.
#[derive(Default)]
pub(super) struct OwnKeys {
    pub(super) keys: Option<CallerKeys>,
    pub(super) first_origin: Option<String>,
}

impl OwnKeys {
    /// The caller's own key for an upstream, which then pays for the call.
    pub(super) fn of(&self, upstream: &Upstream) -> Option<&str> {
        let keys = self.keys.as_ref()?;
        let is_first = upstream.origin() == self.first_origin;
        keys.for_upstream(upstream.key_group().as_deref(), is_first)
    }
}

/// One call of a request.
pub(super) struct Call<'a> {
    pub(super) model: &'a str,
    pub(super) upstream: &'a Upstream,
    /// Whether the cascade checks the answer: a stream is then read to its end before it is returned.
    pub(super) checked: bool,
    /// The limit on output tokens that a budget enforces.
    pub(super) output_limit: Option<u64>,
}

impl UpstreamRequest<'_> {
    /// Milliseconds since the request's first call began.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub(super) fn elapsed_ms(&self) -> u64 {
        (now() - self.begun) as u64
    }

    /// Calls a model's upstream.
    pub(super) async fn call(&self, call: &Call<'_>) -> Result<Reply, Failure> {
        let reply = self.send(call).await;
        match call.upstream.api {
            Api::WorkersAi => reply.map_err(by_number),
            Api::Openai | Api::Anthropic => reply,
        }
    }

    async fn send(&self, call: &Call<'_>) -> Result<Reply, Failure> {
        let Call { model, upstream, checked, output_limit } = *call;
        let apis = ApiPair::new(self.body.dialect, upstream, model).map_err(try_next)?;
        let name = upstream.model.as_deref().unwrap_or(model);
        let ask_usage = upstream.asks_stream_usage();
        let tag = apis.tag(upstream, name);
        let history = tag.as_deref().map(|tag| self.history.edits(tag)).unwrap_or_default();
        let terms = CallTerms {
            model: name,
            output_limit,
            chat_limit_field: upstream.chat_limit_field(),
            ask_usage,
            history: &history,
        };
        let body = match apis.is_plain() {
            true => apis.plain_request(self.body, &terms),
            false => {
                let text = self.source.text().map_err(try_next)?;
                apis.translated_request(&text, &terms).map_err(try_next)?
            }
        };
        let abort = self.abortable(call).map_err(try_next)?;
        let response = match upstream.api {
            Api::WorkersAi => self.run_ai(name, model, &body, abort).await?,
            Api::Openai | Api::Anthropic => self.fetch(model, upstream, apis, body, abort).await?,
        };
        if !(200..=299).contains(&response.status) {
            return Err(self.read_refusal(call, apis, response).await);
        }
        if !response.content_type.starts_with("text/event-stream") {
            return self.read_answer(call, name, tag.as_deref(), apis, response).await;
        }
        let translator = StreamTranslator::new(&StreamOptions {
            apis,
            model: name,
            id: self.id,
            created: seconds(),
            include_usage: self.body.include_usage,
            drop_usage: ask_usage && !self.body.include_usage,
            checked,
            tag: tag.as_deref(),
        });
        self.begin_stream(call, translator, response).await
    }

    /// Makes the controller that aborts a call. The guard aborts it too, once the wasm instance has stopped.
    fn abortable(&self, call: &Call<'_>) -> Result<AbortController, GatewayError> {
        let failed = |e: JsValue| {
            let (candidate, detail) = (call.model.to_owned(), describe_js_error(e));
            GatewayError::UpstreamUnreachable { candidate, detail }
        };
        let abort = AbortController::new().map_err(failed)?;
        let calls = Reflect::get(self.request.inner(), &"upstreamCalls".into()).map_err(failed)?;
        if calls.is_object() {
            super::js::call(&calls, "add", &[abort.clone().into()]).map_err(failed)?;
        }
        Ok(abort)
    }

    async fn fetch(
        &self,
        model: &str,
        upstream: &Upstream,
        apis: ApiPair,
        body: Outgoing,
        abort: AbortController,
    ) -> Result<UpstreamResponse, Failure> {
        let unreachable = |e: JsValue| {
            let (candidate, detail) = (model.to_owned(), describe_js_error(e));
            no_answer(GatewayError::UpstreamUnreachable { candidate, detail })
        };
        let own = abort.signal();
        let clients: JsValue = self.request.inner().signal().into();
        let signal = any_signal(&own, &clients).unwrap_or(own);
        let init = web_sys::RequestInit::new();
        init.set_method("POST");
        init.set_redirect(web_sys::RequestRedirect::Manual);
        let (headers, secrets) = self.headers(model, upstream)?;
        init.set_headers(&headers.into());
        init.set_body(&self.source.compose(&body).into());
        init.set_signal(Some(&signal));
        let scope: web_sys::WorkerGlobalScope = js_sys::global().unchecked_into();
        let url = upstream.url(apis.upstream.path());
        let fetch = JsFuture::from(scope.fetch_with_str_and_init(&url, &init));
        let (limit, error) = within(self.timeouts.headers_ms, self.deadline);
        let Some(answer) = with_timeout(fetch, limit).await else {
            abort.abort();
            return Err(no_answer(self.late(model, &error, "before its headers")));
        };
        let answer: web_sys::Response = answer.map_err(unreachable)?.unchecked_into();
        let status = answer.status();
        if let Err(error) = check_status(model, status) {
            // Its body is not read.
            abort.abort();
            return Err(try_next(error));
        }
        let headers: Vec<(String, String)> = Headers(answer.headers()).entries().collect();
        let content_type = find(&headers, "content-type").unwrap_or_default();
        let encoded = find(&headers, "content-encoding").is_some();
        let length = find(&headers, "content-length").filter(|_| !encoded);
        let length = length.and_then(|length| length.parse().ok());
        Ok(UpstreamResponse {
            status,
            secrets,
            headers,
            content_type,
            source: UpstreamBody::new(answer, length, abort, self.deadline),
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
        body: &Outgoing,
        abort: AbortController,
    ) -> Result<UpstreamResponse, Failure> {
        let ai = binding(self.env, "AI").ok_or_else(|| {
            let why = "an upstream has the api workers-ai";
            try_next(GatewayError::BindingMissing { binding: "AI", why })
        })?;
        let unusable = |e: JsValue| {
            let (candidate, detail) = (model.to_owned(), describe_js_error(e));
            no_answer(GatewayError::UpstreamBadAnswer { candidate, detail })
        };
        let inputs = parse_json(&self.source.compose(body)).map_err(unusable)?;
        let (limit, error) = within(self.timeouts.headers_ms, self.deadline);
        let arguments = [name.into(), inputs];
        let run = call_async(&ai, "run", &arguments);
        let Some(answer) = with_timeout(run, limit).await else {
            return Err(no_answer(self.late(model, &error, "before its answer")));
        };
        let answer = answer.map_err(unusable)?;
        let (content_type, response) = match answer.dyn_into::<web_sys::ReadableStream>() {
            Ok(stream) => {
                let body = web_sys::Response::new_with_opt_readable_stream(Some(&stream));
                ("text/event-stream", body)
            }
            Err(answer) => {
                let text = js_sys::JSON::stringify(&answer).map_err(unusable)?;
                let text = text.as_string().unwrap_or_default();
                ("application/json", web_sys::Response::new_with_opt_str(Some(&text)))
            }
        };
        let response = response.map_err(unusable)?;
        Ok(UpstreamResponse {
            status: 200,
            secrets: vec![],
            headers: vec![("content-type".into(), content_type.into())],
            content_type: content_type.into(),
            source: UpstreamBody::new(response, None, abort, self.deadline),
        })
    }

    /// The error of an upstream that was waited for in vain.
    fn late(&self, model: &str, error: &ReadError, stage: &'static str) -> GatewayError {
        match error {
            ReadError::Overdue => GatewayError::TotalTimeout { ms: self.timeouts.total_ms },
            _ => {
                let (candidate, ms) = (model.to_owned(), self.timeouts.headers_ms);
                GatewayError::UpstreamTimeout { candidate, stage, ms }
            }
        }
    }

    async fn read_refusal(
        &self,
        call: &Call<'_>,
        apis: ApiPair,
        response: UpstreamResponse,
    ) -> Failure {
        let UpstreamResponse { status, secrets, headers, content_type, mut source } = response;
        let Timeouts { first_byte_ms, idle_ms, .. } = self.timeouts;
        let body = source.read_all(first_byte_ms, idle_ms, MAX_REFUSAL_BYTES).await;
        let body = body.unwrap_or_default();
        let text = scrub(cut(&String::from_utf8_lossy(&body), ERROR_BYTES), &secrets);
        let found = |name: &str| find(&headers, name);
        let candidate = call.model.to_owned();
        let own_key = self.own_keys.of(call.upstream).is_some();
        let fault = match refusal_is_ours(status) && own_key {
            // A caller whose own key is refused is not served at the operator's cost.
            true => Fault::Ends,
            false => Fault::Status { status, retry_after_ms: retry_after_ms(found) },
        };
        let answer = if refusal_is_ours(status) && !own_key {
            worker::console_error!("{} {candidate}: status {status}: {text}", self.id);
            Refusal::Own(GatewayError::UpstreamRefused { candidate, status })
        } else if let Some((status, body)) = apis.error(status, &text) {
            Refusal::Upstream { status, headers: json_headers(headers), body }
        } else {
            let detail = match content_type.is_empty() {
                true => format!("{} bytes", body.len()),
                false => format!("{content_type} of {} bytes", body.len()),
            };
            Refusal::Own(GatewayError::UpstreamError { candidate, status, detail })
        };
        Failure {
            fault,
            outcome: CallOutcome::of_status(status),
            received: Received::default(),
            answer,
        }
    }

    async fn read_answer(
        &self,
        call: &Call<'_>,
        name: &str,
        tag: Option<&str>,
        apis: ApiPair,
        response: UpstreamResponse,
    ) -> Result<Reply, Failure> {
        let model = call.model;
        let UpstreamResponse { status, secrets, headers, content_type, mut source } = response;
        let Timeouts { first_byte_ms, idle_ms, .. } = self.timeouts;
        let limit = match apis.is_plain() && !call.checked {
            true => MAX_ANSWER_BYTES,
            false => MAX_TRANSLATED_BYTES,
        };
        let body = source.read_all(first_byte_ms, idle_ms, limit).await;
        let body = body.map_err(|e| no_answer(read_failure(model, e, self.timeouts)))?;
        let mut output = OutputText::default();
        let options = AnswerOptions {
            content_type: &content_type,
            model: name,
            id: self.id,
            created: seconds(),
            checked: call.checked,
            tag,
        };
        let length = body.len();
        let answer = apis.answer(body, &options).map_err(|detail| {
            // It was generated, whatever it is.
            output.add_bytes(length);
            let (candidate, detail) = (model.to_owned(), scrub(&detail, &secrets));
            let failure = no_answer(GatewayError::UpstreamBadAnswer { candidate, detail });
            let received = Received { output_tokens: output.tokens(), ..Received::default() };
            Failure { received, ..failure }
        })?;
        Ok(Reply::Whole {
            status,
            headers: if apis.is_plain() {
                forwarded_headers(headers)
            } else {
                json_headers(headers)
            },
            body: answer.body,
            received: answer.received,
            content: answer.content,
        })
    }

    /// Reads the beginning of a stream; an error in it, or an end before any event, fails the call.
    async fn begin_stream(
        &self,
        call: &Call<'_>,
        mut translator: StreamTranslator,
        response: UpstreamResponse,
    ) -> Result<Reply, Failure> {
        let UpstreamResponse { secrets, headers, mut source, .. } = response;
        let mut first = Vec::new();
        match self.held_back(call, &secrets, &mut translator, &mut source, &mut first).await {
            Ok(true) => {}
            Ok(false) => {
                let (received, content) = (translator.received(), translator.take_content());
                let headers = forwarded_headers(headers);
                return Ok(Reply::Whole { status: 200, headers, body: first, received, content });
            }
            Err(failure) => return Err(Failure { received: translator.received(), ..failure }),
        }
        translator.take_content();
        let (headers, translator) = (forwarded_headers(headers), Box::new(translator));
        Ok(Reply::Stream { headers, first, translator, source, secrets })
    }

    /// Holds back the beginning of a stream until its first event, or a checked one until its end. Returns
    /// whether the rest is streamed: so it is too where too much would be held back.
    async fn held_back(
        &self,
        call: &Call<'_>,
        secrets: &[String],
        translator: &mut StreamTranslator,
        source: &mut UpstreamBody,
        first: &mut Vec<u8>,
    ) -> Result<bool, Failure> {
        let Call { model, checked, .. } = *call;
        let failed = |failure: StreamFailure| {
            let detail = scrub(&failure.detail, secrets);
            stream_failure(model, StreamFailure { detail, ..failure })
        };
        let Timeouts { first_byte_ms, idle_ms, .. } = self.timeouts;
        let (mut wait, mut begun, mut arrived) = (first_byte_ms, false, 0);
        let most = if checked { MAX_CHECKED } else { MAX_HELD_BACK };
        loop {
            match source.next(wait).await {
                Ok(Some(piece)) => {
                    arrived += piece.len();
                    let Translated { bytes, failure } = translator.push(&piece);
                    if let Some(failure) = failure {
                        return Err(failed(failure));
                    }
                    first.extend(bytes);
                    if (!checked && translator.has_begun()) || arrived > most {
                        return Ok(true);
                    }
                    (begun, wait) = (true, if checked { idle_ms } else { FIRST_EVENT_MS });
                }
                Ok(None) => {
                    first.extend(translator.end().map_err(failed)?);
                    return Ok(!checked);
                }
                // Part of an event, or a comment that keeps the connection alive.
                Err(ReadError::TimedOut) if !checked && begun => return Ok(true),
                Err(ReadError::TimedOut) if translator.is_finished() => return Ok(!checked),
                Err(error) => return Err(no_answer(read_failure(model, error, self.timeouts))),
            }
        }
    }

    /// The key with which an upstream is called: the caller's own, else the gateway's.
    fn key(&self, upstream: &Upstream) -> Option<String> {
        let brought = self.own_keys.of(upstream).map(str::to_owned);
        brought.or_else(|| secret(self.env, upstream.key_secret.as_ref()?))
    }

    /// The headers of a call, and the secrets in them.
    fn headers(
        &self,
        model: &str,
        upstream: &Upstream,
    ) -> Result<(web_sys::Headers, Vec<String>), Failure> {
        let mut fields = vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("x-request-id".to_owned(), self.id.to_owned()),
        ];
        for name in REQUEST_HEADERS {
            let anthropics = name.starts_with("anthropic-");
            let fits = !anthropics || upstream.api == Api::Anthropic;
            let Some(value) = super::js::header(self.request, name).filter(|_| fits) else {
                continue;
            };
            let value =
                match name == "anthropic-beta" && (self.restricted || upstream.betas.is_some()) {
                    true => anthropic_betas(&value, upstream.betas.as_deref()),
                    false => value,
                };
            if !value.is_empty() {
                fields.push((name.to_owned(), value));
            }
        }
        if upstream.api == Api::Anthropic && !fields.iter().any(|(k, _)| k == "anthropic-version") {
            fields.push(("anthropic-version".to_owned(), ANTHROPIC_VERSION.to_owned()));
        }
        fields.extend(upstream.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        let key = match (self.key(upstream), &upstream.key_secret) {
            (None, Some(secret)) => {
                return Err(try_next(GatewayError::UpstreamKeyMissing {
                    candidate: model.to_owned(),
                    secret: secret.clone(),
                }));
            }
            (key, _) => key,
        };
        let secrets = key.iter().chain(upstream.headers.values()).cloned().collect();
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
        Ok((headers, secrets))
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
    /// The secrets that the call carried.
    secrets: Vec<String>,
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
        ReadError::Overdue => GatewayError::TotalTimeout { ms: timeouts.total_ms },
        ReadError::TooLong(limit) => {
            let detail = format!("the answer is longer than {limit} bytes");
            GatewayError::UpstreamBadAnswer { candidate, detail }
        }
    }
}

/// Fails the call in a way that moves on to the next upstream.
fn try_next(error: impl Into<GatewayError>) -> Failure {
    failed(Fault::NotCalled, CallOutcome::Unsent, error.into())
}

fn no_answer(error: GatewayError) -> Failure {
    failed(Fault::NoAnswer, CallOutcome::Failed, error)
}

/// Fails a call with an error of the gateway. `fault` is for an error that does not say which it is.
fn failed(fault: Fault, outcome: CallOutcome, error: GatewayError) -> Failure {
    let fault = Fault::of_error(&error).unwrap_or(fault);
    Failure { fault, outcome, received: Received::default(), answer: Refusal::Own(error) }
}

/// Tells the errors of the binding `AI` apart by their number.
fn by_number(failure: Failure) -> Failure {
    match failure.answer {
        Refusal::Own(GatewayError::UpstreamBadAnswer { candidate, detail })
            if error_status(&detail) != 502 =>
        {
            let status = error_status(&detail);
            let answer = GatewayError::UpstreamError { candidate, status, detail };
            Failure {
                fault: Fault::Status { status, retry_after_ms: None },
                outcome: CallOutcome::of_status(status),
                answer: Refusal::Own(answer),
                ..failure
            }
        }
        answer => Failure { answer, ..failure },
    }
}

fn stream_failure(model: &str, found: StreamFailure) -> Failure {
    let StreamFailure { detail, status } = found;
    let candidate = model.to_owned();
    let answer = match status {
        400..=499 => GatewayError::UpstreamError { candidate, status, detail },
        _ => GatewayError::UpstreamBadAnswer { candidate, detail },
    };
    let fault = match status {
        502 => Fault::NoAnswer,
        status => Fault::Status { status, retry_after_ms: None },
    };
    failed(fault, CallOutcome::Failed, answer)
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
