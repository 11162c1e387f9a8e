//! The report of a labelling loop ([`OwnPrompts`]): what a router of one's own keeps and saves on prompts of one's
//! own, for a reader who decides and does not train.
//!
//! The same values are written as JSON, drawn as a page ([`page`]) and as Markdown ([`markdown()`]); the verdict
//! ([`verdict()`]) is one sentence of them.

pub(super) mod drawings;
mod markdown;
pub mod page;
mod tables;
pub(super) mod verdict;

use serde::{Deserialize, Serialize};

use crate::eval::Savings;

pub use markdown::markdown;
pub use verdict::verdict;

/// Version of the JSON.
pub const FORMAT: u32 = 1;

/// What a loop found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OwnPrompts {
    /// [`FORMAT`].
    pub format: u32,
    /// The bundle's name.
    pub name: String,
    pub counts: PromptCounts,
    pub labels: LabelFacts,
    pub money: LabelMoney,
    /// The router; `None` where none was trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub router: Option<RouterFacts>,
    /// Why no router was trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_router: Option<NoRouter>,
    pub savings: Savings,
    /// [`verdict()`] of all the above.
    pub verdict: String,
}

/// How many prompts came how far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PromptCounts {
    /// Distinct prompts read.
    pub prompts: usize,
    /// Prompts with an answer of each LLM.
    pub answered: usize,
    /// Prompts with a label.
    pub labelled: usize,
    /// Labelled prompts that were trained and calibrated on.
    pub trained_on: usize,
    /// Labelled prompts that were held out.
    pub held_out: usize,
    /// Groups of prompts that ask the same or share a passage, each on one side of the split.
    pub groups: usize,
    /// Labelled prompts on which the strong LLM did better.
    pub strong_better: usize,
    /// Labelled prompts on which the weak LLM did better.
    pub weak_better: usize,
}

/// How answers became labels.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LabelFacts {
    /// What quality is, as a sentence.
    pub quality: String,
    /// Whether scores are relative to the strong LLM's, so that only the quality kept has a meaning.
    pub is_relative: bool,
    /// What the judge's report says, one fact a line.
    pub notes: Vec<String>,
}

/// What labels cost.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct LabelMoney {
    /// USD spent on answers.
    pub answers_usd: f64,
    /// USD spent on judging.
    pub judging_usd: f64,
    /// The cap in USD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_usd: Option<f64>,
}

impl LabelMoney {
    #[must_use]
    pub fn total_usd(&self) -> f64 {
        self.answers_usd + self.judging_usd
    }
}

/// The router that was trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RouterFacts {
    /// Its kind.
    pub kind: String,
    /// Share of held-out prompts.
    pub held_out_share: f64,
    /// Share of strong calls that it is asked for where a request states none.
    pub default_strong_share: f64,
    /// Its threshold at that share.
    pub threshold: f64,
    /// Whether the labels changed the ranking of prompts, beside each LLM's ability.
    pub corrected: bool,
    /// The bundle that it was trained from.
    pub base: String,
}

/// Why no router was trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoRouter {
    /// Both LLMs did alike on every prompt.
    AllEqual,
    /// The strong LLM did better on no prompt.
    StrongNeverBetter,
    /// The strong LLM did better on every prompt.
    StrongAlwaysBetter,
    /// The mean score of the strong LLM is not above that of the weak one.
    NoGap,
}

