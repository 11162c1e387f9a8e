//! Voting, a baseline of RouterDC's tables: every LLM is asked, and the answer that most of them give counts.
//!
//! Answers are the same where the same is extracted from them ([`Gold::vote`]). Each LLM has one vote, shared
//! among its samples; an answer without anything to extract casts none. Of answers with as many votes, each
//! is taken as often, so that the score is their mean.

use super::gold::Gold;

/// Votes that differ by less are equal: they are sums of shares.
const SAME: f64 = 1e-9;

/// Score of the majority's answer, in [0, 1], given the texts and scores of each LLM's samples; 0 where nothing
/// was extracted from any. `None` for gold answers of kinds that extract none.
pub(super) fn score(gold: &Gold, query: &str, models: &[Vec<(&str, f32)>]) -> Option<f64> {
    if matches!(gold, Gold::Regex(_) | Gold::Tests(_)) {
        return None;
    }
    let mut votes: Vec<(String, f64, f32)> = Vec::new();
    for samples in models {
        for &(text, score) in samples {
            let Some(said) = gold.vote(query, text) else { continue };
            let part = 1.0 / samples.len() as f64;
            match votes.iter_mut().find(|(known, ..)| *known == said) {
                Some((_, count, _)) => *count += part,
                None => votes.push((said, part, score)),
            }
        }
    }
    let most = votes.iter().map(|(_, count, _)| *count).fold(0.0, f64::max);
    let first: Vec<f64> = votes
        .iter()
        .filter(|(_, count, _)| *count > most - SAME)
        .map(|(.., score)| f64::from(*score))
        .collect();
    Some(first.iter().sum::<f64>() / first.len().max(1) as f64)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn voted(answers: &[&[&str]]) -> Option<f64> {
        let gold = Gold::parse(&json!({"numeric": 7})).unwrap();
        let graded: Vec<Vec<(&str, f32)>> = answers
            .iter()
            .map(|samples| {
                let score = |text: &str| gold.grade("", text).unwrap().mark.score();
                samples.iter().map(|&text| (text, score(text))).collect()
            })
            .collect();
        score(&gold, "", &graded)
    }

    #[test]
    fn the_answer_of_the_most_llms_counts() {
        assert_eq!(voted(&[&["7"], &["Answer: 7.0"], &["8"]]), Some(1.0));
        assert_eq!(voted(&[&["7"], &["8"], &["so 8"]]), Some(0.0));
        assert_eq!(voted(&[&["7"], &["8"]]), Some(0.5));
        assert_eq!(voted(&[&["7"], &["none"], &["none"]]), Some(1.0));
        assert_eq!(voted(&[&["none"]]), Some(0.0));
    }

    #[test]
    fn an_llm_has_one_vote_however_many_samples() {
        assert_eq!(voted(&[&["8", "8", "8"], &["7"], &["7"]]), Some(1.0));
        assert_eq!(voted(&[&["8", "7", "7"], &["8"], &["9"]]), Some(0.0));
    }

    #[test]
    fn kinds_that_extract_nothing_have_no_vote() {
        let gold = Gold::parse(&json!({"regex": "a"})).unwrap();
        assert_eq!(score(&gold, "", &[vec![("a", 1.0)]]), None);
    }
}
