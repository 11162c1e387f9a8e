//! Tells the tool calls of a streamed chat answer apart, and puts their pieces together.
//!
//! OpenAI sends a call's id and name first, then its arguments, each piece with the call's `index`. Other
//! upstreams differ, and these are understood too:
//!
//! | an upstream | a piece belongs to |
//! | --- | --- |
//! | sends the arguments of several calls by turns | the call of its `index` |
//! | gives every call the index 0, or none | the call of its `id`; without one, to the last call, until a new name comes after complete arguments |
//! | gives two calls one id | the call of its `index` |
//! | repeats id and name in every piece | the same call, once |
//! | sends the id or the name late, or in pieces | the call of its `index` |
//! | repeats a whole call at the end | no call |
//! | sends `arguments` as an object, or a call without `function` around it | as its text; the same |
//!
//! A call begins for the client with its first arguments, or where something else follows, so that its name
//! is whole by then.

use std::borrow::Cow;

use serde_json::Value;

use super::stream_error::StreamError;
use crate::wire::json_tree;

/// The most calls of an answer.
const MAX_CALLS: usize = 256;
/// The most bytes of an answer's calls, which are kept until the answer ends.
const MAX_BYTES: usize = 4 << 20;

/// The calls of one answer.
#[derive(Debug, Default)]
pub(crate) struct CallPieces {
    calls: Vec<Call>,
    /// The call of the last piece.
    last: Option<usize>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Call {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
    /// Whether the client knows of it.
    begun: bool,
    nesting: Nesting,
}

/// What the client learns of a call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CallPiece {
    /// The call's index among the answer's calls.
    pub(crate) number: usize,
    /// Its name and id, with its first piece; the id is empty if the upstream gives none.
    pub(crate) begins: Option<(String, String)>,
    /// Further text of its arguments.
    pub(crate) arguments: String,
    /// Whether its arguments are complete.
    pub(crate) complete: bool,
}

/// The fields of a call, or of a piece of one.
#[derive(Debug)]
pub(crate) struct CallFields<'a> {
    index: Option<u64>,
    pub(crate) id: Cow<'a, str>,
    pub(crate) name: &'a str,
    pub(crate) arguments: Cow<'a, str>,
}

impl<'a> CallFields<'a> {
    /// Reads an element of `tool_calls`, or a `function_call`.
    pub(crate) fn of(call: &'a Value) -> Self {
        let function = if call["function"].is_object() { &call["function"] } else { call };
        let text = |value: &'a Value| match value {
            Value::Null => Cow::Borrowed(""),
            Value::String(text) => Cow::Borrowed(text.as_str()),
            other => Cow::Owned(json_tree::to_text(other)),
        };
        Self {
            index: call["index"].as_u64(),
            id: text(&call["id"]),
            name: function["name"].as_str().unwrap_or_default(),
            arguments: text(&function["arguments"]),
        }
    }

    /// The calls of a message, or the pieces in a delta.
    pub(crate) fn all(message: &'a Value) -> impl Iterator<Item = Self> {
        let calls = message["tool_calls"].as_array().into_iter().flatten();
        let one = Some(&message["function_call"]).filter(|call| call.is_object());
        calls.chain(one).map(Self::of)
    }

    fn is_empty(&self) -> bool {
        self.id.is_empty() && self.name.is_empty() && self.arguments.is_empty()
    }
}

impl CallPieces {
    /// Whether the client knows of a call.
    pub(crate) fn has_begun(&self) -> bool {
        self.calls.iter().any(|call| call.begun)
    }

    /// Reads a piece, and returns what the client learns by it.
    ///
    /// # Errors
    /// [`StreamError::Malformed`] for too many calls, or too long arguments.
    pub(crate) fn push(&mut self, piece: &CallFields<'_>) -> Result<Vec<CallPiece>, StreamError> {
        // Some models end their calls with such a piece.
        if piece.is_empty() {
            return Ok(vec![]);
        }
        let number = match self.continued(piece) {
            Some(number) => number,
            None if self.calls.len() < MAX_CALLS => {
                self.calls.push(Call { index: piece.index, ..Call::default() });
                self.calls.len() - 1
            }
            None => {
                let found = format!("more than {MAX_CALLS} calls");
                return Err(StreamError::malformed("tool_calls", found, "fewer"));
            }
        };
        self.last = Some(number);
        let call = &mut self.calls[number];
        if call.repeats(piece) {
            return Ok(vec![]);
        }
        let (goes_on, before) = (call.begun, call.size());
        call.add(piece);
        self.bytes += call.size() - before;
        if self.bytes > MAX_BYTES {
            let found = format!("calls of more than {MAX_BYTES} bytes");
            return Err(StreamError::malformed("tool_calls", found, "shorter ones"));
        }
        match goes_on {
            true if piece.arguments.is_empty() => Ok(vec![]),
            true => {
                let arguments = piece.arguments.clone().into_owned();
                let complete = call.nesting.closed;
                Ok(vec![CallPiece { number, begins: None, arguments, complete }])
            }
            false if call.arguments.is_empty() => Ok(self.begin(number)),
            false => Ok(self.begin(number + 1)),
        }
    }

