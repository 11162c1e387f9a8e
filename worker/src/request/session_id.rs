//! `x-pointsman-session`: the id of a conversation whose model is kept.

use crate::error::GatewayError;

/// Checks the header. Each session is a Durable Object of its own, so only callers with a key have
/// sessions: their rate limit and budget bound the number, and an hour without use ends each.
///
/// # Errors
/// [`GatewayError::SessionIllFormed`], [`GatewayError::SessionNotAllowed`].
pub(crate) fn session_id(
    header: Option<String>,
    has_key: bool,
) -> Result<Option<String>, GatewayError> {
    let Some(id) = header else { return Ok(None) };
    let plain = |c: char| c.is_ascii_alphanumeric() || "._:-".contains(c);
    match (1..=128).contains(&id.len()) && id.chars().all(plain) {
        true if has_key => Ok(Some(id)),
        true => Err(GatewayError::SessionNotAllowed),
        false => Err(GatewayError::SessionIllFormed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_needs_a_key_and_a_short_plain_id() {
        let of = |id: &str, has_key| session_id(Some(id.to_owned()), has_key).map_err(|e| e.code());
        assert_eq!(session_id(None, false), Ok(None));
        for id in ["s", "user:42_a.b-C", &"x".repeat(128)] {
            assert_eq!(of(id, true), Ok(Some(id.to_owned())));
            assert_eq!(of(id, false), Err("session_not_allowed"));
        }
        for id in ["", "a b", "a/b", "é", &"x".repeat(129)] {
            assert_eq!(of(id, true), Err("session_ill_formed"));
        }
    }
}
