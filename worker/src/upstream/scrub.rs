//! Takes secrets out of what an upstream says before it reaches a caller or a log.
//!
//! ```text
//! scrub("Incorrect API key provided: sk-abc...xyz", &["sk-abc...xyz"]) -> "Incorrect API key provided: [redacted]"
//! ```
//! A secret is found as it is, percent-encoded, in base64 (either alphabet, at any offset within what was
//! encoded) and as JSON escapes it; so is any part of these of 12 bytes or more, since proxies shorten keys.

use std::collections::HashSet;

use serde_json::Value;

/// What replaces a secret.
const REDACTED: &str = "[redacted]";
/// The fewest bytes of a part of a secret that is taken out; a shorter secret is found whole.
const LEAST: usize = 12;
/// The most bytes of an upstream's error that are passed to a caller.
pub(crate) const ERROR_BYTES: usize = 64 << 10;

/// The text without the secrets.
pub(crate) fn scrub(text: &str, secrets: &[impl AsRef<str>]) -> String {
    let secrets = secrets.iter().map(AsRef::as_ref);
    let forms: Vec<String> = secrets.filter(|s| !s.is_empty()).flat_map(forms).collect();
    let (long, short): (Vec<&String>, Vec<&String>) = forms.iter().partition(|f| f.len() >= LEAST);
    let parts: HashSet<&[u8]> = long.iter().flat_map(|f| f.as_bytes().windows(LEAST)).collect();
    let mut secret = vec![false; text.len()];
    for (at, window) in text.as_bytes().windows(LEAST).enumerate() {
        if parts.contains(window) {
            secret[at..at + LEAST].fill(true);
        }
    }
    for form in short {
        for (at, found) in text.match_indices(form.as_str()) {
            secret[at..at + found.len()].fill(true);
        }
    }
    let mut clean = String::with_capacity(text.len());
    let mut before = false;
    for (at, letter) in text.char_indices() {
        let inside = secret[at..at + letter.len_utf8()].contains(&true);
        if !inside {
            clean.push(letter);
        } else if !before {
            clean.push_str(REDACTED);
        }
        before = inside;
    }
    clean
}

/// The texts in which a secret may appear.
fn forms(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned()];
    let percent = |plain: fn(u8) -> bool, upper: bool| -> String {
        secret
            .bytes()
            .map(|byte| match (plain(byte), upper) {
                (true, _) => char::from(byte).to_string(),
                (false, true) => format!("%{byte:02X}"),
                (false, false) => format!("%{byte:02x}"),
            })
            .collect()
    };
    for upper in [true, false] {
        forms.push(percent(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte), upper));
        forms.push(percent(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte), upper));
    }
    let json = Value::from(secret).to_string();
    forms.push(json[1..json.len() - 1].to_owned());
    forms.push(json[1..json.len() - 1].replace('/', "\\/"));
    // Of what is encoded the secret may be a part, as in "Bearer <key>" or "user:<key>".
    for skipped in 0..3 {
        let padded = [&[0; 2][..skipped.min(2)], secret.as_bytes()].concat();
        let encoded = base64(&padded);
        // The characters that also encode neighbouring bytes are left out.
        let start = [0, 2, 3][skipped];
        let end = encoded.len() - usize::from(padded.len() % 3 != 0);
        let part = encoded.get(start..end).unwrap_or_default();
        if part.len() >= LEAST {
            forms.push(part.to_owned());
            forms.push(part.replace('+', "-").replace('/', "_"));
        }
    }
    forms
}

/// Encodes bytes in base64, without padding.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | usize::from(*three.get(at).unwrap_or(&0)));
        for at in 0..=three.len() {
            text.push(char::from(LETTERS[bits >> (18 - 6 * at) & 63]));
        }
    }
    text
}

/// The beginning of a text, of at most `most` bytes.
pub(crate) fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "sk-proj/AbC+123\"dé=xyzzy0987654321";

    fn clean(text: &str) -> bool {
        let found = scrub(text, &["", "other-secret-that-is-long", KEY]);
        found.contains(REDACTED) && !found.contains("123") && !found.contains("0987")
    }

    #[test]
    fn a_secret_is_taken_out_in_each_of_its_forms() {
        let json = Value::from(KEY).to_string();
        for text in [
            format!("Incorrect API key provided: {KEY}. Try again"),
            format!("{{\"error\": {{\"message\": {json}}}}}"),
            "key=sk-proj%2FAbC%2B123%22d%C3%A9%3Dxyzzy0987654321&x".to_owned(),
            "key=sk-proj%2fAbC%2b123%22d%c3%a9%3dxyzzy0987654321&x".to_owned(),
            format!("{KEY}{KEY}"),
        ] {
            assert!(clean(&text), "{}", scrub(&text, &[KEY]));
        }
        assert_eq!(scrub(&format!("a {KEY} b"), &[KEY]), "a [redacted] b");
    }

    #[test]
    fn base64_of_a_secret_is_taken_out_at_any_offset() {
        for before in ["", "u", "u:", "me:", "Bearer "] {
            for after in ["", "x", "xy", ":pass"] {
                let encoded = base64(format!("{before}{KEY}{after}").as_bytes());
                for text in [encoded.clone(), encoded.replace('+', "-").replace('/', "_")] {
                    let found = scrub(&format!("basic {text}"), &[KEY]);
                    assert!(found.contains(REDACTED) && found.len() < 40, "{found}");
                }
            }
        }
        assert_eq!(base64(b"Man"), "TWFu");
        assert_eq!(base64(b"Ma"), "TWE");
        assert_eq!(base64(b"M"), "TQ");
    }

    #[test]
    fn a_long_part_of_a_secret_is_taken_out() {
        assert_eq!(scrub("key ...xyzzy0987654321", &[KEY]), "key ...[redacted]");
        assert_eq!(scrub("key sk-proj/AbC+...", &[KEY]), "key [redacted]...");
        assert_eq!(scrub("key sk-proj****4321", &[KEY]), "key sk-proj****4321");
        assert_eq!(scrub("short hunter2, hunter", &["hunter2"]), "short [redacted], hunter");
    }

    #[test]
    fn other_text_stays() {
        for text in ["", "日本 sk-other", "[redacted]"] {
            assert_eq!(scrub(text, &[KEY]), text);
        }
        assert_eq!(scrub("anything", &[] as &[&str]), "anything");
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("aé", 2), "a");
        assert_eq!(cut("aé", 3), "aé");
    }
}
