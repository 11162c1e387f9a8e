//! Parses server-sent events from chunks that may split anywhere, and writes them.
//!
//! An upstream's chunks may end inside a line, a line end or a character. The events do not depend on
//! where the chunks split, and each is returned as soon as it is complete.
//!
//! ```text
//! "event: ping\ndata: {\"a\"" + ": 1}\n\n"  ->  Event { name: Some("ping"), data: "{\"a\": 1}" }
//! ```
//! Lines end in LF, CR or CRLF; comments, `id` and `retry` are skipped; a byte order mark at
//! the start is not part of the first line (HTML standard, section 9.2).

use std::ops::Range;

use super::long_strings::Shortener;

/// The most bytes of one event: about a hundred times the largest of a streamed answer.
pub(crate) const EVENT_LIMIT: usize = 1 << 20;
/// The most bytes of one event of the Responses API, whose last event repeats the whole answer.
pub(crate) const RESPONSES_EVENT_LIMIT: usize = 8 << 20;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// The `event` field, if present.
    pub(crate) name: Option<String>,
    /// The `data` fields, joined by line feeds.
    pub(crate) data: String,
}

/// Why a stream of events cannot be parsed further.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SseError {
    /// An event, or a single line, is longer than the limit.
    #[error("an event of the upstream is longer than {limit} bytes. Ask for a shorter answer")]
    TooLong { limit: usize },
}

/// An incremental parser: bytes in, events out.
#[derive(Debug)]
pub(crate) struct Parser {
    limit: usize,
    /// The beginning of a line whose end has not arrived.
    line: Vec<u8>,
    /// Its length in the stream, in bytes.
    line_length: usize,
    /// The bytes kept of the block's earlier lines.
    kept: usize,
    /// Leaves out what exceeds the beginning of long strings.
    shortener: Option<Shortener>,
    /// The number of bytes of the stream before `line`.
    consumed: usize,
    /// The number of bytes up to the end of the last block: an event, or comments and a blank line.
    block_end: usize,
    /// The bytes of the stream that the events of the last push take, each from the end of the block before.
    ranges: Vec<Range<usize>>,
    /// Whether the last line ended in CR, so that a following LF belongs to it.
    after_cr: bool,
    first_line: bool,
    name: Option<String>,
    data: Option<String>,
    failure: Option<SseError>,
}

impl Default for Parser {
    fn default() -> Self {
        Self::with_limit(EVENT_LIMIT)
    }
}

impl Parser {
    /// Makes a parser of events up to `limit` bytes.
    pub(crate) fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            line: Vec::new(),
            line_length: 0,
            kept: 0,
            shortener: None,
            consumed: 0,
            block_end: 0,
            ranges: Vec::new(),
            after_cr: false,
            first_line: true,
            name: None,
            data: None,
            failure: None,
        }
    }

    /// Reads a chunk and returns the events that it completes.
    ///
    /// # Errors
    /// [`SseError`]. If events were complete before the error, they are returned first and the next
    /// call returns the error; [`Parser::pending`] is true until then.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Event>, SseError> {
        let mut events = Vec::new();
        self.ranges.clear();
        if self.failure.is_none() {
            self.failure = self.read(bytes, &mut events).err();
        }
        match &self.failure {
            Some(failure) if events.is_empty() => Err(failure.clone()),
            _ => Ok(events),
        }
    }

    /// From now on keeps only the beginning of the long strings of JSON in lines, so that an event may be longer
    /// than the limit.
    pub(crate) fn shorten_strings(&mut self) {
        self.shortener.get_or_insert_default();
    }

    /// Whether the rest of long strings is left out.
    pub(crate) fn shortens_strings(&self) -> bool {
        self.shortener.is_some()
    }

    /// The number of bytes read so far.
    pub(crate) fn position(&self) -> usize {
        self.consumed + self.line_length
    }

    /// The bytes of the stream that the events of the last push take, each from the end of the block before
    /// it; counted from the stream's start.
    pub(crate) fn ranges(&self) -> &[Range<usize>] {
        &self.ranges
    }

    /// The number of bytes of the stream up to the end of the last block.
    pub(crate) fn block_end(&self) -> usize {
        self.block_end
    }

    /// Whether an unfinished event is buffered; at the stream's end it means that the stream was cut off.
    pub(crate) fn pending(&self) -> bool {
        !self.line.is_empty()
            || self.name.is_some()
            || self.data.is_some()
            || self.failure.is_some()
    }

    fn read(&mut self, mut bytes: &[u8], events: &mut Vec<Event>) -> Result<(), SseError> {
        while let Some(&first) = bytes.first() {
            if self.after_cr && first == b'\n' {
                bytes = &bytes[1..];
                self.consumed += 1;
                if self.block_end + 1 == self.consumed {
                    self.block_end = self.consumed;
                }
            }
            self.after_cr = false;
            let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                self.append(bytes);
                return self.check_length();
            };
            self.append(&bytes[..end]);
            self.check_length()?;
            self.after_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            events.extend(self.end_line()?);
        }
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) {
        self.line_length += bytes.len();
        match &mut self.shortener {
            Some(shortener) => shortener.append(bytes, &mut self.line),
            None => self.line.extend_from_slice(bytes),
        }
    }

    fn check_length(&self) -> Result<(), SseError> {
        match self.kept + self.line.len() > self.limit {
            true => Err(SseError::TooLong { limit: self.limit }),
            false => Ok(()),
        }
    }

    fn end_line(&mut self) -> Result<Option<Event>, SseError> {
        let line = std::mem::take(&mut self.line);
        if let Some(shortener) = &mut self.shortener {
            *shortener = Shortener::default();
        }
        let mark = match std::mem::take(&mut self.first_line) {
            true if line.starts_with(BYTE_ORDER_MARK) => BYTE_ORDER_MARK.len(),
            _ => 0,
        };
        // As the standard of event streams decodes them: a character cut in two by an upstream costs itself alone.
        let text = String::from_utf8_lossy(&line[mark..]);
        self.consumed += std::mem::take(&mut self.line_length) + 1;
        self.kept += line.len() + 1;
        if text.is_empty() {
            self.kept = 0;
            let range = self.block_end..self.consumed;
            self.block_end = self.consumed;
            let name = self.name.take();
            let event = self.data.take().map(|data| Event { name, data });
            self.ranges.extend(event.iter().map(|_| range.clone()));
            return Ok(event);
        }
        let (field, value) = text.split_once(':').unwrap_or((&text, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => self.name = (!value.is_empty()).then(|| value.to_owned()),
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            // A comment has an empty field name; `id` and `retry` matter only to clients that reconnect.
            _ => {}
        }
        Ok(None)
    }
}

