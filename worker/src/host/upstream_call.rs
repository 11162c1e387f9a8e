//! Makes one call of an upstream.

use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use worker::js_sys::futures::JsFuture;
use worker::web_sys;
use worker::web_sys::AbortController;
use worker::{Env, Headers, Request};

use super::call_failure::{Failure, Refusal, no_answer, try_next};
use super::js::{any_signal, binding, call_async, describe_js_error, now, parse_json, secret};
use super::request_body::Source;
use super::upstream_answer::{AnswerReader, Reply, UpstreamResponse, find};
use super::upstream_body::{ReadError, UpstreamBody, with_timeout, within};
use crate::config::{Api, Timeouts, Upstream};
use crate::error::{GatewayError, shown};
use crate::request::body::RequestBody;
use crate::request::caller_keys::CallerKeys;
use crate::request::endpoint::{COUNT_TOKENS, Dialect};
use crate::translate::anthropic::signature::History;
use crate::translate::call::ApiPair;
use crate::translate::call_body::{CallTerms, TranslatedRequest};
use crate::translate::response_ids::References;
use crate::translate::tool_names::ToolNames;
use crate::upstream::breaker::CallerId;
use crate::upstream::field_adjustments::{Adjustable, Adjustments, STREAM_OPTIONS, TRANSLATED};
use crate::upstream::headers::{
    ANTHROPIC_VERSION, Coding, REQUEST_HEADERS, check_status, coding, key_headers,
};
use crate::upstream::refused_fields::anthropic_betas;
use crate::upstream::retry::Fault;
use crate::wire::outgoing::Outgoing;

/// The parts of a request that each upstream call needs.
pub(super) struct UpstreamRequest<'a> {
    pub(super) env: &'a Env,
    pub(super) request: &'a Request,
    pub(super) body: &'a RequestBody,
    /// The caller's body as sent.
    pub(super) source: &'a Source,
    /// What of a Messages conversation depends on the model.
    pub(super) history: &'a History,
    /// What of a Responses request depends on the model.
    pub(super) references: &'a References,
    /// Of an endpoint whose requests are passed on as they are.
    pub(super) passthrough: Option<&'a Passthrough>,
    /// Whether the model was routed.
    pub(super) routed: bool,
    /// Whether an upstream with Anthropic's API only counts the tokens.
    pub(super) counts_tokens: bool,
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

/// A request that is passed on as it is.
pub(super) struct Passthrough {
    /// The endpoint's path below an API's root.
    pub(super) path: &'static str,
    /// The form, if the body is one.
    pub(super) form: Option<JsValue>,
}

/// The body of a call by `fetch`.
enum Content {
    /// JSON.
    Json(Uint8Array),
    /// A form, whose content type the runtime states.
    Form(JsValue),
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
    /// Whether the answer is kept, to be compared with another model's.
    pub(super) compared: bool,
    /// The limit on output tokens that the budget or the context window enforces.
    pub(super) output_limit: Option<u64>,
    /// The most output tokens for which the context window has room, if it is known.
    pub(super) output_room: Option<u64>,
    /// What the upstream is sent otherwise than its configuration says.
    pub(super) adjustments: &'a Adjustments,
}

