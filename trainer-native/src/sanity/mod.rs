//! Asks a bundle whether its decisions are sensible, on requests written for this project
//! (`trainer-native/sanity/cases.toml`) and on graded needs that the caller gives.
//!
//! The rating of a request is the bundle's win rate, through the engine. Checked are: hard requests over easy
//! ones of the same length, and over longer ones; both behind and before 600 tokens of context; filler, alone
//! and after an easy request; the same requests in ten languages; and whether a decision at 30 % strong
//! calls survives typing errors, capital letters and other words.

mod cases;
mod changes;

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;

use pointsman::{Router, sha256_hex};

use crate::assess::win_rates;
use crate::data::LabelRow;
use crate::error::TrainerError;
use crate::eval::sanity::{Check, LanguageRating};
use crate::eval::transfer::{NeedCorrelations, RatedNeed};
use crate::eval::{SanityResult, bootstrap};
use crate::linear::moments::{deviation, mean};
use cases::{CASES, Cases, LANGUAGES};
use changes::with_typing_errors;

/// Share of strong calls at which decisions are compared.
const STRONG_SHARE: f64 = 0.3;
/// How often filler follows an easy request.
const FILLER: usize = 50;

/// Rows of graded needs to rate, with their source's name and how they relate to the bundle's training.
pub struct GradedNeeds {
    pub name: String,
    /// Such as `not checked`, or which data the rows are without.
    pub held_back: String,
    pub rows: Vec<LabelRow>,
}

/// Asks a bundle of a pair; the seed of `bootstrap` is also that of the typing errors.
///
/// # Errors
/// [`TrainerError::NothingToScore`] for a bundle without a pair, those of the engine and of the evaluation;
/// [`TrainerError::Interrupted`].
pub fn ask(
    router: &Router,
    needs: &[GradedNeeds],
    bootstrap: bootstrap::Settings,
    stop: &AtomicBool,
) -> Result<SanityResult, TrainerError> {
    let cases = Cases::read()?;
    let texts = Texts::of(&cases, bootstrap.seed);
    let ratings = Ratings::of(router, &texts, stop)?;
    let mut checks = ratings.orders(&texts);
    checks.extend(ratings.filler(&texts));
    checks.extend(ratings.changes(&texts));
    let (languages, language_spread) = ratings.languages(&cases);
    let mut found = Vec::new();
    for needs in needs {
        let queries: Vec<&str> = needs.rows.iter().map(|row| row.query.as_str()).collect();
        let rated = win_rates(router, &queries, stop)?;
        let rows: Vec<RatedNeed> =
            needs.rows.iter().zip(rated).map(|(row, rating)| RatedNeed::of(row, rating)).collect();
        found.push(NeedCorrelations::of(&needs.name, &needs.held_back, &rows, bootstrap)?);
    }
    let info = router.info();
    Ok(SanityResult {
        bundle: info.name.clone(),
        kind: info.kind.clone(),
        tier: info.encoder.tier.clone(),
        cases_sha256: sha256_hex(CASES.as_bytes()),
        seed: bootstrap.seed,
        checks,
        languages,
        language_spread,
        bootstrap,
        needs: found,
    })
}

