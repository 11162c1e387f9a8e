//! The number that an answer states.
//!
//! It is that of the last `\boxed{}`, else that of the last answer cue whose line goes on with at most
//! four words, else the last number of the answer. In the first two, the text behind a bracket that
//! follows a number is left out, and of an equation the right side counts; there the first number is it.
//!
//! Read are thousands set apart (`1,234,567`, `1 234 567`, `1.234.567`, `1'234`, `12,34,567`), decimal
//! points and commas (`3,5` is 3.5, `1,234` is 1234), fractions (`3/4`, `1 3/4`, `½`, `\frac{3}{4}`),
//! powers (`2^10`, `1.5e6`, `1.5 × 10^6`), digits of other scripts, and LaTeX's spellings of these. Numbers
//! within words (`x2`, `GPT-4`) and exponents of units (`m²`) are not numbers. A sign of per cent and units
//! are ignored: `42 %` is 42. Numbers in words are not read.

use unicode_normalization_alignments::UnicodeNormalization;

use super::text::{boxed, cues, is_unspaced, without_latex_text};

/// Most words behind a cue for its number to be the answer; a longer line is a derivation.
const MOST_WORDS: usize = 4;

/// The answer's number, finite.
pub(super) fn final_number(answer: &str) -> Option<f64> {
    if let Some(number) = boxed(answer).and_then(result) {
        return Some(number);
    }
    let short = |rest: &&str| before_bracket(rest).split_whitespace().count() <= MOST_WORDS;
    let cued = cues(answer).filter(short).find_map(result);
    cued.or_else(|| numbers(answer).last().copied())
}

/// The first number of the right side of an equation, or of a text that is none.
fn result(text: &str) -> Option<f64> {
    let text = before_bracket(text);
    let right = text.rsplit(['=', '≈']).find_map(|side| numbers(side).first().copied());
    right.or_else(|| numbers(text).first().copied())
}

/// The text up to a bracket with a remark, which stands behind a number.
fn before_bracket(text: &str) -> &str {
    let bracket = text.find(" (").or_else(|| text.find('（'));
    let before = bracket.and_then(|at| text.get(..at)).unwrap_or(text);
    if before.chars().any(char::is_numeric) { before } else { text }
}

/// All numbers of a text, in order.
pub(super) fn numbers(text: &str) -> Vec<f64> {
    let chars = plain(text);
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = chars.get(at).copied() {
        let before = at.checked_sub(1).and_then(|at| chars.get(at)).copied();
        let point = c == '.'
            && digit(&chars, at + 1)
            && before.is_none_or(|before| before != '.' && !before.is_ascii_digit());
        if !c.is_ascii_digit() && !point {
            at += 1;
            continue;
        }
        if is_part_of_word(&chars, at) {
            at = past_token(&chars, at);
            continue;
        }
        let (value, end) = quantity(&chars, at);
        let value = if negative(&chars, at) { -value } else { value };
        if value.is_finite() {
            // There is no minus zero among answers.
            found.push(value + 0.0);
        }
        at = end;
    }
    found
}

/// Whether the digit at this place is part of a word, of a name such as COVID-19, or of an exponent.
fn is_part_of_word(chars: &[char], at: usize) -> bool {
    let letter = |c: char| c.is_alphabetic() && !is_unspaced(c);
    let before = |back: usize| at.checked_sub(back).and_then(|at| chars.get(at)).copied();
    match before(1) {
        Some('_' | '^') => true,
        Some('-') => before(2).is_some_and(letter),
        Some(c) => letter(c),
        None => false,
    }
}

/// The end of digits with points and commas between them.
fn past_token(chars: &[char], mut at: usize) -> usize {
    at += 1;
    while digit(chars, at) || matches!(chars.get(at), Some('.' | ',')) && digit(chars, at + 1) {
        at += 1;
    }
    at
}

fn digit(chars: &[char], at: usize) -> bool {
    chars.get(at).is_some_and(char::is_ascii_digit)
}

fn past_digits(chars: &[char], mut at: usize) -> usize {
    while digit(chars, at) {
        at += 1;
    }
    at
}

/// Whether a minus stands before a number and is no sign of subtraction or hyphen.
fn negative(chars: &[char], at: usize) -> bool {
    let before = |at: usize| at.checked_sub(1).and_then(|at| chars.get(at)).copied();
    let mut minus = at;
    if before(minus).is_some_and(|c| "$€£¥₹₽".contains(c)) {
        minus -= 1;
    }
    before(minus) == Some('-')
        && before(minus - 1).is_none_or(|c| !c.is_alphanumeric() && !matches!(c, ')' | '-' | '.'))
}

