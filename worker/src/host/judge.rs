//! Asks a model of the gateway which of two answers is better, in both orders, with the trainer's own prompt.

use pointsman::judge::{ANSWER_CHARACTERS, JudgePrompt, Place, place, without_reasoning};
use serde_json::{Value, json};

use futures_util::future::join;

use super::bundle::Loaded;
use super::ledger::Reservation;
use super::own_calls::{Asked, OwnAnswer, OwnCalls};
use super::request_body::Source;
use crate::config::Upstream;
use crate::error::GatewayError;
use crate::request::body::RequestBody;
use crate::request::endpoint::Dialect;
use crate::request::input_tokens::input_tokens;
use crate::routing::decision::Engine;
use crate::translate::anthropic::signature::History;
use crate::translate::response_ids::References;

/// The output tokens of a judge whose `maxOutputTokens` is not configured: six sentences and the verdict.
const OUTPUT_TOKENS: u32 = 1024;
/// The code of a comparison whose judge named no place, asked twice.
const UNREADABLE: &str = "judge_unreadable";

/// A judge, with what its calls need.
pub(super) struct Judge<'a> {
    pub(super) model: &'a str,
    pub(super) upstream: Option<&'a Upstream>,
    pub(super) calls: &'a OwnCalls,
    pub(super) loaded: &'a Loaded,
}

/// The judge's prompt, in both orders.
pub(super) struct Orders {
    prompt: JudgePrompt,
    requests: [Request; 2],
}

/// One request to the judge.
struct Request {
    messages: Vec<Value>,
    body: RequestBody,
    source: Source,
    input_tokens: u64,
}

/// What the judge said, and what it cost in US dollars.
pub(super) struct Judged {
    /// The places named with the strong LLM's answer first, then second; or the code of the error.
    pub(super) places: Result<[Place; 2], String>,
    pub(super) charged: f64,
    pub(super) shown: Option<f64>,
}

/// The prompt that asks for a comparison, as a trainer's run without settings of its own asks.
pub(super) fn prompt() -> JudgePrompt {
    JudgePrompt::pairwise(None, ANSWER_CHARACTERS)
}