impl OwnPrompts {
    /// Requests after which the labels have paid for themselves, at a saving a request in USD; `None` where there
    /// is no saving.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn requests_to_pay(&self, saved_a_request: f64) -> Option<u64> {
        let requests = self.money.total_usd() / saved_a_request;
        (saved_a_request > 0.0 && requests.is_finite()).then(|| requests.ceil() as u64)
    }

    /// The share of strong calls that the verdict speaks of: the router's own, or the nearest that was measured.
    #[must_use]
    pub fn headline_share(&self) -> Option<f64> {
        let own = self.router.as_ref()?.default_strong_share;
        let shares = self.savings.shares();
        shares.into_iter().min_by(|a, b| (a - own).abs().total_cmp(&(b - own).abs()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod tests {
    use super::*;
    use crate::eval::bootstrap::Settings;
    use crate::eval::pair::PairModels;
    use crate::eval::pair::rows::PairRow;
    use crate::eval::savings::{Policy, Ranking, measure};

    /// Two LLMs of which the weak one fails at every third prompt; the router knows of `known` in ten of them.
    pub(crate) fn example(rows: usize, known: usize) -> OwnPrompts {
        let row = |at: usize| PairRow {
            weak: f64::from(u8::from(!at.is_multiple_of(3))),
            strong: f64::from(u8::from(at % 11 != 1)),
            weak_cost: Some(0.0004 + 0.000_01 * (at % 7) as f64),
            strong_cost: Some(0.006 + 0.0001 * (at % 13) as f64),
            length: 20 + at % 50,
            ..PairRow::default()
        };
        let scored: Vec<PairRow> = (0..rows).map(row).collect();
        let knows = |at: usize| (at / 3) % 10 < known;
        let rate = |at: usize| match (knows(at), at % 3) {
            (true, 0) => 0.9,
            (true, _) => 0.1,
            _ => (at * 37 % 101) as f64 / 101.0,
        };
        let router: Vec<f64> = (0..rows).map(rate).collect();
        let length: Vec<f64> = scored.iter().map(|row| row.length as f64).collect();
        let ranking = |policy, win_rates: &Vec<f64>| {
            let mut ascending = win_rates.clone();
            ascending.sort_by(f64::total_cmp);
            let threshold = |share: f64| ascending[((1.0 - share) * (rows - 1) as f64) as usize];
            let thresholds = [0.2, 0.4, 0.6].map(threshold).to_vec();
            Ranking { policy, win_rates: win_rates.clone(), thresholds }
        };
        let rankings = [
            ranking(Policy::Router, &router),
            ranking(Policy::Untrained, &length.iter().map(|l| l.sin()).collect()),
            ranking(Policy::Length, &length),
        ];
        let models = PairModels { weak: "small".into(), strong: "large <4>".into() };
        let settings = Settings { resamples: 300, ..Settings::default() };
        let alone: Vec<usize> = (0..rows).collect();
        let savings =
            measure(&models, &scored, &alone, &[0.2, 0.4, 0.6], &rankings, settings).unwrap();
        let mut found = OwnPrompts {
            format: FORMAT,
            name: "support & sales".into(),
            counts: PromptCounts {
                prompts: 4 * rows,
                answered: 4 * rows - 3,
                labelled: 4 * rows - 5,
                trained_on: 3 * rows - 5,
                held_out: rows,
                groups: 3 * rows,
                strong_better: rows,
                weak_better: rows / 3,
            },
            labels: LabelFacts {
                quality: "Share of answers that are right.".into(),
                is_relative: false,
                notes: vec!["position bias: the first answer won 61 % [57 %, 65 %]".into()],
            },
            money: LabelMoney { answers_usd: 2.5, judging_usd: 0.75, max_usd: Some(5.0) },
            router: Some(RouterFacts {
                kind: "difficulty".into(),
                held_out_share: 0.3,
                default_strong_share: 0.4,
                threshold: 0.61,
                corrected: true,
                base: "default".into(),
            }),
            no_router: None,
            savings,
            verdict: String::new(),
        };
        found.verdict = verdict(&found);
        found
    }

    /// The same without a router.
    pub(crate) fn without_router(reason: NoRouter) -> OwnPrompts {
        let mut found = example(300, 0);
        found.savings.measured.retain(|measured| measured.asked_share.is_none());
        found.savings.curves.clear();
        (found.router, found.no_router) = (None, Some(reason));
        found.verdict = verdict(&found);
        found
    }

    #[test]
    fn labels_are_paid_after_their_cost_over_the_saving_of_a_request() {
        let found = example(120, 10);
        assert_eq!(found.requests_to_pay(0.001), Some(3250));
        assert_eq!([0.0, -1.0, f64::NAN].map(|saved| found.requests_to_pay(saved)), [None; 3]);
        assert_eq!(found.headline_share(), Some(0.4));
        assert_eq!(without_router(NoRouter::NoGap).headline_share(), None);
    }

    #[test]
    fn the_report_survives_being_written() {
        let found = example(120, 10);
        let text = serde_json::to_string(&found).unwrap();
        assert_eq!(serde_json::from_str::<OwnPrompts>(&text).unwrap(), found);
    }
}