/// Reads a number with its power, or a fraction of numbers. Returns its value, perhaps not finite, and
/// where it ends.
fn quantity(chars: &[char], at: usize) -> (f64, usize) {
    let (value, end, whole) = with_power(chars, at);
    let part_of = |at: usize| -> Option<(f64, f64, usize)> {
        let (above, end, above_whole) = with_power(chars, at);
        let (below, end) = divisor(chars, end)?;
        (above_whole && below != 0.0).then_some((above, below, end))
    };
    // "1 3/4": a whole number, a space and a proper fraction.
    if whole
        && chars.get(end) == Some(&' ')
        && digit(chars, end + 1)
        && let Some((above, below, end)) = part_of(end + 1)
        && above < below
    {
        return (value + above / below, end);
    }
    match divisor(chars, end) {
        Some((0.0, end)) => (f64::NAN, end),
        Some((below, end)) => (value / below, end),
        None => (value, end),
    }
}

/// The number behind a fraction's bar; none in a date such as 3/4/2020.
fn divisor(chars: &[char], end: usize) -> Option<(f64, usize)> {
    let spaced = chars.get(end) == Some(&' ') && chars.get(end + 1) == Some(&'/');
    let bar = if spaced { end + 1 } else { end };
    let start = if spaced && chars.get(bar + 1) == Some(&' ') { bar + 2 } else { bar + 1 };
    if chars.get(bar) != Some(&'/') || !digit(chars, start) {
        return None;
    }
    let (below, end, _) = with_power(chars, start);
    let date = chars.get(end) == Some(&'/') && digit(chars, end + 1);
    (!date).then_some((below, end))
}

/// Reads a numeral and `e6`, `^6` or `× 10^6` behind it. The last value says whether it is a whole number.
fn with_power(chars: &[char], at: usize) -> (f64, usize, bool) {
    let (value, end, whole) = numeral(chars, at);
    if matches!(chars.get(end), Some('e' | 'E'))
        && let Some((exponent, past)) = exponent(chars, end + 1)
        && !chars.get(past).is_some_and(|c| c.is_alphanumeric())
    {
        return (value * 10f64.powi(exponent), past, false);
    }
    if chars.get(end) == Some(&'^')
        && let Some((exponent, past)) = exponent(chars, end + 1)
    {
        return (value.powi(exponent), past, whole && exponent >= 0);
    }
    let mut times = end;
    while chars.get(times) == Some(&' ') {
        times += 1;
    }
    if matches!(chars.get(times), Some('×' | '*' | 'x')) {
        let mut ten = times + 1;
        while chars.get(ten) == Some(&' ') {
            ten += 1;
        }
        if chars.get(ten..ten + 3) == Some(&['1', '0', '^'])
            && let Some((exponent, past)) = exponent(chars, ten + 3)
        {
            return (value * 10f64.powi(exponent), past, false);
        }
    }
    (value, end, whole)
}

/// A whole exponent with a sign, perhaps in braces.
fn exponent(chars: &[char], at: usize) -> Option<(i32, usize)> {
    let braced = chars.get(at) == Some(&'{');
    let sign = at + usize::from(braced);
    let start = sign + usize::from(matches!(chars.get(sign), Some('-' | '+')));
    let end = past_digits(chars, start);
    let digits: String = chars.get(start..end)?.iter().collect();
    let value: i32 = digits.parse().ok()?;
    let value = if chars.get(sign) == Some(&'-') { -value } else { value };
    if !braced {
        return Some((value, end));
    }
    (chars.get(end) == Some(&'}')).then_some((value, end + 1))
}

/// Reads digits with separators of thousands and of decimals. Returns the value, where it ends, and
/// whether it is written as a whole number.
fn numeral(chars: &[char], at: usize) -> (f64, usize, bool) {
    let mut end = past_digits(chars, at);
    let mut digits: String = chars.get(at..end).unwrap_or_default().iter().collect();
    let mut separator = None;
    if let Some((mark, grouped)) = groups(chars, at, end) {
        digits =
            chars.get(at..grouped).unwrap_or_default().iter().filter(|c| **c != mark).collect();
        separator = Some(mark);
        end = grouped;
    }
    let decimal =
        chars.get(end).copied().filter(|c| matches!(c, '.' | ',') && separator != Some(*c));
    let past = past_digits(chars, end + 1);
    // "1,2,3" is a list.
    let behind_comma = at > 1 && chars.get(at - 1) == Some(&',') && digit(chars, at - 2);
    let before_comma = chars.get(past) == Some(&',') && digit(chars, past + 1);
    let listed = decimal == Some(',') && (behind_comma || before_comma);
    if decimal.is_some() && past > end + 1 && !listed {
        digits.push('.');
        digits.extend(chars.get(end + 1..past).unwrap_or_default());
        return (digits.parse().unwrap_or(f64::NAN), past, false);
    }
    (digits.parse().unwrap_or(f64::NAN), end, true)
}

