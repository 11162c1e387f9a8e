//! Typing errors, the same for a seed.

use rand_chacha::rand_core::Rng;

use crate::data::seeded;

/// Words of which one has a typing error.
const WORDS: u64 = 5;

/// The text with about every fifth word of four letters or more mistyped: two of its inner letters change
/// places, or one of them is left out. `text_number` keeps the errors of two texts apart.
pub(super) fn with_typing_errors(text: &str, seed: u64, text_number: u64) -> String {
    let mut random = seeded(seed);
    random.set_stream(text_number);
    let mut found = String::with_capacity(text.len());
    for (at, word) in text.split(' ').enumerate() {
        if at > 0 {
            found.push(' ');
        }
        let letters: Vec<char> = word.chars().collect();
        let is_word = letters.len() >= 4 && letters.iter().all(|letter| letter.is_alphabetic());
        let (chance, place, swaps) = (random.next_u64(), random.next_u64(), random.next_u64());
        if !is_word || !chance.is_multiple_of(WORDS) {
            found.push_str(word);
            continue;
        }
        // Inner letters are 1 to length - 2; the first of two that swap is at most length - 3.
        let first = 1 + (place % (letters.len() as u64 - 3)) as usize;
        for (at, letter) in letters.iter().enumerate() {
            let swapped = match swaps.is_multiple_of(2) {
                true if at == first => letters.get(first + 1),
                true if at == first + 1 => letters.get(first),
                false if at == first => None,
                _ => Some(letter),
            };
            found.extend(swapped);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Prove that every bounded sequence of complex numbers has a convergent subsequence 12345 times";

    #[test]
    fn some_words_are_mistyped_the_same_way_for_a_seed() {
        let found = with_typing_errors(TEXT, 1, 4);
        assert_eq!(found, with_typing_errors(TEXT, 1, 4));
        let others = (0..20).filter(|&number| with_typing_errors(TEXT, 1, number) != found).count();
        assert!(others > 15, "{others}");
        let changed: usize = (0..50)
            .map(|number| {
                let found = with_typing_errors(TEXT, 1, number);
                found.split(' ').zip(TEXT.split(' ')).filter(|(a, b)| a != b).count()
            })
            .sum();
        // Ten words can be mistyped, each with a chance of 1/5; "bb" for "bb" would be no change.
        assert!((60..140).contains(&changed), "{changed}");
    }

    #[test]
    fn an_error_keeps_the_first_and_the_last_letter_and_leaves_short_words_and_numbers() {
        for number in 0..50 {
            let found = with_typing_errors(TEXT, 7, number);
            for (new, old) in found.split(' ').zip(TEXT.split(' ')) {
                assert_eq!(new.chars().next(), old.chars().next());
                assert_eq!(new.chars().last(), old.chars().last());
                assert!(new.len() == old.len() || new.len() + 1 == old.len(), "{new} {old}");
                assert!(new == old || old.len() >= 4 && old != "12345", "{new} {old}");
            }
        }
        assert_eq!(with_typing_errors("a bc  12", 1, 1), "a bc  12");
    }
}