impl Judge<'_> {
    /// The requests for both orders of the answers.
    ///
    /// # Errors
    /// Those of a body that the gateway cannot read.
    pub(super) fn orders(
        &self,
        shown: &str,
        strong: &str,
        weak: &str,
    ) -> Result<Orders, GatewayError> {
        let prompt = prompt();
        let ask = |answers: [&str; 2]| {
            let text = prompt.text(shown, &answers);
            self.request(vec![json!({"role": "user", "content": text})])
        };
        let requests = [ask([strong, weak])?, ask([weak, strong])?];
        Ok(Orders { prompt, requests })
    }

    fn request(&self, messages: Vec<Value>) -> Result<Request, GatewayError> {
        let most = self.upstream.and_then(|upstream| upstream.max_output_tokens);
        let limit = most.unwrap_or(OUTPUT_TOKENS);
        let body = json!({"model": self.model, "messages": messages, "max_tokens": limit});
        let text = body.to_string();
        let body = RequestBody::new(Dialect::Chat, &text, &self.loaded.manifest)?;
        let input_tokens = input_tokens(&body, &text, &|text| self.loaded.count(text)) as u64;
        Ok(Request { messages, body, source: Source::of_text(&text), input_tokens })
    }

    /// The most that both first requests may cost, in US dollars.
    ///
    /// # Errors
    /// [`GatewayError::PriceUnknown`].
    pub(super) fn bound(&self, orders: &Orders) -> Result<f64, GatewayError> {
        let [forward, backward] = &orders.requests;
        Ok(self.usd(forward)? + self.usd(backward)?)
    }

    fn usd(&self, request: &Request) -> Result<f64, GatewayError> {
        Ok(self.calls.bound(self.model, &request.body)?.usd())
    }

    /// Asks for both orders at once; where an answer names no place, once more for it. `spent` is what of the
    /// reservation earlier calls cost.
    pub(super) async fn ask(&self, orders: &Orders, reserved: &Reservation, spent: f64) -> Judged {
        let mut judged = Judged { places: Err(UNREADABLE.into()), charged: 0.0, shown: Some(0.0) };
        let [forward, backward] = &orders.requests;
        let both = [Some(forward), Some(backward)];
        let said = match self.answers(both, reserved, spent, &mut judged).await {
            Ok(said) => said,
            Err(code) => return Judged { places: Err(code), ..judged },
        };
        let read = said.each_ref().map(|text| text.as_deref().and_then(named));
        let again = |at: usize| match read[at] {
            Some(_) => Ok(None),
            None => {
                let text = said[at].as_deref().unwrap_or_default();
                self.again(&orders.prompt, &orders.requests[at], text).map(Some)
            }
        };
        let second = match (again(0), again(1)) {
            (Ok(one), Ok(other)) => [one, other],
            (Err(error), _) | (_, Err(error)) => {
                return Judged { places: Err(error.code().into()), ..judged };
            }
        };
        let asked = second.each_ref().map(Option::as_ref);
        let later = match self.answers(asked, reserved, spent, &mut judged).await {
            Ok(later) => later,
            Err(code) => return Judged { places: Err(code), ..judged },
        };
        let place_of = |at: usize| read[at].or_else(|| later[at].as_deref().and_then(named));
        if let (Some(forward), Some(backward)) = (place_of(0), place_of(1)) {
            judged.places = Ok([forward, backward]);
        }
        judged
    }

    /// The request after an answer that could not be read, as the trainer makes it.
    fn again(
        &self,
        prompt: &JudgePrompt,
        first: &Request,
        said: &str,
    ) -> Result<Request, GatewayError> {
        let mut messages = first.messages.clone();
        if !said.trim().is_empty() {
            messages.push(json!({"role": "assistant", "content": said.trim()}));
            messages.push(json!({"role": "user", "content": prompt.again()}));
        }
        self.request(messages)
    }

    /// The texts of the judge's answers to those requests that there are. More is reserved first, if they may
    /// cost more than is left.
    async fn answers(
        &self,
        requests: [Option<&Request>; 2],
        reserved: &Reservation,
        spent: f64,
        judged: &mut Judged,
    ) -> Result<[Option<String>; 2], String> {
        let code = |error: GatewayError| error.code().to_owned();
        let mut needed = [0.0; 2];
        for (usd, request) in needed.iter_mut().zip(requests) {
            *usd = request.map_or(Ok(0.0), |request| self.usd(request)).map_err(code)?;
        }
        let total = spent + judged.charged + needed[0] + needed[1];
        if total > reserved.granted() {
            reserved.raise(total).await.map_err(code)?;
        }
        let [one, other] = requests;
        let (one, other) = join(
            self.answer(one, reserved.part(needed[0])),
            self.answer(other, reserved.part(needed[1])),
        )
        .await;
        for found in [&one, &other].into_iter().flatten() {
            judged.charged += found.charged;
            judged.shown = judged.shown.zip(found.shown).map(|(sum, one)| sum + one);
        }
        let text = |found: Option<OwnAnswer>| {
            found.map(|found| found.answer.map(|content| content.text)).transpose()
        };
        Ok([text(one)?, text(other)?])
    }

    async fn answer(&self, request: Option<&Request>, reserved: Reservation) -> Option<OwnAnswer> {
        let request = request?;
        let asked = Asked {
            model: self.model,
            body: &request.body,
            source: &request.source,
            history: &History::default(),
            references: &References::default(),
            input_tokens: request.input_tokens,
        };
        Some(self.calls.call(&asked, reserved).await)
    }
}

/// The place that an answer of the judge names.
fn named(said: &str) -> Option<Place> {
    place(without_reasoning(said))
}
