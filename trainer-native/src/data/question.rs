//! Extracts what a query asks from the text that a benchmark puts around it.
//!
//! The same question comes as `"Question: ...?\nAnswer:"`, with options lettered `A.` or `(A)`,
//! behind an instruction, after worked examples, or bare. [`Question::parse`] removes these
//! wrappers and leaves two things: the *stem* and the *options*.
//!
//! ```
//! use pointsman_trainer::data::Question;
//!
//! let bare = Question::parse("Which metal melts lowest?");
//! let asked = Question::parse("Question: Which metal melts lowest?\nA. tin\nB. zinc\nAnswer:");
//! assert_eq!(bare.stem, asked.stem);
//! assert_eq!(asked.options, ["tin", "zinc"]);
//! ```
//!
//! Rules, in this order:
//! 1. Worked examples are removed: everything before the last question, where an answered example
//!    stands there.
//! 2. Known instructions of evaluation harnesses are removed from the beginning, answer cues
//!    (`Answer:`, `A:`, `答案：` and the rest of that line) from the end.
//! 3. The answer options are removed, with everything after them: those that a cue announces
//!    (`Answer Choices:`, `选项：`), else the last run of at least `A` and `B` in order at line
//!    starts (`A.`, `A)`, `(A)`, or `A:` if nothing follows the last line), else one of `(A)`,
//!    `(B)` and `(C)` in order anywhere.
//!    After a cue, text without such a run gives no options.
//! 4. Markers of layout (`Q:`, `Question:`, `问题：`) and weaker cues for options (`Choices:`,
//!    "Which of the following is the right choice?") are removed.
//! 5. The rest is brought to lower case, and only Unicode letters and digits are kept.
//!
//! If nothing is left, the whole query is used. A passage shared by several questions stays in the
//! stem, since the questions differ at its end.

/// Texts that harnesses put before a question; `true` where the instruction ends with its line.
const INSTRUCTIONS: [(&str, bool); 3] = [
    ("the following are multiple choice questions", true),
    ("here are some example questions from experts", true),
    ("what is the correct answer to this question:", false),
];

const QUESTION_MARKERS: [&str; 4] = ["question:", "q:", "问题：", "问题:"];

const ANSWER_CUES: [&str; 7] = [
    "answer:",
    "a:",
    "答案：",
    "答案:",
    "output the answer only:",
    "print only a single choice",
    "after careful thought, put you",
];

/// Cues that announce options wherever they stand.
const OPTION_ANNOUNCEMENTS: [&str; 3] = ["answer choices:", "选项：", "选项:"];

/// Texts that may stand between a question and its options.
const OPTION_CUES: [&str; 6] = [
    "choices:",
    "options:",
    "answer:",
    "答案：",
    "which of the following is the right choice?",
    "explain your answer.",
];

/// A parsed question; see the rules above.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What is asked, in lower case, letters and digits only. Never empty, unless the query is.
    pub stem: String,
    /// The answer options, normalised in the same way, sorted, without duplicates; empty for a
    /// question without options.
    pub options: Vec<String>,
}

impl Question {
    #[must_use]
    pub fn parse(query: &str) -> Question {
        let text = without_instructions(after_examples(query));
        let text = without_answer_cue(text);
        let (body, options) = body_and_options(text);
        let stem = normalise(&without_markers(without_option_cue(body)));
        if !stem.is_empty() {
            let mut options: Vec<String> = options.into_iter().filter_map(option_key).collect();
            options.sort_unstable();
            options.dedup();
            return Question { stem, options };
        }
        // Only wrappers were found: the whole query identifies the question.
        let whole = normalise(query);
        let stem = if whole.is_empty() { query.trim().to_lowercase() } else { whole };
        Question { stem, options: Vec::new() }
    }
}

/// The stem of [`Question::parse`].
#[must_use]
pub fn question_stem(query: &str) -> String {
    Question::parse(query).stem
}

/// The answer options of a query as they stand in it, in the order of their letters; empty for a
/// question without options.
#[must_use]
pub fn lettered_options(query: &str) -> Vec<&str> {
    let text = without_answer_cue(without_instructions(after_examples(query)));
    body_and_options(text).1.into_iter().map(str::trim).collect()
}

pub(super) fn normalise(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).filter(|c| c.is_alphanumeric()).collect()
}

