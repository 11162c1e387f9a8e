//! What of an upstream's answer reaches the client, and what of the client's request reaches it.
//!
//! The client's `Authorization` is the gateway's own key and stays here; the upstream's cookies and
//! connection headers stay there.

use crate::error::GatewayError;

/// Request headers passed on to an upstream as the client sent them.
pub(crate) const REQUEST_HEADERS: [&str; 2] = ["accept", "x-request-id"];

/// Whether a header of the upstream's answer is passed on. Lengths and encodings are the runtime's
/// affair: the body comes out decoded.
pub(crate) fn passes_on(header: &str) -> bool {
    const NAMES: [&str; 6] = [
        "cache-control",
        "content-type",
        "openai-processing-ms",
        "retry-after",
        "retry-after-ms",
        "x-request-id",
    ];
    let header = header.to_ascii_lowercase();
    NAMES.contains(&header.as_str()) || header.starts_with("x-ratelimit-")
}

/// Accepts the statuses that are an answer, errors among them. A redirect is not followed: it
/// would carry the key to another host.
///
/// # Errors
/// [`GatewayError::UpstreamBadStatus`].
pub(crate) fn check_status(candidate: &str, status: u16) -> Result<(), GatewayError> {
    match status {
        200..=299 | 400..=599 => Ok(()),
        _ => Err(GatewayError::UpstreamBadStatus { candidate: candidate.to_owned(), status }),
    }
}

/// Whether two keys are the same, in a time that does not tell where they differ.
pub(crate) fn same_key(a: &str, b: &str) -> bool {
    let difference = a.bytes().zip(b.bytes()).fold(0, |sum, (x, y)| sum | (x ^ y));
    a.len() == b.len() && difference == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_pass_and_cookies_do_not() {
        for header in ["Content-Type", "retry-after", "X-RateLimit-Remaining-Requests"] {
            assert!(passes_on(header), "{header}");
        }
        for header in ["set-cookie", "content-encoding", "content-length", "openai-organization"] {
            assert!(!passes_on(header), "{header}");
        }
    }

    #[test]
    fn the_clients_key_is_not_passed_on() {
        assert!(!REQUEST_HEADERS.contains(&"authorization"));
    }

    #[test]
    fn answers_pass_and_redirects_do_not() {
        for status in [200, 204, 400, 429, 500, 529, 599] {
            assert_eq!(check_status("large", status), Ok(()));
        }
        for status in [101, 301, 302, 307, 600, 999] {
            assert_eq!(check_status("large", status).map_err(|e| e.status()), Err(502));
        }
    }

    #[test]
    fn keys_are_compared_whole() {
        assert!(same_key("abc", "abc"));
        assert!(!same_key("abc", "abd") && !same_key("abc", "ab") && !same_key("", "a"));
    }
}
