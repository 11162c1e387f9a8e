//! Groups queries that share a passage, so that a split keeps them on one side.
//!
//! A text pasted under different requests is the same text: a head that saw it with one request is
//! not tested fairly on it with another. Two queries share a passage where 60 letters or digits in
//! a row are the same in both, in lower case and without all other characters; a query of fewer
//! shares its whole text.
//!
//! ```
//! use pointsman_trainer::data::shared_text_groups;
//!
//! let letter = "Dear tenants, the water will be turned off from nine to noon on Monday, so fill a pot.";
//! let (summary, reply) = (format!("Sum up: {letter}"), format!("Write a reply.\n\n{letter}"));
//! assert_eq!(shared_text_groups(&[&summary, "Boil an egg.", &reply]), [0, 1, 0]);
//! ```

use std::collections::{HashMap, HashSet};

use super::question::{normalise, question_stem};
use super::source_log::fingerprint;

/// Letters and digits that two queries must share.
const WINDOW: usize = 60;
/// A passage of more than this part of an application's prompts belongs to the application's form: a 20th.
const MANY_PARTS: usize = 20;
/// Fewest prompts of which a form is told from a passage.
const FEWEST_OF_FORM: usize = 20;

/// The group of each query, numbered from 0 in order of first appearance: queries that share a
/// passage, and those that share one with any of them. Takes 16 bytes of memory a letter.
#[must_use]
pub fn shared_text_groups(queries: &[&str]) -> Vec<usize> {
    let mut groups = Groups::of(queries.len());
    groups.unite_by_passage(&letters(queries));
    groups.numbers()
}

/// The groups of prompts of one application: as [`shared_text_groups`], but without the letters of its forms. A
/// form is a passage of many prompts, such as an instruction that the application puts before each of them, and says
/// nothing of what is asked. Prompts that ask the same question are in one group whatever stands around it.
#[must_use]
pub fn prompt_groups(queries: &[&str]) -> Vec<usize> {
    let mut groups = Groups::of(queries.len());
    groups.unite_by_passage(&without_forms(letters(queries)));
    let mut first: HashMap<u64, usize> = HashMap::new();
    for (at, query) in queries.iter().enumerate() {
        let same = *first.entry(fingerprint(&question_stem(query))).or_insert(at);
        groups.unite(same, at);
    }
    groups.numbers()
}

/// What is compared of each query.
fn letters(queries: &[&str]) -> Vec<Vec<char>> {
    queries.iter().map(|query| normalise(query).chars().collect()).collect()
}

/// The letters of no window that stands in many of the texts.
fn without_forms(texts: Vec<Vec<char>>) -> Vec<Vec<char>> {
    let many = (texts.len() / MANY_PARTS).max(FEWEST_OF_FORM);
    let mut windows = windows(&texts);
    windows.retain(|&(_, at)| texts.get(at).is_some_and(|text| text.len() >= WINDOW));
    let forms: HashSet<u64> = windows
        .chunk_by(|a, b| a.0 == b.0)
        .filter(|same| same.len() > many)
        .filter_map(|same| same.first().map(|(window, _)| *window))
        .collect();
    let rest = |text: Vec<char>| {
        let mut is_form = vec![false; text.len()];
        for (at, window) in text.windows(WINDOW).enumerate() {
            if forms.contains(&fingerprint(window)) {
                is_form.iter_mut().skip(at).take(WINDOW).for_each(|letter| *letter = true);
            }
        }
        let kept = text.iter().zip(is_form).filter(|(_, is_form)| !is_form);
        let kept: Vec<char> = kept.map(|(letter, _)| *letter).collect();
        // Of prompts that are nothing but form, those of one text belong together.
        if kept.is_empty() { text } else { kept }
    };
    texts.into_iter().map(rest).collect()
}

