//! Answers `POST /v1/messages/count_tokens`: by the upstream of a named model that has Anthropic's API, else by
//! the gateway's own estimate. It costs nothing, so it needs no budget.

use serde_json::json;
use worker::Response;

use super::attempts::{Kept, Spending, call_chain};
use super::auth;
use super::bundle;
use super::call_failure::Refusal;
use super::js::now;
use super::request_body::Source;
use super::request_context::RequestContext;
use super::response::{Body, build};
use super::upstream_answer::Reply;
use super::upstream_call::{OwnKeys, UpstreamRequest};
use crate::accounting::attempt::{Costs, ModelPrices};
use crate::config::Api;
use crate::error::GatewayError;
use crate::request::body::{RequestBody, check_bounds};
use crate::request::endpoint::Dialect;
use crate::request::input_tokens::input_tokens;
use crate::request::model_name::Target;
use crate::routing::decision::Engine;
use crate::translate::anthropic::signature::History;
use crate::translate::response_ids::References;

/// Statuses of servers that have Anthropic's Messages without the endpoint that counts.
const WITHOUT_COUNTS: [u16; 3] = [404, 405, 501];

/// A request whose tokens are counted.
struct Counted<'a> {
    source: &'a Source,
    body: &'a RequestBody,
    history: &'a History,
    restricted: bool,
}

impl RequestContext<'_> {
    /// Counts the input tokens of a Messages request.
    ///
    /// # Errors
    /// Those of `/v1/messages` but for budgets.
    pub(super) async fn count_tokens(&self) -> Result<Response, GatewayError> {
        let config = self.config;
        let source = Source::read(self.request, config.settings.max_body_bytes).await?;
        let loaded = bundle::loaded(self.env, config, self.context).await?;
        let text = source.text()?;
        source.pause().await;
        check_bounds(&text)?;
        source.pause().await;
        let body = RequestBody::new(Dialect::Messages, &text, &loaded.manifest)?;
        let options = self.options()?;
        let permissions = self.planner(&loaded, &options, 0.0, None).permissions;
        if let Target::Named(model) = permissions.target(&body)? {
            if let Some(field) = permissions.refused_field(&model, &body, &text) {
                return Err(GatewayError::FieldRefused { field, candidate: model });
            }
            let history = History::read(&text);
            // Wasm memory holds no text while an upstream is waited for.
            drop(text);
            let counted = Counted {
                source: &source,
                body: &body,
                history: &history,
                restricted: permissions.is_restricted(),
            };
            if let Some(answer) = self.counted_by_upstream(&model, &counted).await? {
                return Ok(answer);
            }
        }
        let tokens = input_tokens(&body, &source.text()?, &|text| loaded.count(text));
        let count = json!({"input_tokens": tokens}).to_string();
        let json = vec![("content-type".into(), "application/json".into())];
        build(200, json, vec![counted_by("estimated")], Body::Whole(count.into_bytes()))
    }

    /// The answer of a model's upstream; none if its API does not count.
    async fn counted_by_upstream(
        &self,
        model: &str,
        counted: &Counted<'_>,
    ) -> Result<Option<Response>, GatewayError> {
        let upstreams = &self.config.upstreams;
        let Some(upstream) = upstreams.get(model).filter(|found| found.api == Api::Anthropic)
        else {
            return Ok(None);
        };
        let settings = &self.config.settings;
        let begin = now();
        let own_keys = OwnKeys {
            keys: auth::caller_keys(self.request, self.config)?,
            first_origin: upstream.origin(),
        };
        let request = UpstreamRequest {
            env: self.env,
            request: self.request,
            body: counted.body,
            source: counted.source,
            history: counted.history,
            references: &References::default(),
            passthrough: None,
            routed: false,
            counts_tokens: true,
            id: self.id,
            timeouts: settings.timeouts,
            deadline: begin + f64::from(settings.timeouts.total_ms),
            begun: begin,
            caller: self.caller_id(),
            own_keys: &own_keys,
            restricted: counted.restricted,
        };
        let mut spending = Spending {
            budget: None,
            input_tokens: 0,
            context_window: &|_| None,
            prices: &|_| ModelPrices::default(),
            costs: Costs::default(),
        };
        let chain = [model.to_owned()];
        let found =
            call_chain(&request, &chain, upstreams, settings, &mut spending, Kept::No).await;
        let stated = vec![counted_by("upstream"), ("x-pointsman-model", model.to_owned())];
        match found.reply {
            Ok(Reply::Whole { status, headers, body, .. }) => {
                build(status, headers, stated, Body::Whole(body)).map(Some)
            }
            Ok(Reply::Stream { .. } | Reply::Bytes { .. }) => {
                Err(GatewayError::UpstreamBadAnswer {
                    candidate: model.to_owned(),
                    detail: "a stream of events, expected input_tokens".into(),
                })
            }
            Err(Refusal::Upstream { status, .. }) if WITHOUT_COUNTS.contains(&status) => Ok(None),
            Err(Refusal::Own(GatewayError::UpstreamError { status, .. }))
                if WITHOUT_COUNTS.contains(&status) =>
            {
                Ok(None)
            }
            Err(Refusal::Upstream { status, headers, body, .. }) => {
                build(status, headers, stated, Body::Whole(body.into_bytes())).map(Some)
            }
            Err(Refusal::Own(error)) => Err(error),
        }
    }
}

/// The header that says who counted.
fn counted_by(who: &str) -> (&'static str, String) {
    ("x-pointsman-token-count", who.to_owned())
}
