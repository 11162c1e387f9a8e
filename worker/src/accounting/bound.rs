//! Bounds the cost of a request before it is sent: what a budget reserves.
//!
//! ```text
//! most = input tokens * dearest input price + answers * output tokens * output price
//! ```
//! A token of a text is at least one byte of the request's body, since tokenizers fall back to bytes and
//! JSON's escapes are longer than what they stand for. Images count `imageTokens` each instead of their
//! data. A file's text may be longer than its compressed data, and a file that is only named has no size
//! here; the model's context window bounds both.

use super::prices::Prices;
use crate::config::{DEFAULT_IMAGE_TOKENS, DEFAULT_MAX_OUTPUT_TOKENS, Upstream};
use crate::error::Untranslatable;
use crate::request::body::RequestBody;
use crate::request::endpoint::Dialect;

/// Input tokens that providers add for tools, in a prompt of their own.
const TOOLS_TOKENS: u64 = 1024;
/// Input tokens of a file for each byte of its data.
const FILE_TOKENS_PER_BYTE: u64 = 4;
/// The context window of a model whose window is not configured, where only the window bounds the input.
const UNKNOWN_WINDOW: u64 = 1_000_000;
/// The fewest output tokens for which a request that states no limit is worth sending.
const LEAST_OUTPUT_TOKENS: u64 = 256;

/// What a request may use, for any model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Demand {
    input_tokens: u64,
    images: u64,
    references: bool,
    answers: u64,
    stated_output: Option<u64>,
    has_output: bool,
}

/// The most that a request may cost at one model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bound {
    input_usd: f64,
    /// Of one output token in each answer.
    token_usd: f64,
    /// Output tokens of each answer.
    output_tokens: u64,
    least_tokens: u64,
}

impl Demand {
    /// Reads what a request may use.
    ///
    /// # Errors
    /// [`Untranslatable`] for an output limit or a number of answers that is not a whole number.
    pub(crate) fn new(body: &RequestBody) -> Result<Self, Untranslatable> {
        let media = &body.media;
        let text = (body.length as u64).saturating_sub(media.image_bytes);
        let files = media.file_bytes.saturating_mul(FILE_TOKENS_PER_BYTE - 1);
        let tools = if body.has_tools() { TOOLS_TOKENS } else { 0 };
        Ok(Self {
            input_tokens: text.saturating_add(files).saturating_add(tools),
            images: media.images,
            references: media.references > 0,
            answers: body.answers()?,
            stated_output: body.largest_output()?,
            has_output: body.dialect != Dialect::Embeddings,
        })
    }

    /// The output tokens of all answers, of `limit` tokens each.
    pub(crate) fn most_output(&self, limit: u64) -> u64 {
        self.answers.saturating_mul(limit)
    }

    /// The most that the request may cost at a model.
    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn at(&self, upstream: &Upstream, prices: &Prices) -> Bound {
        let window = upstream.context_window;
        let image_tokens = upstream.image_tokens.map_or(DEFAULT_IMAGE_TOKENS, u64::from);
        let input = match self.references {
            true => window.unwrap_or(UNKNOWN_WINDOW),
            false => self.input_tokens.saturating_add(self.images.saturating_mul(image_tokens)),
        };
        let input = window.map_or(input, |window| input.min(window));
        let most = upstream.max_output_tokens.map(u64::from);
        let output = match (self.stated_output, most) {
            _ if !self.has_output => 0,
            (Some(stated), Some(most)) => stated.min(most),
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) => DEFAULT_MAX_OUTPUT_TOKENS,
        };
        let output = window.map_or(output, |window| output.min(window));
        let least =
            if self.stated_output.is_some() { output } else { output.min(LEAST_OUTPUT_TOKENS) };
        Bound {
            input_usd: input as f64 * prices.dearest_input_token(),
            token_usd: self.answers as f64 * prices.output_token(),
            output_tokens: output,
            least_tokens: least,
        }
    }
}

impl Bound {
    /// The most that the request may cost, in US dollars.
    pub(crate) fn usd(&self) -> f64 {
        self.of(self.output_tokens)
    }

    /// The least amount for which it is worth sending: a request that states a limit is not cut short.
    pub(crate) fn least_usd(&self) -> f64 {
        self.of(self.least_tokens)
    }