    /// Begins the calls that have a name, because something else follows.
    pub(crate) fn begin_all(&mut self) -> Vec<CallPiece> {
        self.begin(self.calls.len())
    }

    /// Ends the calls: one without arguments gets `{}`, which clients parse.
    ///
    /// # Errors
    /// [`StreamError::Malformed`] for arguments of a call that has no name.
    pub(crate) fn end(&mut self) -> Result<Vec<CallPiece>, StreamError> {
        if self.calls.iter().any(|call| call.name.is_empty() && !call.arguments.is_empty()) {
            let found = "arguments of a call without a name";
            return Err(StreamError::malformed("tool_calls", found, "the call's name"));
        }
        let mut pieces = Vec::new();
        for number in 0..self.calls.len() {
            let begun = self.begin(number + 1);
            let call = &mut self.calls[number];
            pieces.extend(begun);
            if call.begun && call.arguments.trim().is_empty() {
                call.arguments = "{}".to_owned();
                match pieces.last_mut().filter(|piece| piece.number == number) {
                    Some(piece) => piece.arguments = "{}".to_owned(),
                    None => pieces.push(CallPiece {
                        number,
                        begins: None,
                        arguments: "{}".to_owned(),
                        complete: true,
                    }),
                }
            }
        }
        Ok(pieces)
    }

    /// The call that a piece continues; none if it begins another one.
    fn continued(&self, piece: &CallFields<'_>) -> Option<usize> {
        let same_index = |call: &Call| match (call.index, piece.index) {
            (Some(own), Some(other)) => own == other,
            _ => true,
        };
        let by_id = || self.calls.iter().rposition(|call| call.id == piece.id && same_index(call));
        let by_index = || match piece.index {
            Some(index) => self.calls.iter().rposition(|call| call.index == Some(index)),
            None => self.last,
        };
        let found = if piece.id.is_empty() { by_index() } else { by_id().or_else(by_index) };
        found.filter(|number| !self.calls[*number].is_another(piece))
    }

    /// Begins the calls below `end` that have a name and are not begun.
    fn begin(&mut self, end: usize) -> Vec<CallPiece> {
        let calls = self.calls.iter_mut().enumerate().take(end);
        let begun =
            calls.filter(|(_, call)| !call.begun && !call.name.is_empty()).map(|(number, call)| {
                call.begun = true;
                CallPiece {
                    number,
                    begins: Some((call.name.clone(), call.id.clone())),
                    arguments: call.arguments.clone(),
                    complete: call.nesting.closed,
                }
            });
        begun.collect()
    }
}

impl Call {
    /// Whether a piece that comes with this call's index or id is of another call.
    fn is_another(&self, piece: &CallFields<'_>) -> bool {
        let same_id = !piece.id.is_empty() && piece.id == self.id;
        let other_id =
            !self.id.is_empty() && !piece.id.starts_with(&self.id) && !piece.id.is_empty();
        let named = !piece.name.is_empty() && !self.name.is_empty();
        let renamed = match self.begun {
            true => named && piece.name != self.name,
            false => named && !piece.name.starts_with(&self.name),
        };
        if self.nesting.closed {
            let further = named && !piece.arguments.trim().is_empty();
            let again = same_id && !renamed && piece.arguments == self.arguments;
            return !again && (other_id || renamed || further);
        }
        (other_id && !piece.name.is_empty())
            || (renamed && !same_id && (self.begun || piece.index.is_none()))
    }

    /// Whether a piece is the whole call once more.
    fn repeats(&self, piece: &CallFields<'_>) -> bool {
        self.nesting.closed
            && piece.id == self.id
            && piece.name == self.name
            && piece.arguments == self.arguments
    }

    fn size(&self) -> usize {
        self.id.len() + self.name.len() + self.arguments.len()
    }

    /// Adds a piece; nothing becomes shorter.
    fn add(&mut self, piece: &CallFields<'_>) {
        if !self.begun {
            match piece.name {
                // Some upstreams repeat the name, or what there is of it so far.
                whole if whole.starts_with(&self.name) => whole.clone_into(&mut self.name),
                more => self.name.push_str(more),
            }
        }
        match &*piece.id {
            whole if whole.starts_with(&self.id) => whole.clone_into(&mut self.id),
            more if !self.begun => self.id.push_str(more),
            _ => {}
        }
        self.arguments.push_str(&piece.arguments);
        self.nesting.read(&piece.arguments);
    }
}

/// Whether a JSON object, which comes in pieces, is complete.
#[derive(Debug, Default)]
struct Nesting {
    levels: usize,
    in_text: bool,
    escaped: bool,
    closed: bool,
}

impl Nesting {
    fn read(&mut self, json: &str) {
        for byte in json.bytes() {
            match byte {
                _ if std::mem::take(&mut self.escaped) => {}
                b'\\' if self.in_text => self.escaped = true,
                b'"' => self.in_text = !self.in_text,
                _ if self.in_text => {}
                b'{' | b'[' => self.levels += 1,
                b'}' | b']' => {
                    self.closed |= self.levels == 1;
                    self.levels = self.levels.saturating_sub(1);
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
