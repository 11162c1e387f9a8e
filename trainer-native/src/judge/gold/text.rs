//! Finds the part of an answer that states its result, and brings texts to the form that is compared.

use unicode_normalization_alignments::UnicodeNormalization;

/// Words for "answer", lower case; a colon follows, or a link: "is", or one of [`LINKS`] in other languages.
/// Words for "solution" are not among them, since they introduce a derivation.
pub(super) const ANSWER_WORDS: [&str; 46] = [
    "answer",
    "result",
    "antwort",
    "ergebnis",
    "réponse",
    "reponse",
    "respuesta",
    "resposta",
    "risposta",
    "antwoord",
    "svar",
    "svaret",
    "vastaus",
    "vastus",
    "válasz",
    "odpowiedź",
    "odpověď",
    "odpoveď",
    "răspuns",
    "răspunsul",
    "odgovor",
    "cevap",
    "yanıt",
    "yanit",
    "jawaban",
    "jawapan",
    "đáp án",
    "trả lời",
    "ответ",
    "відповідь",
    "отговор",
    "απάντηση",
    "תשובה",
    "الإجابة",
    "الجواب",
    "پاسخ",
    "उत्तर",
    "উত্তর",
    "คำตอบ",
    "答案",
    "答え",
    "正解",
    "答",
    "回答",
    "정답",
    "답",
];
const LINKS: [&str; 28] = [
    "ist",
    "lautet",
    "est",
    "es",
    "é",
    "è",
    "är",
    "er",
    "on",
    "to",
    "je",
    "este",
    "adalah",
    "ialah",
    "là",
    "είναι",
    "هي",
    "هو",
    "היא",
    "הוא",
    "है",
    "হল",
    "คือ",
    "是",
    "为",
    "は",
    "는",
    "은",
];
/// Words that may stand between an answer word and its colon or link, lower case.
const ADJECTIVES: [&str; 9] = [
    "correcta",
    "correcte",
    "corretta",
    "correta",
    "final",
    "finale",
    "đúng",
    "yang benar",
    "الصحيحة",
];
/// Marks of layout that may stand around words.
const MARKUP: [char; 6] = ['*', '_', '`', '#', '"', '$'];

/// The text that an exact gold answer is compared with: what the last `\boxed{}` holds, else what
/// follows the last answer cue on its line, else the last line that is not empty; [`normalised`].
pub(super) fn final_text(answer: &str) -> Option<String> {
    let last_line = || answer.lines().rev().find(|line| !normalised(line).is_empty());
    let found = boxed(answer).or_else(|| cues(answer).next()).or_else(last_line)?;
    Some(normalised(found)).filter(|text| !text.is_empty())
}

/// Brings a text to the form in which texts are compared: Unicode's compatibility form (NFKC), lower
/// case, single spaces, without `\text{}` around words, and without quotes, marks of layout and
/// punctuation of sentences at either end.
pub(super) fn normalised(text: &str) -> String {
    let plain = without_latex_text(text);
    let folded: String = plain.nfkc().map(|(c, _)| c).flat_map(char::to_lowercase).collect();
    let single = folded.split_whitespace().collect::<Vec<_>>().join(" ");
    single.trim_matches(is_edge).to_owned()
}

/// Quotes, marks of layout, spaces and punctuation of sentences.
fn is_edge(c: char) -> bool {
    c.is_whitespace()
        || MARKUP.contains(&c)
        || matches!(
            c,
            '.' | ','
                | ';'
                | ':'
                | '!'
                | '?'
                | '\''
                | '‘'
                | '’'
                | '“'
                | '”'
                | '„'
                | '«'
                | '»'
                | '「'
                | '」'
                | '『'
                | '』'
                | '。'
                | '、'
                | '،'
                | '؟'
                | '।'
                | '¿'
                | '¡'
        )
}

/// What the last `\boxed{...}` or `\fbox{...}` holds, braces balanced.
pub(super) fn boxed(text: &str) -> Option<&str> {
    let starts = ["\\boxed{", "\\fbox{"];
    let found = starts.iter().filter_map(|start| Some(text.rfind(start)? + start.len())).max()?;
    let inside = text.get(found..)?;
    let mut depth = 1;
    for (at, c) in inside.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return inside.get(..at);
        }
    }
    None
}

/// What follows each answer cue on its line, or on the next line that holds something, the last cue
/// first. A cue is a word for "answer" with a colon, or with a word such as "is".
pub(super) fn cues(text: &str) -> impl Iterator<Item = &str> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut before = None;
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = text.get(at..).unwrap_or_default();
        // Scripts without spaces put an answer word directly after another word.
        let begins = may_begin(c)
            && before.is_none_or(|b: char| !b.is_alphanumeric() || !b.is_ascii() && !c.is_ascii());
        match begins.then(|| cue_length(rest)).flatten() {
            Some(length) => {
                found.push(line_with_text(rest.get(length..).unwrap_or_default()));
                at += length;
                before = None;
            }
            None => {
                at += c.len_utf8();
                before = Some(c);
            }
        }
    }
    found.into_iter().rev().filter(|rest| !rest.is_empty())
}

