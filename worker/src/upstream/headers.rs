//! Selects the headers that are passed on between client and upstream.
//!
//! The client's `Authorization` holds the gateway's key and is not passed on; neither are the upstream's
//! cookies and connection headers.

use crate::config::Api;
use crate::error::GatewayError;

/// Request headers passed on to an upstream as the client sent them.
pub(crate) const REQUEST_HEADERS: [&str; 3] = ["accept", "anthropic-beta", "anthropic-version"];

/// The version of Anthropic's API to request if the client names none.
pub(crate) const ANTHROPIC_VERSION: &str = "2023-06-01";

/// Whether a header of the upstream's answer is passed on. Lengths and encodings are not, since the
/// runtime decodes the body.
pub(crate) fn is_forwarded(header: &str) -> bool {
    const NAMES: [&str; 5] =
        ["cache-control", "content-type", "openai-processing-ms", "retry-after", "retry-after-ms"];
    let header = header.to_ascii_lowercase();
    NAMES.contains(&header.as_str())
        || header.starts_with("x-ratelimit-")
        || header.starts_with("anthropic-ratelimit-")
}

/// Accepts statuses of success and of errors. A redirect is refused: following it would send the key
/// to another host.
///
/// # Errors
/// [`GatewayError::UpstreamBadStatus`].
pub(crate) fn check_status(candidate: &str, status: u16) -> Result<(), GatewayError> {
    match status {
        200..=299 | 400..=599 => Ok(()),
        _ => Err(GatewayError::UpstreamBadStatus { candidate: candidate.to_owned(), status }),
    }
}

/// The headers that carry a key to an upstream of `api`.
pub(crate) fn key_headers(api: Api, key: &str) -> Vec<(&'static str, String)> {
    match api {
        Api::Openai => vec![("authorization", format!("Bearer {key}"))],
        Api::Anthropic => vec![("x-api-key", key.to_owned())],
        Api::WorkersAi => vec![],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_pass_and_cookies_do_not() {
        for header in ["Content-Type", "retry-after", "X-RateLimit-Remaining-Requests"] {
            assert!(is_forwarded(header), "{header}");
        }
        for header in ["set-cookie", "content-encoding", "content-length", "openai-organization"] {
            assert!(!is_forwarded(header), "{header}");
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
    fn each_api_has_its_header_for_keys() {
        assert_eq!(key_headers(Api::Openai, "k"), [("authorization", "Bearer k".to_owned())]);
        assert_eq!(key_headers(Api::Anthropic, "k"), [("x-api-key", "k".to_owned())]);
    }
}
