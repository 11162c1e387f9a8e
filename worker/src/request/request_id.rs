//! Checks the `x-request-id` that a client sends.

/// Whether a text is a valid request id. The id becomes part of a file's name.
pub(crate) fn is_request_id(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    (1..=128).contains(&text.len()) && text.chars().all(plain) && !text.starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_may_be_a_files_name() {
        assert!(is_request_id("req_01-A.b") && is_request_id(&"a".repeat(128)));
        for text in ["", "a/b", "..", "a b", "é", &"a".repeat(129)] {
            assert!(!is_request_id(text), "{text}");
        }
    }
}