/// Whether an answer word can begin with a letter: most places of a text are left out by this.
fn may_begin(c: char) -> bool {
    matches!(c.to_ascii_lowercase(), 'a' | 'c' | 'e' | 'j' | 'o' | 'r' | 's' | 't' | 'v' | 'y')
        || !c.is_ascii()
}

/// The line at the beginning, or where only layout stands on it, the next line with text.
fn line_with_text(text: &str) -> &str {
    let layout = |c: char| c.is_whitespace() || MARKUP.contains(&c);
    text.trim_start_matches(layout).lines().next().unwrap_or_default().trim()
}

/// Length of an answer word with its colon or link, at the beginning of a text.
fn cue_length(text: &str) -> Option<usize> {
    let word = ANSWER_WORDS.iter().filter_map(|word| prefix(text, word)).max()?;
    let english = text.get(..word)?.eq_ignore_ascii_case("answer")
        || text.get(..word)?.eq_ignore_ascii_case("result");
    let links: &[&str] = if english { &["is"] } else { &LINKS };
    let mut at = word + layout_length(text.get(word..)?);
    if let Some(adjective) = ADJECTIVES.iter().filter_map(|a| prefix(text.get(at..)?, a)).max() {
        at += adjective;
        at += layout_length(text.get(at..)?);
    }
    let link = links.iter().filter_map(|link| prefix(text.get(at..)?, link)).filter(|length| {
        let next = text.get(at + length..).and_then(|rest| rest.chars().next());
        let last = text.get(..at + length).and_then(|link| link.chars().next_back());
        // A Latin word ends where its letters end; a Chinese one may be followed by letters.
        !next.zip(last).is_some_and(|(next, last)| next.is_alphabetic() && !is_unspaced(last))
    });
    let link = link.max();
    if let Some(length) = link {
        at += length;
        at += layout_length(text.get(at..)?);
    }
    let colon = text.get(at..)?.chars().next().filter(|c| matches!(c, ':' | '：' | '﹕'));
    match colon {
        Some(colon) => Some(at + colon.len_utf8()),
        None => link.map(|_| at),
    }
}

/// Bytes of spaces and layout within a line.
fn layout_length(text: &str) -> usize {
    let inside = |c: char| c == ' ' || c == '\u{a0}' || MARKUP.contains(&c);
    text.len() - text.trim_start_matches(inside).len()
}

/// Length of the beginning of `text` that is `word` in any case; `word` is lower case.
fn prefix(text: &str, word: &str) -> Option<usize> {
    let mut expected = word.chars();
    let mut length = 0;
    for c in text.chars() {
        let mut lower = c.to_lowercase();
        let mut matched = false;
        for folded in lower.by_ref() {
            match expected.next() {
                Some(next) if next == folded => matched = true,
                // The word has ended, on the character before this one.
                None if !matched => return Some(length),
                _ => return None,
            }
        }
        length += c.len_utf8();
    }
    expected.next().is_none().then_some(length)
}

/// Whether a letter belongs to a script that puts no spaces between words, or joins words to numbers.
pub(super) fn is_unspaced(c: char) -> bool {
    matches!(
        u32::from(c),
        0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1100..=0x11FF | 0x1780..=0x17FF | 0x3040..=0x318F
            | 0x31F0..=0x31FF | 0x3400..=0x9FFF | 0xAC00..=0xD7AF | 0xF900..=0xFAFF
            | 0x20000..=0x3FFFF
    )
}

/// Takes `\text{}`, `\mathrm{}`, `\textbf{}`, `\mathbf{}` and `\operatorname{}` away from around words.
pub(super) fn without_latex_text(text: &str) -> String {
    const COMMANDS: [&str; 5] =
        ["\\text{", "\\textbf{", "\\mathrm{", "\\mathbf{", "\\operatorname{"];
    let mut plain = String::with_capacity(text.len());
    // Whether each brace that is open belongs to one of the commands.
    let mut open = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(inside) = COMMANDS.iter().find_map(|command| rest.strip_prefix(command)) {
            open.push(true);
            rest = inside;
            continue;
        }
        let dropped = match c {
            '{' => {
                open.push(false);
                false
            }
            '}' => open.pop() == Some(true),
            _ => false,
        };
        if !dropped {
            plain.push(c);
        }
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    plain
}