    /// The limit on the output tokens of each answer with which the request costs at most `usd`; none if
    /// that is not worth sending.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub(crate) fn output_within(&self, usd: f64) -> Option<u64> {
        // Sums of amounts are rounded; a billionth of a dollar is far below a token's price.
        const ROUNDING: f64 = 1e-9;
        if usd + ROUNDING < self.least_usd() {
            return None;
        }
        if usd + ROUNDING >= self.usd() {
            return Some(self.output_tokens);
        }
        Some(((usd - self.input_usd) / self.token_usd) as u64)
    }

    #[allow(clippy::cast_precision_loss)]
    fn of(&self, output_tokens: u64) -> f64 {
        self.input_usd + self.token_usd * output_tokens as f64
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::manifest;
    use serde_json::{Value, json};

    const PRICES: &str = r#""inputPrice": 10, "outputPrice": 30"#;

    fn bound(dialect: Dialect, body: &Value, more: &str) -> (Bound, usize) {
        let text = body.to_string();
        let request = RequestBody::new(dialect, &text, &manifest()).unwrap();
        let upstream: Upstream = serde_json::from_str(&format!("{{{PRICES}{more}}}")).unwrap();
        let prices = Prices::of(&upstream, None, dialect).unwrap();
        (Demand::new(&request).unwrap().at(&upstream, &prices), text.len())
    }

    fn usd(dialect: Dialect, body: &Value, more: &str) -> (f64, f64) {
        let (bound, length) = bound(dialect, body, more);
        ((bound.usd() * 1e6).round(), length as f64 * 10.0)
    }

    fn chat(more: Value) -> Value {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    }

    #[test]
    fn the_output_is_what_is_stated_enforced_or_the_default() {
        let output = |body: Value, more: &str| {
            let (all, input) = usd(Dialect::Chat, &body, more);
            ((all - input) / 30.0).round()
        };
        assert_eq!(output(chat(json!({})), ""), 8192.0);
        assert_eq!(output(chat(json!({"max_tokens": 50})), ""), 50.0);
        assert_eq!(output(chat(json!({"max_tokens": 50, "max_completion_tokens": 70})), ""), 70.0);
        assert_eq!(output(chat(json!({})), r#", "maxOutputTokens": 1000"#), 1000.0);
        let high = chat(json!({"max_tokens": 100_000, "max_output_tokens": 1}));
        assert_eq!(output(high.clone(), ""), 100_000.0);
        assert_eq!(output(high.clone(), r#", "maxOutputTokens": 1000"#), 1000.0);
        assert_eq!(output(high, r#", "contextWindow": 9000"#), 9000.0);
        assert_eq!(output(chat(json!({"n": 128, "max_tokens": 10})), ""), 1280.0);
    }

    #[test]
    fn every_prompt_has_its_answers_and_embeddings_have_none() {
        let prompts =
            json!({"model": "m", "prompt": vec!["a"; 200], "n": 2, "best_of": 3, "max_tokens": 1});
        let (all, input) = usd(Dialect::Completions, &prompts, "");
        assert_eq!(all - input, 600.0 * 30.0);
        let (all, input) = usd(Dialect::Embeddings, &json!({"model": "m", "input": "a"}), "");
        assert_eq!(all, input);
    }

    #[test]
    fn images_and_files_have_bounds_of_their_own() {
        let part = |part: Value| json!({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": [part]}]});
        let image = "A".repeat(100_000);
        let image = part(json!({"type": "image_url", "image_url": {"url": image}}));
        let (all, length) = usd(Dialect::Chat, &image, "");
        assert_eq!(all, length - 1_000_000.0 + 81_920.0 + 30.0);
        let (all, length) = usd(Dialect::Chat, &image, r#", "imageTokens": 50000"#);
        assert_eq!(all, length - 1_000_000.0 + 500_000.0 + 30.0);
        let file = part(json!({"type": "file", "file": {"file_data": "A".repeat(1000)}}));
        let (all, length) = usd(Dialect::Chat, &file, "");
        assert_eq!(all, length + 30_000.0 + 30.0);
        let named = part(json!({"type": "input_file", "file_id": "f-1"}));
        assert_eq!(usd(Dialect::Chat, &named, "").0, 10_000_030.0);
        assert_eq!(usd(Dialect::Chat, &named, r#", "contextWindow": 1000"#).0, 10_030.0);
    }

    #[test]
    fn what_is_left_of_a_budget_shortens_an_answer_without_a_stated_limit() {
        let (free, _) = bound(Dialect::Chat, &chat(json!({})), "");
        assert_eq!(free.output_within(free.usd()), Some(8192));
        assert_eq!(free.output_within(free.usd() - 3e-5 * 192.0), Some(8000));
        assert_eq!(free.output_within(free.least_usd()), Some(256));
        assert_eq!(free.output_within(free.least_usd() - 1e-6), None);
        let (stated, _) = bound(Dialect::Chat, &chat(json!({"max_tokens": 500})), "");
        assert_eq!(stated.output_within(stated.usd()), Some(500));
        assert_eq!(stated.output_within(stated.usd() - 1e-6), None);
        let zero: Upstream =
            serde_json::from_str(r#"{"inputPrice": 0, "outputPrice": 0}"#).unwrap();
        let text = chat(json!({})).to_string();
        let request = RequestBody::new(Dialect::Chat, &text, &manifest()).unwrap();
        let prices = Prices::of(&zero, None, Dialect::Chat).unwrap();
        assert_eq!(
            Demand::new(&request).unwrap().at(&zero, &prices).output_within(0.0),
            Some(8192)
        );
    }
}
