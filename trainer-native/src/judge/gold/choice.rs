//! The option that an answer chooses. Never the article "A" or the pronoun "I".
//!
//! The first of these that gives a letter:
//! 1. what the last `\boxed{}` holds, where that is a letter;
//! 2. the letter directly behind an answer cue, the last cue first, or else behind a word such as "option",
//!    where all such letters are one. Where a word follows the letter, it counts only if that word gives a
//!    reason or says "is", or if the letter is no word of its own (`B` to `J` without the vowels);
//! 3. the whole answer, or its last line, where that is a letter;
//! 4. the letter that is said to be right ("(B) is correct");
//! 5. the letter that begins a line as options do (`B)`, `(B)`, `B.`), where all such lines have one letter,
//!    lines with other letters in brackets aside;
//! 6. the letter in brackets, where all letters in brackets are one;
//! 7. the option whose text is the whole answer, or what follows the cue or stands on the last line.
//!
//! Several letters without one that is said to be the answer give nothing.

use super::text::{boxed, cues, is_unspaced, normalised, without_latex_text};
use crate::data::lettered_options;

/// Words that name an option before its letter, lower case.
const OPTION_WORDS: [&str; 17] = [
    "option",
    "choice",
    "letter",
    "choose",
    "select",
    "opción",
    "opção",
    "opzione",
    "вариант",
    "wariant",
    "seçenek",
    "opsi",
    "选项",
    "选择",
    "選択肢",
    "选",
    "選",
];
/// Words that may follow the letter of an answer, lower case.
const WORDS_BEHIND: [&str; 5] = ["is", "because", "since", "as", "due"];

/// The letter of the option that an answer chooses, upper case.
pub(super) fn chosen(query: &str, answer: &str) -> Option<char> {
    let answer = narrow(answer);
    let lines = || answer.lines().filter(|line| line.chars().any(char::is_alphanumeric));
    boxed(&answer)
        .and_then(sole_letter)
        .or_else(|| cues(&answer).find_map(behind_cue))
        .or_else(|| only_one(behind_option_words(&answer).into_iter()))
        .or_else(|| sole_letter(&answer))
        .or_else(|| lines().next_back().and_then(sole_letter))
        .or_else(|| only_one(said_to_be_right(&answer).into_iter()))
        .or_else(|| only_one(lines().filter_map(line_marker)))
        .or_else(|| only_one(in_brackets(&answer).into_iter()))
        .or_else(|| by_text(query, &answer))
}

/// The letter of a text that holds one letter and else only marks.
pub(super) fn sole_letter(text: &str) -> Option<char> {
    let text = narrow(&without_latex_text(text));
    let mut letters = text.chars().filter(|c| c.is_alphanumeric());
    match (letters.next(), letters.next()) {
        (Some(letter), None) if letter.is_alphabetic() => Some(upper(letter)),
        _ => None,
    }
}

/// The text with the wide forms of ASCII that Chinese and Japanese have as ASCII.
fn narrow(text: &str) -> String {
    let wide = |c: char| {
        let ascii = u32::from(c).checked_sub(0xFEE0).and_then(char::from_u32);
        ascii.filter(char::is_ascii_graphic).unwrap_or(c)
    };
    text.chars().map(wide).collect()
}

/// One letter for capitals of Latin and Cyrillic that look the same: in a Russian answer to Latin options
/// either may stand.
fn upper(letter: char) -> char {
    let letter = letter.to_uppercase().next().unwrap_or(letter);
    match letter {
        'А' => 'A',
        'В' => 'B',
        'С' => 'C',
        'Е' => 'E',
        'К' => 'K',
        'М' => 'M',
        'Н' => 'H',
        'О' => 'O',
        'Р' => 'P',
        'Т' => 'T',
        'Х' => 'X',
        other => other,
    }
}

/// The letter that a text begins with, behind marks and words such as "option".
fn behind_cue(text: &str) -> Option<char> {
    let text = past_marks(text);
    let text = OPTION_WORDS
        .iter()
        .find_map(|word| Some(past_marks(text.get(beginning(text, word)?..)?)))
        .unwrap_or(text);
    let text = without_latex_text(text);
    let mut rest = past_marks(&text).chars();
    let letter = rest.next().filter(|c| c.is_alphabetic())?;
    let rest = rest.as_str();
    ends_letter(letter, rest).then(|| upper(letter))
}

/// Whether what follows shows that a letter is an option's and not a word or part of one.
fn ends_letter(letter: char, rest: &str) -> bool {
    let Some(next) = rest.chars().next() else { return true };
    if matches!(next, '\'' | '’')
        || next.is_alphanumeric() && !(letter.is_ascii() && is_unspaced(next))
    {
        return false;
    }
    let space = next.is_whitespace();
    let after = rest.trim_start();
    let word: String = after.chars().take_while(|c| c.is_alphanumeric()).collect();
    let own_line = !space || rest.starts_with(['\n', '\r']) || word.is_empty();
    own_line
        || WORDS_BEHIND.contains(&word.to_lowercase().as_str())
        || matches!(letter, 'B' | 'C' | 'D' | 'F' | 'G' | 'H' | 'J')
}

