//! Reads version numbers from programs' output.

/// A version's first three numbers; missing ones are 0.
pub type Version = (u64, u64, u64);

/// The first version in `text`: `v22.23.3`, `rustc 1.96.0 (…)`, `wasm-bindgen 0.2.130`.
pub fn parse(text: &str) -> Option<Version> {
    text.split(|c: char| c.is_whitespace() || c == '-')
        .map(|word| word.strip_prefix('v').unwrap_or(word))
        .filter(|word| word.contains('.'))
        .find_map(|word| {
            let mut numbers = word.split('.').map(|part| part.parse::<u64>());
            let major = numbers.next()?.ok()?;
            let minor = numbers.next()?.ok()?;
            let patch = numbers.next().and_then(Result::ok).unwrap_or(0);
            Some((major, minor, patch))
        })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn versions_are_read_from_what_programs_print() {
        assert_eq!(parse("v22.23.3\n"), Some((22, 23, 3)));
        assert_eq!(
            parse("rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)"),
            Some((1, 96, 0))
        );
        assert_eq!(parse("wasm-bindgen 0.2.130"), Some((0, 2, 130)));
        assert_eq!(parse("rustc 1.97.0-nightly (x 2026-06-01)"), Some((1, 97, 0)));
        assert_eq!(parse("1.95"), Some((1, 95, 0)));
    }

    #[test]
    fn text_without_a_version_has_none() {
        assert_eq!(parse("command not found"), None);
        assert_eq!(parse(""), None);
    }
}
