//! The body of an upstream call, as pieces of the caller's bytes and new text: the caller's long strings
//! are not copied into wasm memory.

use std::ops::Range;

/// A piece of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Bytes of the caller's body.
    Source(Range<usize>),
    /// New text.
    Text(String),
}

/// A body in pieces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Outgoing(pub(crate) Vec<Piece>);

/// A change of the caller's body: `text` in place of a range, which is empty for an insertion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit {
    /// The replaced bytes.
    pub(crate) range: Range<usize>,
    /// What stands there instead.
    pub(crate) text: String,
}

impl Outgoing {
    /// The caller's body of `length` bytes with some changes, none of which overlap.
    pub(crate) fn edited(length: usize, mut edits: Vec<Edit>) -> Self {
        // An insertion goes in front of what begins at the same byte.
        edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
        let mut pieces = Vec::with_capacity(2 * edits.len() + 1);
        let mut at = 0;
        for Edit { range, text } in edits {
            if range.start > at {
                pieces.push(Piece::Source(at..range.start));
            }
            pieces.push(Piece::Text(text));
            at = range.end;
        }
        if length > at {
            pieces.push(Piece::Source(at..length));
        }
        Self(pieces)
    }

    /// Whether a field of this name stands in the new text.
    pub(crate) fn writes(&self, name: &str) -> bool {
        let key = format!("\"{name}\":");
        self.0.iter().any(|piece| matches!(piece, Piece::Text(text) if text.contains(&key)))
    }

    /// The body's length in bytes.
    pub(crate) fn len(&self) -> usize {
        let length = |piece: &Piece| match piece {
            Piece::Source(range) => range.len(),
            Piece::Text(text) => text.len(),
        };
        self.0.iter().map(length).sum()
    }

    /// The body as text.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn text(&self, source: &str) -> String {
        let mut text = String::with_capacity(self.len());
        for piece in &self.0 {
            text.push_str(match piece {
                Piece::Source(range) => &source[range.clone()],
                Piece::Text(text) => text,
            });
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_are_written_are_found() {
        let written = Piece::Text("{\"user\":\"u\",\"a\":\"strict\"}".into());
        let body = Outgoing(vec![Piece::Source(0..3), written]);
        assert!(body.writes("user") && body.writes("a"));
        assert!(!body.writes("strict") && !body.writes("u"));
    }

    #[test]
    fn edits_keep_the_bytes_around_them() {
        let source = "{\"a\": 1, \"b\": 2}";
        let edit = |range: Range<usize>, text: &str| Edit { range, text: text.to_owned() };
        let edits = vec![edit(14..15, "\"two\""), edit(1..1, "\"c\":3,"), edit(6..7, "9")];
        let body = Outgoing::edited(source.len(), edits);
        assert_eq!(body.text(source), "{\"c\":3,\"a\": 9, \"b\": \"two\"}");
        assert_eq!(body.len(), body.text(source).len());
        assert_eq!(Outgoing::edited(5, vec![]).0, [Piece::Source(0..5)]);
    }
}