/// The letters behind all words such as "option".
fn behind_option_words(text: &str) -> Vec<char> {
    let mut found = Vec::new();
    let mut before = None;
    for (at, c) in text.char_indices() {
        let begins = before.is_none_or(|b: char| !b.is_alphanumeric() || is_unspaced(b));
        before = Some(c);
        let rest = text.get(at..).filter(|_| begins).unwrap_or_default();
        let behind = OPTION_WORDS.iter().find_map(|word| rest.get(beginning(rest, word)?..));
        let Some(behind) = behind else { continue };
        let mut behind = past_marks(behind).chars();
        // A small letter may begin the next word: "choose a path".
        let letter = behind.next().filter(|c| c.is_alphabetic() && !c.is_lowercase());
        let ends = |next: char| {
            !next.is_alphanumeric() && !matches!(next, '\'' | '’') || is_unspaced(next)
        };
        let ended = behind.next().is_none_or(ends);
        found.extend(letter.filter(|_| ended).map(upper));
    }
    found
}

/// The letter of a line that begins as an option does.
fn line_marker(line: &str) -> Option<char> {
    let line =
        line.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '*' | '_' | '#' | '>'));
    let bracket = line.starts_with('(');
    let mut rest = line.trim_start_matches('(').chars();
    let letter = rest.next().filter(|c| c.is_alphabetic())?;
    let mark = rest.as_str().trim_start_matches(['*', '_']).chars().next()?;
    let marked = match mark {
        ')' => true,
        '.' | ':' | '、' => !bracket,
        _ => false,
    };
    // "A.B. Smith" and "e.g." are no options.
    let behind = rest.as_str().trim_start_matches(['*', '_']).chars().nth(1);
    let apart = mark != '.' || behind.is_none_or(|c| !c.is_alphanumeric());
    let letter = upper(letter);
    let alone = in_brackets(line).into_iter().all(|other| other == letter);
    (marked && apart && alone).then_some(letter)
}

/// Letters in brackets, in order.
fn in_brackets(text: &str) -> Vec<char> {
    bracketed(text).into_iter().map(|(letter, _)| letter).collect()
}

/// Letters in brackets or alone in bold, with what follows them.
fn bracketed(text: &str) -> Vec<(char, &str)> {
    let mut found = Vec::new();
    for (open, close) in [("(", ")"), ("**", "**"), ("[", "]"), ("**(", ")**")] {
        for (at, _) in text.match_indices(open) {
            let Some(inside) = text.get(at + open.len()..) else { continue };
            let Some(letter) = inside.chars().next().filter(|c| c.is_alphabetic()) else {
                continue;
            };
            if let Some(rest) = inside.get(letter.len_utf8()..).and_then(|r| r.strip_prefix(close))
            {
                found.push((upper(letter), rest));
            }
        }
    }
    found
}

/// Letters that are followed by "is correct" or the like.
fn said_to_be_right(text: &str) -> Vec<char> {
    const RIGHT: [&str; 6] = [
        "is correct",
        "is the correct",
        "is right",
        "is the right",
        "is the answer",
        "is the best",
    ];
    let says = |rest: &str| RIGHT.iter().any(|right| beginning(rest.trim_start(), right).is_some());
    let mut found: Vec<char> = bracketed(text)
        .into_iter()
        .filter(|(_, rest)| says(rest))
        .map(|(letter, _)| letter)
        .collect();
    let mut before = None;
    for (at, c) in text.char_indices() {
        let alone = c.is_uppercase() && before.is_none_or(|b: char| !b.is_alphanumeric());
        before = Some(c);
        let rest = text.get(at + c.len_utf8()..).unwrap_or_default();
        if alone && rest.starts_with([' ', ')', '*']) && says(rest.trim_start_matches([')', '*'])) {
            found.push(upper(c));
        }
    }
    found
}

/// The option of the query whose text the answer is.
fn by_text(query: &str, answer: &str) -> Option<char> {
    let options: Vec<String> = lettered_options(query).into_iter().map(normalised).collect();
    let last = answer.lines().rev().find(|line| !normalised(line).is_empty());
    let said = [Some(answer), cues(answer).next(), last].into_iter().flatten().map(normalised);
    let place = |text: String| {
        let mut same = options.iter().enumerate().filter(|(_, option)| **option == text);
        let (place, _) = same.next().filter(|_| !text.is_empty())?;
        same.next().is_none().then_some(place)
    };
    let place = said.filter_map(place).next()?;
    u8::try_from(place).ok().filter(|place| *place < 26).map(|place| char::from(b'A' + place))
}

/// The one value that all of the values are.
fn only_one(mut letters: impl Iterator<Item = char>) -> Option<char> {
    let first = letters.next()?;
    letters.all(|letter| letter == first).then_some(first)
}

fn past_marks(text: &str) -> &str {
    let mark = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '*' | '_' | '`' | '(' | '[' | '{' | '"' | '“' | '「' | '$' | ':' | '【' | '<'
            )
    };
    text.trim_start_matches(mark)
}

/// Length of the beginning of a text that is `word` in any case of its letters.
fn beginning(text: &str, word: &str) -> Option<usize> {
    let length = word.chars().count();
    let head: String = text.chars().take(length).collect();
    (head.to_lowercase() == word).then_some(head.len())
}