/// The windows of all texts with the place of their text, sorted, each once a text. A text shorter than a window is one.
fn windows(texts: &[Vec<char>]) -> Vec<(u64, usize)> {
    let mut found: Vec<(u64, usize)> = Vec::new();
    for (at, text) in texts.iter().enumerate() {
        match text.len() < WINDOW {
            true => found.push((fingerprint(text.as_slice()), at)),
            false => found.extend(text.windows(WINDOW).map(|window| (fingerprint(window), at))),
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// A forest over the queries: each entry is its parent, that of a root the root itself.
struct Groups(Vec<usize>);

impl Groups {
    fn of(count: usize) -> Self {
        Self((0..count).collect())
    }

    /// The group of each query, numbered from 0 in order of first appearance.
    fn numbers(mut self) -> Vec<usize> {
        let mut numbers = vec![None; self.0.len()];
        let mut count = 0;
        let mut number = |root: usize| {
            let slot = numbers.get_mut(root)?;
            Some(*slot.get_or_insert_with(|| {
                count += 1;
                count - 1
            }))
        };
        // A root is the index of a query, so that every one of them has a number.
        (0..self.0.len()).filter_map(|at| number(self.root(at))).collect()
    }

    fn unite_by_passage(&mut self, texts: &[Vec<char>]) {
        for pair in windows(texts).windows(2) {
            if let [(text, one), (next, other)] = pair
                && text == next
            {
                self.unite(*one, *other);
            }
        }
    }

    fn root(&mut self, mut at: usize) -> usize {
        while let Some(&parent) = self.0.get(at)
            && parent != at
        {
            let above = self.0.get(parent).copied().unwrap_or(parent);
            if let Some(slot) = self.0.get_mut(at) {
                *slot = above;
            }
            at = above;
        }
        at
    }

    fn unite(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        if let Some(slot) = self.0.get_mut(one.max(other)) {
            *slot = one.min(other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSAGE: &str =
        "The ferry leaves the old harbour at six, calls at two islands and is back before noon.";

    #[test]
    fn a_passage_joins_queries_whatever_its_layout_and_place() {
        let other = PASSAGE.to_uppercase().replace(' ', "\n> ");
        let queries = [
            format!("Translate into German:\n{PASSAGE}"),
            "How deep is a harbour?".to_owned(),
            format!("{other}\n\nWhich trip is it?"),
        ];
        let queries: Vec<&str> = queries.iter().map(String::as_str).collect();
        assert_eq!(shared_text_groups(&queries), [0, 1, 0]);
    }

    #[test]
    fn groups_join_through_a_query_between_them() {
        let second =
            "A baker weighs the flour, adds the yeast with warm water and waits an hour for it.";
        let both = format!("{PASSAGE} {second}");
        assert_eq!(shared_text_groups(&["Why?", PASSAGE, second, &both]), [0, 1, 1, 1]);
    }

    #[test]
    fn fewer_than_sixty_letters_in_common_join_nothing() {
        let letters: String = PASSAGE.chars().filter(|c| c.is_alphanumeric()).take(60).collect();
        let Some(shorter) = letters.get(..59) else { return assert!(letters.is_ascii()) };
        let queries = [format!("x{shorter}y"), format!("z{shorter}w"), format!("v{letters}")];
        let queries: Vec<&str> = queries.iter().map(String::as_str).collect();
        assert_eq!(shared_text_groups(&queries), [0, 1, 2]);
        let with_all = format!("u{letters}");
        assert_eq!(shared_text_groups(&[queries[2], &with_all]), [0, 0]);
    }

    #[test]
    fn a_form_that_many_prompts_share_joins_none_of_them() {
        let form =
            "You are the assistant of a bookshop. Answer the customer in two friendly sentences: ";
        let mut queries: Vec<String> =
            (0..50).map(|at| format!("{form}where is order number {at} of mine?")).collect();
        queries.push(format!("{form}{PASSAGE}"));
        queries.push(format!("{form}{} Sum it up.", PASSAGE.to_uppercase()));
        queries.push("where is order number 3 of mine?".into());
        queries.push("Where is order number 3 of mine".into());
        let queries: Vec<&str> = queries.iter().map(String::as_str).collect();
        let groups = prompt_groups(&queries);
        assert_eq!(groups.iter().max(), Some(&51), "{groups:?}");
        assert_eq!((groups[50], groups[52]), (groups[51], groups[53]));
        assert_eq!(shared_text_groups(&queries).iter().max(), Some(&1));
    }

    #[test]
    fn short_queries_are_joined_where_all_of_them_is_the_same() {
        assert_eq!(shared_text_groups(&["Good day!", "good day", "Good day to you"]), [0, 0, 1]);
        assert!(shared_text_groups(&[]).is_empty());
    }
}