/// An option in the form that is compared: normalised, or unchanged where it has neither letters
/// nor digits.
fn option_key(option: &str) -> Option<String> {
    let key = normalise(option);
    let key = if key.is_empty() { option.trim().to_owned() } else { key };
    (!key.is_empty()).then_some(key)
}

fn body_and_options(text: &str) -> (&str, Vec<&str>) {
    let announced = text.char_indices().rev().find_map(|(at, _)| {
        any_prefix_len(text.get(at..)?, &OPTION_ANNOUNCEMENTS).map(|length| (at, at + length))
    });
    if let Some((end, start)) = announced {
        let options = text.get(start..).unwrap_or_default();
        let texts = option_run(options).map(|run| run.texts(options)).unwrap_or_default();
        return (text.get(..end).unwrap_or_default(), texts);
    }
    match option_run(text) {
        Some(run) => (text.get(..run.start).unwrap_or_default(), run.texts(text)),
        None => (text, Vec::new()),
    }
}

/// Length of `prefix` where `text` begins with it, ignoring ASCII case.
fn prefix_len(text: &str, prefix: &str) -> Option<usize> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(prefix.len())
}

/// Length of the first of `cues` that `text` begins with.
fn any_prefix_len(text: &str, cues: &[&str]) -> Option<usize> {
    cues.iter().find_map(|cue| prefix_len(text, cue))
}

/// Lines, each with the byte position where it begins.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split_inclusive('\n').map(move |line| {
        let start = at;
        at += line.len();
        (start, line.trim_end())
    })
}

/// The last question, where worked examples stand before it. An example is a line with a question
/// marker and, later, an answer cue with its answer on the same line; after that answer the next
/// question marker at a line start begins the actual question.
fn after_examples(query: &str) -> &str {
    let mut asked = false;
    let mut answered = false;
    let mut start = 0;
    for (at, line) in lines(query) {
        let line = line.trim_start();
        if any_prefix_len(line, &QUESTION_MARKERS).is_some() {
            if answered {
                start = at;
            }
            asked = true;
            answered = false;
        } else if asked {
            let answer = any_prefix_len(line, &ANSWER_CUES).and_then(|cue| line.get(cue..));
            answered |= answer.is_some_and(|answer| answer.chars().any(char::is_alphanumeric));
        }
    }
    query.get(start..).unwrap_or(query)
}

fn without_instructions(query: &str) -> &str {
    let text = query.trim();
    for (instruction, to_line_end) in INSTRUCTIONS {
        if let Some(length) = prefix_len(text, instruction) {
            let end = if to_line_end { text.find('\n').unwrap_or(length) } else { length };
            return text.get(end..).unwrap_or_default().trim();
        }
    }
    text
}

/// Drops the last line while it is an answer cue.
fn without_answer_cue(mut text: &str) -> &str {
    loop {
        let trimmed = text.trim_end();
        let last = trimmed.rfind('\n').map_or(0, |at| at + 1);
        let line = trimmed.get(last..).unwrap_or_default().trim_start();
        if last == 0 || any_prefix_len(line, &ANSWER_CUES).is_none() {
            return trimmed;
        }
        text = trimmed.get(..last).unwrap_or_default();
    }
}

/// Drops cues that announce options from the end, as long as there is one.
fn without_option_cue(mut text: &str) -> &str {
    loop {
        let trimmed = text.trim_end();
        let cue = OPTION_CUES.iter().find(|cue| {
            trimmed
                .len()
                .checked_sub(cue.len())
                .and_then(|at| trimmed.get(at..))
                .is_some_and(|end| end.eq_ignore_ascii_case(cue))
        });
        match cue {
            Some(cue) => text = trimmed.get(..trimmed.len() - cue.len()).unwrap_or_default(),
            None => return trimmed,
        }
    }
}

/// Drops question markers wherever a word could begin: some harnesses put one after a passage,
/// without a line of its own.
fn without_markers(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut in_word = false;
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        if !in_word && let Some(length) = any_prefix_len(rest, &QUESTION_MARKERS) {
            rest = rest.get(length..).unwrap_or_default();
            continue;
        }
        in_word = next.is_alphanumeric();
        kept.push(next);
        rest = rest.get(next.len_utf8()..).unwrap_or_default();
    }
    kept
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Dot,
    Paren,
    Colon,
    Bracket,
    InlineBracket,
}

impl Style {
    const AT_LINE_STARTS: [Style; 4] = [Style::Dot, Style::Paren, Style::Colon, Style::Bracket];
}