/// The separator and the end of thousands set apart, where the digits before `end` begin such a number.
fn groups(chars: &[char], at: usize, end: usize) -> Option<(char, usize)> {
    let mark =
        chars.get(end).copied().filter(|c| matches!(c, ',' | '.' | '\'' | '’' | '_' | ' '))?;
    if !(1..=3).contains(&(end - at)) || chars.get(at) == Some(&'0') {
        return None;
    }
    let mut sizes = Vec::new();
    let mut past = end;
    while chars.get(past) == Some(&mark) && digit(chars, past + 1) {
        let next = past_digits(chars, past + 1);
        let size = next - past - 1;
        // Two digits are a group in Indian numbers, of which the last has three.
        if size != 3 && !(size == 2 && mark == ',') {
            break;
        }
        sizes.push(size);
        past = next;
    }
    let last_of_three = sizes.last() == Some(&3);
    // "1.234" is a decimal number, "1.234.567" and "1.234,5" are not.
    let decimal_follows = chars.get(past) == Some(&',') && digit(chars, past + 1);
    let enough = mark != '.' || sizes.len() > 1 || decimal_follows;
    (last_of_three && enough).then_some((mark, past))
}

/// The text with one spelling of signs, digits, fractions and powers.
fn plain(text: &str) -> Vec<char> {
    let text = without_fractions(&without_latex_text(text));
    let text = text.replace("{,}", ",").replace("\\,", "_").replace("\\!", "");
    let text =
        ["\\times", "\\cdot", "·", "⋅"].iter().fold(text, |text, sign| text.replace(sign, "×"));
    let mut chars: Vec<char> = Vec::with_capacity(text.len());
    let mut raised = false;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let was_raised = std::mem::take(&mut raised);
        if let Some(digit) = superscript(c) {
            if !was_raised {
                chars.push('^');
            }
            chars.push(digit);
            raised = true;
        } else if c == '\\' {
            // Another command of LaTeX: its name is no word before a number.
            while rest.next_if(char::is_ascii_alphabetic).is_some() {}
            chars.push(' ');
        } else if matches!(c, '\u{a0}' | '\u{202f}' | '\u{2009}') {
            let between = chars.last().is_some_and(char::is_ascii_digit)
                && rest.peek().is_some_and(|c| digit_value(*c).is_some());
            chars.push(if between { '_' } else { ' ' });
        } else if is_vulgar_fraction(c) {
            // Its compatibility form begins with a digit: "1½" would become 11/2.
            if chars.last().is_some_and(char::is_ascii_digit) {
                chars.push(' ');
            }
            chars.extend([c].into_iter().collect::<String>().nfkc().map(|(c, _)| spelt(c)));
        } else {
            chars.extend([c].into_iter().collect::<String>().nfkc().map(|(c, _)| spelt(c)));
        }
    }
    chars
}

/// One character for all signs that mean the same.
fn spelt(c: char) -> char {
    match c {
        '−' | '–' | '﹣' => '-',
        '⁄' | '∕' => '/',
        '٫' => '.',
        '٬' => ',',
        _ => digit_value(c).unwrap_or(c),
    }
}

/// The ASCII digit of a decimal digit of any script that texts on the web use.
fn digit_value(c: char) -> Option<char> {
    const ZEROS: [u32; 17] = [
        0x0030, 0x0660, 0x06F0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6,
        0x0D66, 0x0E50, 0x0ED0, 0x1040, 0x17E0, 0xFF10,
    ];
    let code = u32::from(c);
    let zero = ZEROS.iter().find(|zero| (**zero..**zero + 10).contains(&code))?;
    char::from_digit(code - zero, 10)
}

fn superscript(c: char) -> Option<char> {
    Some(match c {
        '⁰' => '0',
        '¹' => '1',
        '²' => '2',
        '³' => '3',
        '⁴'..='⁹' => char::from_digit(u32::from(c) - 0x2070, 10)?,
        '⁻' => '-',
        _ => return None,
    })
}

fn is_vulgar_fraction(c: char) -> bool {
    matches!(c, '¼'..='¾' | '⅐'..='⅞')
}

/// `\frac{a}{b}`, `\dfrac`, `\tfrac` and `\frac12` as `a/b`.
fn without_fractions(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((at, length)) =
        ["\\frac", "\\dfrac", "\\tfrac"].iter().filter_map(|c| Some((rest.find(c)?, c.len()))).min()
    {
        let (before, command) = rest.split_at(at);
        plain.push_str(before);
        rest = command.get(length..).unwrap_or_default();
        if let Some((above, after)) = argument(rest)
            && let Some((below, after)) = argument(after)
        {
            if before.ends_with(|c: char| c.is_ascii_digit()) {
                plain.push(' ');
            }
            plain.push_str(above);
            plain.push('/');
            plain.push_str(below);
            rest = after;
        } else {
            plain.push(' ');
        }
    }
    plain.push_str(rest);
    plain
}

/// An argument of a command: what stands in braces, or one digit.
fn argument(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches(' ');
    if let Some(inside) = text.strip_prefix('{') {
        return inside.split_once('}');
    }
    let first = text.chars().next().filter(char::is_ascii_digit)?;
    Some(text.split_at(first.len_utf8()))
}
