//! Tells a stream of server-sent events from JSON by the first bytes of a body.

/// What a body begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beginning {
    /// A line of a stream of events.
    Events,
    /// A list or an object.
    Json,
    /// Anything else.
    Other,
}

/// What a body begins with; none if these bytes do not say.
pub(crate) fn beginning(bytes: &[u8]) -> Option<Beginning> {
    const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
    const FIELDS: [&[u8]; 4] = [b"data", b"event", b"id", b"retry"];
    if bytes.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(bytes) {
        return None;
    }
    let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes).trim_ascii_start();
    let name = text.split(|byte| matches!(byte, b':' | b'\r' | b'\n')).next().unwrap_or_default();
    match text.first()? {
        b'{' | b'[' => Some(Beginning::Json),
        b':' => Some(Beginning::Events),
        _ if name.len() < text.len() && FIELDS.contains(&name) => Some(Beginning::Events),
        _ if name.len() == text.len() && FIELDS.iter().any(|field| field.starts_with(name)) => None,
        _ => Some(Beginning::Other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_and_json_are_told_apart_at_their_first_bytes() {
        for (text, expected) in [
            ("data: {}", Some(Beginning::Events)),
            ("data:{}", Some(Beginning::Events)),
            ("\u{feff}event: x\r", Some(Beginning::Events)),
            ("\r\n\r\nid: 7", Some(Beginning::Events)),
            ("retry: 1", Some(Beginning::Events)),
            ("data\n", Some(Beginning::Events)),
            (": waiting", Some(Beginning::Events)),
            ("  {\"data\": 1}", Some(Beginning::Json)),
            ("[", Some(Beginning::Json)),
            ("<html>", Some(Beginning::Other)),
            ("database", Some(Beginning::Other)),
            ("data is here", Some(Beginning::Other)),
            ("\"data\"", Some(Beginning::Other)),
            ("dat", None),
            ("data", None),
            ("", None),
            ("\n ", None),
        ] {
            assert_eq!(beginning(text.as_bytes()), expected, "{text:?}");
        }
        assert_eq!(beginning(b"\xef\xbb"), None);
    }

    #[test]
    fn more_bytes_never_change_what_was_found() {
        for text in ["\u{feff}\r\ndata: 1\n\n", "event: a\ndata: b\n\n", " {\"a\": 1}", "<p>"] {
            let bytes = text.as_bytes();
            let found: Vec<Beginning> =
                (0..=bytes.len()).filter_map(|end| beginning(&bytes[..end])).collect();
            assert!(!found.is_empty() && found.windows(2).all(|two| two[0] == two[1]), "{text:?}");
        }
    }
}