/// Writes one event with its closing blank line. `name` must not contain a line end.
pub(crate) fn event(name: Option<&str>, data: &str) -> String {
    let mut text = name.map_or_else(String::new, |name| format!("event: {name}\n"));
    for line in data.replace("\r\n", "\n").split(['\n', '\r']) {
        text.push_str("data: ");
        text.push_str(line);
        text.push('\n');
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn of(name: Option<&str>, data: &str) -> Event {
        Event { name: name.map(str::to_owned), data: data.to_owned() }
    }

    /// Parses a stream cut at the given places.
    fn parsed(bytes: &[u8], cuts: &[usize]) -> (Vec<Event>, bool) {
        let mut parser = Parser::default();
        let mut events = Vec::new();
        let mut from = 0;
        for &to in cuts.iter().chain([&bytes.len()]) {
            events.extend(parser.push(&bytes[from..to]).unwrap());
            from = to;
        }
        (events, parser.pending())
    }

    fn samples() -> Vec<(&'static str, Vec<Event>)> {
        vec![
            (
                "event: greeting\ndata: Grüße, 世界 🚋\n\ndata: [DONE]\n\n",
                vec![of(Some("greeting"), "Grüße, 世界 🚋"), of(None, "[DONE]")],
            ),
            (
                "\u{feff}data: one\r\ndata: two\r\n\r\nevent:x\r\ndata:\r\n\r\n",
                vec![of(None, "one\ntwo"), of(Some("x"), "")],
            ),
            (
                ": hello\rid: 7\rretry: 10\rdata\rdata:  spaced\r\rdata: last\r\r",
                vec![of(None, "\n spaced"), of(None, "last")],
            ),
            (
                "data: a\n\r\ndata: b\r\n\ndata: c\r\r\n",
                vec![of(None, "a"), of(None, "b"), of(None, "c")],
            ),
            (
                "\n\nevent: nothing\n\n:\n\ndata: {\"x\": \"a:b\"}\n\n",
                vec![of(None, "{\"x\": \"a:b\"}")],
            ),
            ("event: x\nevent\ndata: \u{feff}mark\n\n", vec![of(None, "\u{feff}mark")]),
        ]
    }

    #[test]
    fn the_events_do_not_depend_on_where_the_chunks_split() {
        for (text, expected) in samples() {
            let bytes = text.as_bytes();
            for first in 0..=bytes.len() {
                for second in first..=bytes.len() {
                    let (events, pending) = parsed(bytes, &[first, second]);
                    assert_eq!(events, expected, "{text:?} cut at {first} and {second}");
                    assert!(!pending, "{text:?} cut at {first} and {second}");
                }
            }
            let every: Vec<usize> = (1..bytes.len()).collect();
            assert_eq!(parsed(bytes, &every).0, expected, "{text:?} byte by byte");
        }
    }

    #[test]
    fn an_event_is_returned_with_the_line_end_that_closes_it() {
        let mut parser = Parser::default();
        assert_eq!(parser.push(b"data: a\r\n\r").unwrap(), [of(None, "a")]);
        assert!(!parser.pending());
        assert_eq!(parser.push(b"\ndata: b\n\n").unwrap(), [of(None, "b")]);
    }

    #[test]
    fn an_unfinished_event_is_pending() {
        for text in ["d", "data: x", "data: x\n", "event: x\n", ": comment"] {
            let (events, pending) = parsed(text.as_bytes(), &[]);
            assert_eq!((events, pending), (vec![], true), "{text:?}");
        }
        assert!(!parsed(b": comment\n", &[]).1);
    }

    #[test]
    fn bytes_that_are_no_utf8_are_replaced() {
        let mut parser = Parser::default();
        assert_eq!(parser.push(b"data: ok\n\ndata: a\xff").unwrap(), [of(None, "ok")]);
        assert_eq!(parser.push(b"b\n\n").unwrap(), [of(None, "a\u{fffd}b")]);
        let halves = parser.push(b"data: \xe4\xb8\r\n\r\ndata: \xad\n\n").unwrap();
        assert_eq!(halves, [of(None, "\u{fffd}"), of(None, "\u{fffd}")]);
    }

    #[test]
    fn events_before_a_fault_in_the_same_chunk_are_not_lost() {
        let mut parser = Parser::with_limit(8);
        let events = parser.push(b"data: a\n\ndata: much too long\n\n").unwrap();
        assert_eq!(events, [of(None, "a")]);
        assert!(parser.pending());
        assert!(parser.push(b"").is_err());
    }

    #[test]
    fn the_ranges_of_events_are_their_bytes_wherever_the_chunks_split() {
        for (text, expected) in samples() {
            let bytes = text.as_bytes();
            for size in 1..=bytes.len() {
                let mut parser = Parser::default();
                let mut found = Vec::new();
                for chunk in bytes.chunks(size) {
                    let events = parser.push(chunk).unwrap();
                    assert_eq!(events.len(), parser.ranges().len());
                    for range in parser.ranges() {
                        // An event alone is read from its own bytes.
                        let part = String::from_utf8(bytes[range.clone()].to_vec()).unwrap();
                        found.extend(
                            Parser::default()
                                .push(part.trim_start_matches('\n').as_bytes())
                                .unwrap(),
                        );
                    }
                }
                assert_eq!(found.len(), expected.len(), "{text:?} in pieces of {size}");
                assert_eq!(parser.block_end(), bytes.len(), "{text:?} in pieces of {size}");
            }
        }
        let mut parser = Parser::default();
        parser.push(b": comment\n\ndata: a").unwrap();
        assert_eq!((parser.block_end(), parser.ranges().len()), (11, 0));
    }

    #[test]
    fn an_events_size_is_bounded_wherever_it_is_cut() {
        let one_line = format!("data: {}\n\n", "x".repeat(100));
        let many_lines = "data: x\n".repeat(100);
        let comment = format!(":{}", "x".repeat(100));
        let comments = ": x\n".repeat(100);
        for text in [one_line, many_lines, comment, comments] {
            for size in [1, 7, 64, text.len()] {
                let mut parser = Parser::with_limit(64);
                let result =
                    text.as_bytes().chunks(size).try_for_each(|c| parser.push(c).map(drop));
                assert_eq!(result, Err(SseError::TooLong { limit: 64 }), "{size}");
            }
        }
        let mut parser = Parser::with_limit(64);
        let short = "data: x\n\n".repeat(100);
        assert_eq!(parser.push(short.as_bytes()).unwrap().len(), 100);
    }

    #[test]
    fn written_values_are_read_back() {
        for (name, data, back) in [
            (None, "", ""),
            (Some("ping"), "{}", "{}"),
            (None, "a\nb\r\nc\rd", "a\nb\nc\nd"),
            (None, " leading", " leading"),
            (None, "ends\n", "ends\n"),
        ] {
            let (events, pending) = parsed(event(name, data).as_bytes(), &[]);
            assert_eq!((events, pending), (vec![of(name, back)], false), "{data:?}");
        }
    }
}
