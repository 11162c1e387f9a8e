//! Chooses pairs of a source's LLMs, a stronger and a weaker one by mean score.

use crate::data::Outcomes;
use crate::eval::pair::rows::PairRow;

/// Share of a source's rows that an LLM, and a pair, must have answered.
const LEAST_SHARE: f64 = 0.7;
/// Fewest LLMs that make a quarter and a half.
const FEWEST_LLMS: usize = 4;

/// Two LLMs, or two groups of LLMs, with their scores on the rows that both answered.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LlmPair {
    /// Which two.
    pub pair: &'static str,
    pub strong: String,
    pub weak: String,
    /// Scores, without costs and categories.
    pub rows: Vec<PairRow>,
    /// Place of each of these rows in the source.
    pub at: Vec<usize>,
}

/// The pairs of a source, and which were left out, with the reason. LLMs that answered less than 70 % of
/// the rows take no part.
pub(super) fn llm_pairs(outcomes: &Outcomes) -> (Vec<LlmPair>, Vec<String>) {
    let llms = by_mean_score(outcomes);
    let count = llms.len();
    if count < 2 {
        let note = format!(
            "not scored: found {count} LLMs that answered {:.0} % of the questions, expected at least 2",
            100.0 * LEAST_SHARE
        );
        return (Vec::new(), vec![note]);
    }
    let mut places: Vec<(&'static str, &[usize], &[usize])> = Vec::new();
    let one = |place: usize| llms.get(place..=place).unwrap_or_default();
    places.push(("best over worst", one(0), one(count - 1)));
    if count > 2 {
        places.push(("best over median", one(0), one(count / 2)));
    }
    if count > 3 {
        places.push(("second best over second worst", one(1), one(count - 2)));
    }
    if count >= FEWEST_LLMS {
        let upper = llms.get(..count / 4).unwrap_or_default();
        let lower = llms.get(count - count / 2..).unwrap_or_default();
        places.push(("upper quarter over lower half", upper, lower));
    }
    let (mut pairs, mut notes) = (Vec::new(), Vec::new());
    for (pair, strong, weak) in places {
        let found = pair_of(outcomes, pair, strong, weak);
        let share = found.rows.len() as f64 / outcomes.rows.len().max(1) as f64;
        if share < LEAST_SHARE {
            notes.push(format!(
                "{pair}: left out, {} and {} have {:.0} % of the rows in common, expected at least {:.0} %",
                found.strong,
                found.weak,
                100.0 * share,
                100.0 * LEAST_SHARE
            ));
        } else {
            pairs.push(found);
        }
    }
    (pairs, notes)
}

/// The LLMs that answered enough rows, by falling mean score.
fn by_mean_score(outcomes: &Outcomes) -> Vec<usize> {
    let mean = |model: usize| {
        let scores: Vec<f64> =
            outcomes.rows.iter().filter_map(|row| row.score(model).map(f64::from)).collect();
        let enough = scores.len() as f64 >= LEAST_SHARE * outcomes.rows.len() as f64;
        (enough && !scores.is_empty())
            .then(|| (scores.iter().sum::<f64>() / scores.len() as f64, model))
    };
    let mut means: Vec<(f64, usize)> = (0..outcomes.models.len()).filter_map(mean).collect();
    means.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    means.into_iter().map(|(_, model)| model).collect()
}

fn pair_of(outcomes: &Outcomes, pair: &'static str, strong: &[usize], weak: &[usize]) -> LlmPair {
    let name = |models: &[usize]| match models {
        &[model] => outcomes.models.get(model).cloned().unwrap_or_default(),
        models => format!("the mean of {} LLMs", models.len()),
    };
    let (mut rows, mut at) = (Vec::new(), Vec::new());
    for (place, row) in outcomes.rows.iter().enumerate() {
        let mean = |models: &[usize]| {
            let scores: Vec<f64> =
                models.iter().filter_map(|&m| row.score(m).map(f64::from)).collect();
            (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64)
        };
        if let Some((strong, weak)) = mean(strong).zip(mean(weak)) {
            let length = row.query.chars().count();
            rows.push(PairRow { weak, strong, length, ..PairRow::default() });
            at.push(place);
        }
    }
    LlmPair { pair, strong: name(strong), weak: name(weak), rows, at }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::OutcomeRow;

    /// Rows of LLMs of which the m-th answers `answered[m]` of 100 rows, and those before `right[m]` well.
    fn outcomes(right: &[usize], answered: &[usize]) -> Outcomes {
        let row = |at: usize| OutcomeRow {
            id: at.to_string(),
            query: "?".repeat(at + 1),
            dataset: "own".into(),
            category: None,
            cluster: None,
            scores: (0..right.len())
                .filter(|&m| at < answered[m])
                .map(|m| (m, f32::from(u8::from(at < right[m]))))
                .collect(),
            costs: Vec::new(),
        };
        Outcomes {
            models: (0..right.len()).map(|m| format!("llm-{m}")).collect(),
            rows: (0..100).map(row).collect(),
            ..Outcomes::default()
        }
    }

    fn named(right: &[usize]) -> Vec<String> {
        let (pairs, notes) = llm_pairs(&outcomes(right, &vec![100; right.len()]));
        assert_eq!(notes, Vec::<String>::new());
        let text = |pair: &LlmPair| format!("{}: {}, {}", pair.pair, pair.strong, pair.weak);
        pairs.iter().map(text).collect()
    }

    #[test]
    fn each_pair_is_of_two_different_llms() {
        assert_eq!(named(&[20, 60]), ["best over worst: llm-1, llm-0"]);
        let three = ["best over worst: llm-1, llm-0", "best over median: llm-1, llm-2"];
        assert_eq!(named(&[20, 60, 40]), three);
        let eight = [
            "best over worst: llm-7, llm-0",
            "best over median: llm-7, llm-3",
            "second best over second worst: llm-6, llm-1",
            "upper quarter over lower half: the mean of 2 LLMs, the mean of 4 LLMs",
        ];
        assert_eq!(named(&[10, 20, 30, 40, 50, 60, 70, 80]), eight);
    }

    #[test]
    fn groups_score_the_mean_of_their_llms() {
        let (pairs, _) = llm_pairs(&outcomes(&[0, 50, 70, 90], &[100; 4]));
        let groups = &pairs[3];
        assert_eq!((groups.strong.as_str(), groups.rows.len()), ("llm-3", 100));
        let (first, last) = (&groups.rows[0], &groups.rows[95]);
        assert_eq!((first.strong, first.weak, first.length), (1.0, 0.5, 1));
        assert_eq!((last.strong, last.weak, last.length), (0.0, 0.0, 96));
    }

    #[test]
    fn llms_with_few_answers_take_no_part_and_a_source_of_them_is_not_scored() {
        let (pairs, _) = llm_pairs(&outcomes(&[20, 60, 30], &[100, 100, 60]));
        assert_eq!(pairs.len(), 1);
        let (pairs, notes) = llm_pairs(&outcomes(&[20, 30], &[100, 60]));
        assert_eq!(pairs, []);
        assert!(notes[0].starts_with("not scored: found 1 LLMs that answered 70 %"), "{notes:?}");
    }
}
