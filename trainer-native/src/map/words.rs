//! Names clusters by their most distinctive words.
//!
//! ```text
//! score(w, c) = share of the queries of cluster c that hold w  *  ln(that share / share of all)^2
//! ```
//! This is a class-based TF-IDF: the first factor measures how much a word is used, the second how
//! specific it is to the cluster. Squared, it prefers a word of the cluster's subject to one that
//! is only a little more frequent here than elsewhere. Words that every set of questions uses
//! (`question`, `which`) are excluded as too frequent.
//!
//! A word is three lower-case letters or more, as the queries write it: a word that is always
//! capitalised is a name or begins a sentence, one after a backslash is a TeX command.

use std::collections::{BTreeMap, BTreeSet};

const WORDS: usize = 3;
/// Fewest queries of a cluster that must hold a word: a name must not reveal a single query.
const SEVERAL: usize = 3;
/// The same as a share of the cluster.
const LEAST_SHARE: f64 = 0.01;
/// Share of all queries above which a word is too common.
const COMMON: f64 = 0.03;
/// Lowest count for a common word, since a share of a few dozen queries says little.
const LEAST_COMMON: usize = 10;
/// Most letters of a word.
const LONGEST: usize = 24;

/// Names each of the `groups` clusters of `texts`. A cluster without such a word is called by its
/// number, from 1.
#[must_use]
#[allow(clippy::cast_precision_loss)]
pub fn names(texts: &[&str], group_of: &[usize], groups: usize) -> Vec<String> {
    let mut sizes = vec![0_usize; groups];
    let mut counts: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (text, &group) in texts.iter().zip(group_of) {
        sizes[group] += 1;
        for word in words(text) {
            counts.entry(word).or_insert_with(|| vec![0; groups])[group] += 1;
        }
    }
    let common = ((texts.len() as f64 * COMMON) as usize).max(LEAST_COMMON);
    let name = |group: usize| {
        let score = |(word, counts): (&&str, &Vec<usize>)| {
            let all: usize = counts.iter().sum();
            let own = counts[group] as f64 / sizes[group] as f64;
            if counts[group] < SEVERAL || own < LEAST_SHARE || all > common {
                return None;
            }
            let ratio = (own / (all as f64 / texts.len() as f64)).ln().max(0.0);
            (ratio > 0.0).then_some((own * ratio.powi(2), (*word).to_owned()))
        };
        let mut scored: Vec<(f64, String)> = counts.iter().filter_map(score).collect();
        // Equal scores stay in alphabetical order.
        scored.sort_by(|a, b| b.0.total_cmp(&a.0));
        let best: Vec<String> = scored.into_iter().take(WORDS).map(|(_, word)| word).collect();
        match best.is_empty() {
            true => format!("cluster {}", group + 1),
            false => best.join(", "),
        }
    };
    (0..groups).map(name).collect()
}

/// The different words of a text.
fn words(text: &str) -> BTreeSet<&str> {
    let inside = |c: char| c.is_alphanumeric() || matches!(c, '_' | '\\' | '\'' | '’');
    text.split(|c| !inside(c))
        .filter(|word| {
            let letters = word.chars().count();
            (3..=LONGEST).contains(&letters) && word.chars().all(char::is_lowercase)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_this_cluster_uses_and_others_do_not() {
        let topics = ["the price of bread falls", "the orbit of a planet", "the price of an orbit"];
        let texts: Vec<&str> = (0..60).map(|at| topics[at % 2]).chain([topics[2]]).collect();
        let group_of: Vec<usize> = (0..60).map(|at| at % 2).chain([0]).collect();
        // Thirty queries of sixty-one are far above the share that tells nothing.
        assert_eq!(names(&texts, &group_of, 2), ["cluster 1", "cluster 2"]);
        let filler: Vec<String> = (0..2000).map(|at| format!("the {at} of others")).collect();
        let all: Vec<&str> =
            texts.iter().copied().chain(filler.iter().map(String::as_str)).collect();
        let groups: Vec<usize> = group_of.iter().copied().chain(vec![2; 2000]).collect();
        let found = names(&all, &groups, 3);
        // A query more says price.
        assert_eq!(found, ["price, bread, falls", "planet, orbit", "cluster 3"]);
    }

    #[test]
    fn words_are_lower_case_whole_and_no_commands() {
        let found = words("Find \\frac{area}{side} of ABC's x_max; don't use Kai or bücher, ab");
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["area", "bücher", "side", "use"]);
        assert!(words("请证明世界和平是好的").is_empty());
        assert!(words(&"a".repeat(25)).is_empty());
    }

    #[test]
    fn a_word_of_one_query_is_in_no_name() {
        let texts = ["secret plans", "other plans", "more plans", "some plans"];
        assert_eq!(names(&texts, &[0, 0, 0, 1], 2), ["cluster 1", "cluster 2"]);
        let texts = ["rare fish", "rare fish", "rare fish", "some fish", "any birds"];
        assert_eq!(names(&texts, &[0, 0, 0, 0, 1], 2)[0], "fish, rare");
    }
}