/// An option's letter: its number from 0, the position where it begins, and where its text begins.
#[derive(Clone, Copy)]
struct Marker {
    letter: u8,
    start: usize,
    text: usize,
}

/// Options lettered consecutively from `A`.
struct OptionRun {
    start: usize,
    markers: Vec<Marker>,
}

impl OptionRun {
    /// Whether only the last option's line follows its letter.
    fn closes(&self, text: &str) -> bool {
        let last = self.markers.last().and_then(|marker| text.get(marker.text..));
        last.is_some_and(|rest| rest.trim().lines().count() <= 1)
    }

    /// The options' texts. The last one ends with its line, since nothing marks its end.
    fn texts<'a>(&self, text: &'a str) -> Vec<&'a str> {
        let ends = self.markers.iter().skip(1).map(|marker| marker.start).map(Some);
        self.markers
            .iter()
            .zip(ends.chain([None]))
            .map(|(marker, end)| match end {
                Some(end) => text.get(marker.text..end).unwrap_or_default(),
                None => {
                    let rest = text.get(marker.text..).unwrap_or_default().trim_start();
                    rest.lines().next().unwrap_or_default()
                }
            })
            .collect()
    }
}

/// The last run at line starts, or the longest of those that begin at the same place; else the last
/// run inside lines. The options end a question, while lettered statements before them belong to
/// it.
fn option_run(text: &str) -> Option<OptionRun> {
    let at_line_starts = Style::AT_LINE_STARTS.into_iter().flat_map(|style| {
        // A legend of symbols ("A: Ann sings") looks like options, but more of the question follows
        // it.
        let closes = move |run: &OptionRun| style != Style::Colon || run.closes(text);
        runs(text, style, 2).into_iter().filter(closes)
    });
    at_line_starts.max_by_key(|run| (run.start, run.markers.len())).or_else(|| {
        // Two brackets inside a sentence may be labels: "(A) and (B)".
        runs(text, Style::InlineBracket, 3).pop()
    })
}

/// The runs of one style with at least `fewest` options, in text order.
fn runs(text: &str, style: Style, fewest: usize) -> Vec<OptionRun> {
    let mut runs: Vec<Vec<Marker>> = Vec::new();
    for marker in markers(text, style) {
        match runs.last_mut() {
            Some(run) if run.len() == usize::from(marker.letter) => run.push(marker),
            _ if marker.letter == 0 => runs.push(vec![marker]),
            // A letter out of order ends the current run.
            _ => runs.push(Vec::new()),
        }
    }
    let long_enough = runs.into_iter().filter(|run| run.len() >= fewest);
    long_enough
        .filter_map(|markers| Some(OptionRun { start: markers.first()?.start, markers }))
        .collect()
}

fn markers(text: &str, style: Style) -> Vec<Marker> {
    let bytes = text.as_bytes();
    if style == Style::InlineBracket {
        return (0..bytes.len()).filter_map(|at| bracket(bytes, at)).collect();
    }
    lines(text)
        .filter_map(|(line_start, line)| {
            let at = line_start + (line.len() - line.trim_start().len());
            if style == Style::Bracket {
                return bracket(bytes, at);
            }
            let letter = option_letter(*bytes.get(at)?)?;
            let rest = text.get(at + 1..)?;
            let mut following = rest.chars();
            let sign = following.next()?;
            let fits = match style {
                Style::Dot => matches!(sign, '.' | '．' | '、'),
                Style::Paren => sign == ')',
                _ => matches!(sign, ':' | '：'),
            };
            // "A.B. Smith" is a name; a full-width sign is a separator by itself.
            let separate = !sign.is_ascii() || following.next().is_none_or(char::is_whitespace);
            (fits && (separate || sign == ')')).then_some(Marker {
                letter,
                start: at,
                text: at + 1 + sign.len_utf8(),
            })
        })
        .collect()
}

fn bracket(bytes: &[u8], at: usize) -> Option<Marker> {
    match bytes.get(at..at + 3)? {
        [b'(', letter, b')'] => {
            Some(Marker { letter: option_letter(*letter)?, start: at, text: at + 3 })
        }
        _ => None,
    }
}

fn option_letter(byte: u8) -> Option<u8> {
    byte.is_ascii_uppercase().then(|| byte - b'A')
}

#[cfg(test)]
mod tests;
