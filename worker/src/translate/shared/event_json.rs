//! Reads an event of a stream as JSON.

use serde_json::Value;

use super::error_body::error_in_stream;
use super::stream_error::StreamError;
use crate::error::shown;
use crate::wire::json_tree;
use crate::wire::reported_error::reported_error;
use crate::wire::sse::Event;

/// Parses the JSON object in an event, and says whether halves of characters in it are stand-ins
/// ([`Halves`](crate::wire::surrogates::Halves)).
///
/// # Errors
/// [`StreamError::Malformed`]; the error that the event reports.
pub(crate) fn event_json(event: &Event) -> Result<(Value, bool), StreamError> {
    let name = || event.name.as_deref().unwrap_or("data");
    let (data, marked) = match json_tree::parse_event(&event.data) {
        Ok((object @ Value::Object(_), marked)) => (object, marked),
        Ok((other, _)) => {
            return Err(StreamError::malformed(name(), shown(&other), "a JSON object"));
        }
        Err(error) => return Err(StreamError::malformed(name(), error, "a JSON object")),
    };
    match reported_error(event.data.as_bytes()) {
        Some(error) => Err(error_in_stream(&error)),
        None => Ok((data, marked)),
    }
}