/// Texts to rate, by what they are compared with.
struct Texts {
    /// Checks of order, each with pairs of a text that must be rated below another.
    orders: Vec<(&'static str, Vec<(String, String)>)>,
    /// Filler alone, and easy requests with filler behind them.
    filler: [(&'static str, Vec<String>); 2],
    /// Texts decided on at a share of strong calls.
    decided: Vec<String>,
    /// Changes of these texts, in their order or of some of them: text and changed text.
    changes: Vec<(&'static str, Vec<(String, String)>)>,
    /// All translated prompts.
    translated: Vec<String>,
}

impl Texts {
    fn of(cases: &Cases, seed: u64) -> Self {
        let equal = || cases.equal_length.iter();
        let both = |join: &dyn Fn(&str) -> String| -> Vec<(String, String)> {
            equal().map(|pair| (join(&pair.easy), join(&pair.hard))).collect()
        };
        let context = cases.context.trim();
        let orders = vec![
            ("hard over easy of equal length", both(&str::to_owned)),
            (
                "short and hard over long and easy",
                cases.short_and_hard.iter().map(|p| (p.easy.clone(), p.hard.clone())).collect(),
            ),
            (
                "hard over easy behind 600 tokens of context",
                both(&|text| format!("{context}\n\n{text}")),
            ),
            (
                "hard over easy before 600 tokens of context",
                both(&|text| format!("{text}\n\n{context}")),
            ),
        ];
        let repeated = |text: &str, times: usize| vec![text; times].join(" ");
        let alone = cases.filler.iter().map(|f| repeated(&f.text, f.times)).collect();
        let please = repeated("please", FILLER);
        let behind = equal().map(|pair| format!("{} {please}", pair.easy)).collect();
        let filler = [
            ("filler rated with the easy", alone),
            ("easy requests with \"please\" fifty times behind them rated with the easy", behind),
        ];
        let mut decided: Vec<String> =
            equal().flat_map(|pair| [pair.easy.clone(), pair.hard.clone()]).collect();
        decided.extend(cases.paraphrases.iter().map(|p| p.text.clone()));
        let each = |change: &dyn Fn(usize, &str) -> String| -> Vec<(String, String)> {
            let changed = |(at, text): (usize, &String)| (text.clone(), change(at, text));
            decided.iter().enumerate().map(changed).collect()
        };
        let changes = vec![
            (
                "decisions unchanged by typing errors",
                each(&|at, text| with_typing_errors(text, seed, at as u64)),
            ),
            ("decisions unchanged in lower case", each(&|_, text| text.to_lowercase())),
            ("decisions unchanged in capital letters", each(&|_, text| text.to_uppercase())),
            (
                "decisions unchanged in other words",
                cases.paraphrases.iter().map(|p| (p.text.clone(), p.again.clone())).collect(),
            ),
        ];
        let translated = cases.translated.iter().flat_map(|prompt| {
            LANGUAGES.iter().filter_map(|language| prompt.texts.get(*language).cloned())
        });
        Self { orders, filler, changes, translated: translated.collect(), decided }
    }

    fn all(&self) -> Vec<&str> {
        let orders = self.orders.iter().chain(&self.changes).flat_map(|(_, pairs)| pairs);
        let orders = orders.flat_map(|(one, other)| [one, other]);
        let filler = self.filler.iter().flat_map(|(_, texts)| texts);
        let all = orders.chain(filler).chain(&self.decided).chain(&self.translated);
        let mut all: Vec<&str> = all.map(String::as_str).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// Rating of each text.
struct Ratings(HashMap<String, f64>);

impl Ratings {
    fn of(router: &Router, texts: &Texts, stop: &AtomicBool) -> Result<Self, TrainerError> {
        let all = texts.all();
        let rates = win_rates(router, &all, stop)?;
        Ok(Self(all.into_iter().map(str::to_owned).zip(rates).collect()))
    }

    /// Every text asked for was rated.
    fn rating(&self, text: &str) -> f64 {
        self.0.get(text).copied().unwrap_or(f64::NAN)
    }

    fn orders(&self, texts: &Texts) -> Vec<Check> {
        let right = |(low, high): &&(String, String)| self.rating(low) < self.rating(high);
        let count = |(check, pairs): &(&str, Vec<(String, String)>)| Check {
            check: (*check).to_owned(),
            passed: pairs.iter().filter(right).count(),
            cases: pairs.len(),
        };
        texts.orders.iter().map(count).collect()
    }

    /// A text is rated with the easy where its rating is below the middle of the mean ratings of the easy and
    /// the hard requests of equal length.
    fn filler(&self, texts: &Texts) -> Vec<Check> {
        let Some((_, pairs)) = texts.orders.first() else { return Vec::new() };
        let middle = f64::midpoint(
            mean(&pairs.iter().map(|(easy, _)| self.rating(easy)).collect::<Vec<_>>()),
            mean(&pairs.iter().map(|(_, hard)| self.rating(hard)).collect::<Vec<_>>()),
        );
        let count = |(check, texts): &(&str, Vec<String>)| Check {
            check: (*check).to_owned(),
            passed: texts.iter().filter(|text| self.rating(text) < middle).count(),
            cases: texts.len(),
        };
        texts.filler.iter().map(count).collect()
    }

    /// Decides at the threshold that sends [`STRONG_SHARE`] of the unchanged texts to the strong model.
    fn changes(&self, texts: &Texts) -> Vec<Check> {
        let mut falling: Vec<f64> = texts.decided.iter().map(|text| self.rating(text)).collect();
        falling.sort_by(|a, b| b.total_cmp(a));
        let strong = (STRONG_SHARE * falling.len() as f64).round() as usize;
        let at = |place: usize| falling.get(place).copied().unwrap_or(f64::INFINITY);
        // Half-way to the first that goes to the weak model.
        let threshold = f64::midpoint(at(strong.saturating_sub(1)), at(strong));
        let is_strong = |text: &str| self.rating(text) >= threshold;
        let count = |(check, pairs): &(&str, Vec<(String, String)>)| Check {
            check: (*check).to_owned(),
            passed: pairs.iter().filter(|(text, new)| is_strong(text) == is_strong(new)).count(),
            cases: pairs.len(),
        };
        texts.changes.iter().map(count).collect()
    }

    /// Mean ratings by language, and the spread of these means.
    fn languages(&self, cases: &Cases) -> (Vec<LanguageRating>, f64) {
        let (mut found, mut means, mut all) = (Vec::new(), Vec::new(), Vec::new());
        for language in LANGUAGES {
            let of = |hard: bool| -> Vec<f64> {
                let prompts = cases.translated.iter().filter(|prompt| prompt.hard == hard);
                prompts.filter_map(|p| p.texts.get(language)).map(|t| self.rating(t)).collect()
            };
            let (easy, hard) = (of(false), of(true));
            let pairs = easy.iter().flat_map(|low| hard.iter().map(move |high| low < high));
            let right: Vec<f64> = pairs.map(|right| f64::from(u8::from(right))).collect();
            let both = [easy.as_slice(), &hard].concat();
            found.push(LanguageRating {
                language: language.to_owned(),
                easy: mean(&easy),
                hard: mean(&hard),
                in_order: mean(&right),
            });
            means.push(mean(&both));
            all.extend(both);
        }
        let spread = deviation(&all);
        (found, if spread > 0.0 { deviation(&means) / spread } else { 0.0 })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// What a router says whose rating of a text is `rate`.
    fn rated(rate: impl Fn(&Cases, &str) -> f64) -> (Vec<Check>, Vec<LanguageRating>, f64) {
        let cases = Cases::read().unwrap();
        let texts = Texts::of(&cases, 1);
        let all = texts.all().into_iter().map(|text| (text.to_owned(), rate(&cases, text)));
        let ratings = Ratings(all.collect());
        let mut checks = ratings.orders(&texts);
        checks.extend(ratings.filler(&texts));
        checks.extend(ratings.changes(&texts));
        let (languages, spread) = ratings.languages(&cases);
        (checks, languages, spread)
    }

    /// 1 for a text that holds a hard request, 0 for others.
    fn knowing(cases: &Cases, text: &str) -> f64 {
        let pairs = cases.equal_length.iter().chain(&cases.short_and_hard);
        let hard = pairs.map(|pair| &pair.hard).chain(
            cases.translated.iter().filter(|p| p.hard).flat_map(|prompt| prompt.texts.values()),
        );
        let text = text.to_lowercase();
        f64::from(u8::from(hard.into_iter().any(|hard| text.contains(&hard.to_lowercase()))))
    }

    #[test]
    fn who_knows_the_hard_requests_passes_the_checks_of_order() {
        let (checks, languages, spread) = rated(knowing);
        let counts: Vec<usize> = checks.iter().map(|check| check.cases).collect();
        assert_eq!(counts, [14, 8, 14, 14, 6, 14, 48, 48, 48, 20]);
        for check in checks.iter().filter(|check| !check.check.contains("typing errors")) {
            assert_eq!(check.passed, check.cases, "{}", check.check);
        }
        assert_eq!(languages.len(), LANGUAGES.len());
        assert!(
            languages.iter().all(|one| one.in_order == 1.0 && one.easy == 0.0 && one.hard == 1.0)
        );
        assert_eq!(spread, 0.0);
    }

    #[test]
    fn who_counts_letters_fails_where_length_does_not_tell() {
        let (checks, languages, spread) = rated(|_, text| text.chars().count() as f64);
        let passed = |name: &str| {
            let check = checks.iter().find(|check| check.check.starts_with(name)).unwrap();
            (check.passed, check.cases)
        };
        assert_eq!(passed("short and hard"), (0, 8));
        assert!(passed("hard over easy of equal").0 < 14);
        assert_eq!(passed("easy requests with"), (0, 14));
        assert_eq!(passed("decisions unchanged in capital letters"), (48, 48));
        assert_eq!(languages[0].language, "en");
        assert!(spread > 0.1, "{spread}");
    }

    #[test]
    fn who_reads_only_the_beginning_sees_nothing_behind_a_context() {
        let (checks, ..) =
            rated(|cases, text| knowing(cases, &text.chars().take(400).collect::<String>()));
        let passed = |name: &str| checks.iter().find(|c| c.check.contains(name)).unwrap().passed;
        assert_eq!((passed("behind 600"), passed("before 600")), (0, 14));
    }
}
