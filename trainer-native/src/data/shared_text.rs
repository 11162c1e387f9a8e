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

use super::question::normalise;
use super::source_log::fingerprint;

/// Letters and digits that two queries must share.
const WINDOW: usize = 60;

/// The group of each query, numbered from 0 in order of first appearance: queries that share a
/// passage, and those that share one with any of them. Takes 16 bytes of memory a letter.
#[must_use]
pub fn shared_text_groups(queries: &[&str]) -> Vec<usize> {
    let mut windows: Vec<(u64, usize)> = Vec::new();
    for (at, query) in queries.iter().enumerate() {
        let letters: Vec<char> = normalise(query).chars().collect();
        match letters.len() < WINDOW {
            true => windows.push((fingerprint(letters.as_slice()), at)),
            false => windows.extend(letters.windows(WINDOW).map(|text| (fingerprint(text), at))),
        }
    }
    windows.sort_unstable();
    let mut groups = Groups((0..queries.len()).collect());
    for pair in windows.windows(2) {
        if let [(text, one), (next, other)] = pair
            && text == next
        {
            groups.unite(*one, *other);
        }
    }
    let mut numbers = vec![None; queries.len()];
    let mut count = 0;
    let mut number = |root: usize| {
        let slot = numbers.get_mut(root)?;
        Some(*slot.get_or_insert_with(|| {
            count += 1;
            count - 1
        }))
    };
    // A root is the index of a query, so that every one of them has a number.
    (0..queries.len()).filter_map(|at| number(groups.root(at))).collect()
}

/// A forest over the queries: each entry is its parent, that of a root the root itself.
struct Groups(Vec<usize>);

impl Groups {
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
    fn short_queries_are_joined_where_all_of_them_is_the_same() {
        assert_eq!(shared_text_groups(&["Good day!", "good day", "Good day to you"]), [0, 0, 1]);
        assert!(shared_text_groups(&[]).is_empty());
    }
}
