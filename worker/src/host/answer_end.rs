//! When a streamed answer is over although its upstream keeps the connection open: some send no `[DONE]`, and
//! comments without an end.

use super::js::now;
use crate::translate::stream::StreamTranslator;

/// How long the usage and `[DONE]` are waited for after the last event of a complete answer, in milliseconds.
const GRACE_MS: f64 = 5000.0;

/// The end of an answer.
#[derive(Default)]
pub(super) struct AnswerEnd {
    /// The number of events so far, and when the last one arrived.
    events: u64,
    last: f64,
    expired: bool,
}

impl AnswerEnd {
    /// Whether nothing more is waited for.
    pub(super) fn is_overdue(&mut self, translator: &StreamTranslator) -> bool {
        translator.is_complete() && (self.expired || self.left_ms(translator) <= 0.0)
    }

    /// A wait of at most `milliseconds`, and no longer than the usage and `[DONE]` of a complete answer are
    /// waited for.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub(super) fn wait(&mut self, translator: &StreamTranslator, milliseconds: u32) -> u32 {
        match translator.is_complete() {
            true => milliseconds.min(self.left_ms(translator).max(0.0).ceil() as u32),
            false => milliseconds,
        }
    }

    /// Ends the wait.
    pub(super) fn expire(&mut self) {
        self.expired = true;
    }

    /// The milliseconds that are left after the last event, which is noticed here.
    fn left_ms(&mut self, translator: &StreamTranslator) -> f64 {
        if translator.events() != self.events {
            (self.events, self.last) = (translator.events(), now());
        }
        self.last + GRACE_MS - now()
    }
}
