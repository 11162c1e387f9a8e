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
    const NAMES: [&str; 6] = [
        "cache-control",
        "content-type",
        "openai-processing-ms",
        "retry-after",
        "retry-after-ms",
        "x-should-retry",
    ];
    const FAMILIES: [&str; 4] =
        ["x-ratelimit-", "anthropic-ratelimit-", "anthropic-priority-", "ratelimit"];
    let header = header.to_ascii_lowercase();
    NAMES.contains(&header.as_str()) || FAMILIES.iter().any(|family| header.starts_with(family))
}

/// The media type of a `content-type`, in lower case and without its parameters.
pub(crate) fn media_type(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// How a body with a `content-encoding` is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// It has none, or the runtime has decoded it.
    Decoded,
    /// With a stream of the runtime's, by its first byte.
    Compressed,
    /// Not at all.
    Unknown,
}

/// How a body is decoded. The runtime itself decodes what is spelled `gzip` or `br`.
pub(crate) fn coding(content_encoding: &str) -> Coding {
    match content_encoding.trim() {
        "" | "gzip" | "br" => Coding::Decoded,
        other => match other.to_ascii_lowercase().as_str() {
            "identity" => Coding::Decoded,
            "deflate" | "gzip" | "x-gzip" => Coding::Compressed,
            _ => Coding::Unknown,
        },
    }
}

/// The format of the runtime's decompression for a body that begins with this byte; none if it is not
/// compressed. Some servers send `deflate` without its header, which states the method 8.
pub(crate) fn compression(first: u8, content_encoding: &str) -> Option<&'static str> {
    let deflate = content_encoding.trim().eq_ignore_ascii_case("deflate");
    match first {
        0x1f => Some("gzip"),
        _ if deflate && first & 0x0f == 8 => Some("deflate"),
        _ => deflate.then_some("deflate-raw"),
    }
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
        for header in [
            "Content-Type",
            "retry-after",
            "X-Should-Retry",
            "X-RateLimit-Remaining-Requests",
            "RateLimit-Reset",
            "ratelimit",
            "anthropic-ratelimit-tokens-remaining",
        ] {
            assert!(is_forwarded(header), "{header}");
        }
        for header in ["set-cookie", "content-encoding", "content-length", "openai-organization"] {
            assert!(!is_forwarded(header), "{header}");
        }
    }

    #[test]
    fn a_media_type_has_no_case_and_no_parameters() {
        assert_eq!(media_type("Text/Event-Stream ; charset=utf-8"), "text/event-stream");
        assert_eq!(media_type(""), "");
    }

    #[test]
    fn a_compressed_body_is_known_by_its_first_byte() {
        let codings = ["", "gzip", "BR", "identity", "Deflate", "x-gzip", "zstd", "gzip, br"];
        let found = codings.map(coding);
        let (decoded, compressed, unknown) = (Coding::Decoded, Coding::Compressed, Coding::Unknown);
        let expected =
            [decoded, decoded, unknown, decoded, compressed, compressed, unknown, unknown];
        assert_eq!(found, expected);
        assert_eq!(compression(0x78, "deflate"), Some("deflate"));
        assert_eq!(compression(0xab, "DEFLATE"), Some("deflate-raw"));
        assert_eq!(compression(0x1f, "x-gzip"), Some("gzip"));
        assert_eq!(compression(b'{', "x-gzip"), None);
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