impl UpstreamRequest<'_> {
    /// Milliseconds since the request's first call began.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub(super) fn elapsed_ms(&self) -> u64 {
        (now() - self.begun) as u64
    }

    /// Calls a model's upstream.
    pub(super) async fn call(&self, call: &Call<'_>) -> Result<Reply, Failure> {
        let Call { model, upstream, checked, compared, output_limit, output_room, adjustments } =
            *call;
        let apis = ApiPair::new(self.body.dialect, upstream, model).map_err(try_next)?;
        let name = upstream.model.as_deref().unwrap_or(model);
        let left_out = adjustments.left_out();
        let ask_usage = upstream.asks_stream_usage() && !left_out.contains(&STREAM_OPTIONS);
        let tag = apis.tag(upstream, name);
        let history = match (tag.as_deref(), apis.client) {
            (Some(tag), Dialect::Responses) => self.references.edits(tag),
            (Some(tag), _) => self.history.edits(tag),
            (None, _) => vec![],
        };
        let terms = CallTerms {
            model: name,
            output_limit,
            output_room,
            chat_limit_field: adjustments.limit_field.unwrap_or(upstream.chat_limit_field()),
            renames_limit: adjustments.limit_field.is_some() || upstream.renames_limit(),
            ask_usage,
            dropped: &upstream.dropped_fields(),
            left_out,
            mistrals_rules: upstream.has_mistrals_rules(),
            reasoning: upstream.returned_reasoning(),
            tag: tag.as_deref(),
            history: &history,
        };
        let TranslatedRequest { body, tool_names } = match apis.is_plain() {
            true => TranslatedRequest {
                body: apis.plain_request(self.body, &terms),
                tool_names: ToolNames::default(),
            },
            false => {
                let text = self.source.text().map_err(try_next)?;
                apis.translated_request(&text, &terms).map_err(try_next)?
            }
        };
        let abort = self.abortable(call).map_err(try_next)?;
        let reader = AnswerReader {
            model,
            name,
            apis,
            id: self.id,
            timeouts: self.timeouts,
            checked,
            compared,
            own_key: self.own_keys.of(upstream).is_some(),
            // A Response of a named model keeps its bytes.
            tag: tag.as_deref().filter(|_| self.routed || apis.client != Dialect::Responses),
            tool_names: &tool_names,
            passes: self.passthrough.is_some(),
            streams: self.body.stream && self.body.dialect != Dialect::Embeddings,
            include_usage: self.body.include_usage,
            drop_usage: ask_usage && !self.body.include_usage,
        };
        let response = match upstream.api {
            Api::WorkersAi => self.run_ai(&reader, &body, abort).await?,
            Api::Openai | Api::Anthropic => {
                let path = match self.passthrough {
                    Some(passed) => passed.path,
                    None if self.counts_tokens => COUNT_TOKENS,
                    None => apis.upstream.path(),
                };
                let content = self.content(name, &body).map_err(|e| {
                    let (candidate, detail) = (model.to_owned(), describe_js_error(e));
                    try_next(GatewayError::UpstreamUnreachable { candidate, detail })
                })?;
                self.fetch(model, upstream, path, content, abort).await?
            }
        };
        let reply = reader.read(response).await;
        reply.map_err(|failure| {
            let otherwise = match (failure.fault, &failure.answer) {
                (Fault::Status { status, .. }, Refusal::Upstream { said, .. }) => {
                    adjustments.after(status, said, &self.adjustable(apis, &terms, &body))
                }
                _ => None,
            };
            Failure { otherwise, ..failure }
        })
    }

    /// What may be changed in a call whose upstream refuses a field.
    fn adjustable(&self, apis: ApiPair, terms: &CallTerms<'_>, sent: &Outgoing) -> Adjustable {
        let translated = !apis.is_plain() && apis.api != Api::WorkersAi;
        let chat = apis.api == Api::Openai && apis.upstream == Dialect::Chat;
        let states_limit =
            translated || terms.output_limit.is_some() || self.body.limit_fields().next().is_some();
        let asks = terms.ask_usage && self.body.fields.get(STREAM_OPTIONS).is_none();
        let ours = |field: &&str| translated || (**field == *STREAM_OPTIONS && asks);
        let written = TRANSLATED.into_iter().filter(ours).filter(|field| sent.writes(field));
        Adjustable {
            // A caller's value that is no number might be what is refused.
            limit: chat && states_limit && self.body.largest_output().is_ok(),
            written: written.collect(),
        }
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

    /// The body of a call: the form with the upstream's `name` of the model, or the JSON in pieces.
    fn content(&self, name: &str, body: &Outgoing) -> Result<Content, JsValue> {
        match self.passthrough.and_then(|passed| passed.form.as_ref()) {
            Some(form) => {
                super::js::call(form, "set", &["model".into(), name.into()])?;
                Ok(Content::Form(form.clone()))
            }
            None => Ok(Content::Json(self.source.compose(body))),
        }
    }

    async fn fetch(
        &self,
        model: &str,
        upstream: &Upstream,
        path: &str,
        content: Content,
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
        match content {
            Content::Json(bytes) => init.set_body(&bytes.into()),
            Content::Form(form) => {
                headers.delete("content-type").map_err(unreachable)?;
                init.set_body(&form);
            }
        }
        init.set_headers(&headers.into());
        init.set_signal(Some(&signal));
        let scope: web_sys::WorkerGlobalScope = js_sys::global().unchecked_into();
        let url = upstream.url(path);
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
        let encoding = find(&headers, "content-encoding");
        let length = find(&headers, "content-length").filter(|_| encoding.is_none());
        let length = length.and_then(|length| length.parse().ok());
        let encoding = encoding.unwrap_or_default();
        let mut source = UpstreamBody::new(answer, length, abort, self.deadline);
        let coding = coding(&encoding);
        if coding == Coding::Compressed {
            source.decompress(&encoding);
        }
        let unknown = || format!("content-encoding {}", shown(&encoding.into()));
        Ok(UpstreamResponse {
            status,
            secrets,
            headers,
            content_type,
            source,
            unknown_coding: (coding == Coding::Unknown).then(unknown),
        })
    }

    /// Whether the client has disconnected.
    pub(super) fn client_is_gone(&self) -> bool {
        self.request.inner().signal().aborted()
    }

    /// Calls the binding `AI`.
    async fn run_ai(
        &self,
        reader: &AnswerReader<'_>,
        body: &Outgoing,
        abort: AbortController,
    ) -> Result<UpstreamResponse, Failure> {
        let ai = binding(self.env, "AI").ok_or_else(|| {
            let why = "an upstream has the api workers-ai";
            try_next(GatewayError::BindingMissing { binding: "AI", why })
        })?;
        let AnswerReader { name, model, .. } = *reader;
        let unusable = |e: JsValue| reader.refused_by_binding(describe_js_error(e));
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
            unknown_coding: None,
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
