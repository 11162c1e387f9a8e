//! Keeps a conversation of the Responses API with the upstream that stores it.
//!
//! An upstream knows its own responses and items alone, and only its account can read the reasoning that it
//! encrypted. So what a routed request's client gets has a tag of the model in its ids and in encrypted texts,
//! and what an upstream gets is freed of it:
//!
//! ```text
//! upstream "resp_68a1"                -> client "resp_pm0123456789ab_68a1"        tagged_answer, tagged_event
//! client   "resp_pm0123456789ab_68a1" -> that model, as "resp_68a1"               References
//! ```
//! The first six digits stand for the account (origin and secret), the others for the model.
//!
//! | in a request | with a tag |
//! | --- | --- |
//! | `previous_response_id`, an `item_reference`, a compacted item | routing chooses its model; the tag is taken off |
//! | an item of the same account | the tag is taken off |
//! | `reasoning` of another account | left out |
//! | another item of another account | its tag is taken off; a message or a call loses its `id`, which it does not need |
//!
//! Ids without a tag stay as they are: nobody knows who made them.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use pointsman::sha256_hex;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::config::Upstream;
use crate::request::body::RequestBody;
use crate::request::endpoint::Dialect;
use crate::wire::fields::{Fields, range_in};
use crate::wire::outgoing::Edit;
use crate::wire::places::{Place, inserted, places};

/// The hexadecimal digits of a tag for the account, and those for the model.
const ACCOUNT_DIGITS: usize = 6;
const MODEL_DIGITS: usize = 6;
/// The bytes of a tag.
const TAG_BYTES: usize = "pm".len() + ACCOUNT_DIGITS + MODEL_DIGITS + "_".len();
/// The most letters of what an id begins with, such as `resp`.
const MAX_PREFIX: usize = 12;
/// The most items of a request or an answer that are read.
const MAX_ITEMS: usize = 20_000;

/// The tag of the model `name` at its upstream.
pub(crate) fn response_tag(upstream: &Upstream, name: &str) -> String {
    let origin = upstream.origin().unwrap_or_default();
    let secret = upstream.key_secret.as_deref().unwrap_or_default();
    let account = sha256_hex(format!("{origin}\n{secret}").as_bytes());
    let model = sha256_hex(upstream.model.as_deref().unwrap_or(name).as_bytes());
    format!("pm{}{}_", &account[..ACCOUNT_DIGITS], &model[..MODEL_DIGITS])
}

/// Whether two tags are of one account.
fn same_account(one: &str, other: &str) -> bool {
    let account = .."pm".len() + ACCOUNT_DIGITS;
    one.get(account).is_some() && one.get(account) == other.get(account)
}

/// What a request refers to that an upstream stores, and the tags in it, by byte ranges of the body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct References {
    /// The fields by which the request goes on from what one upstream alone has.
    stored: Vec<Stored>,
    /// The tags outside of `input`.
    tags: Vec<Range<usize>>,
    /// The items of `input` with a tag.
    items: Vec<Item>,
}

/// Something that an upstream stores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    /// The field's path.
    pub(crate) field: String,
    /// The id, or the beginning of it, as JSON.
    pub(crate) found: String,
    /// The tag in it, if it has one.
    pub(crate) tag: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Item {
    /// Its index in `input`.
    at: usize,
    place: Place,
    tag: String,
    /// The places of its tags.
    tags: Vec<Range<usize>>,
    /// The field `id` with a comma, if it can do without.
    id: Option<Range<usize>>,
    is_reasoning: bool,
}

#[derive(Deserialize)]
struct ItemFields<'a> {
    #[serde(borrow)]
    r#type: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    approval_request_id: Option<&'a RawValue>,
    #[serde(borrow)]
    encrypted_content: Option<&'a RawValue>,
}

/// The first elements of a list.
#[derive(Default)]
struct Items<'a>(Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Items<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Items<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of items")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Items<'de>, A::Error> {
                let mut items = Vec::new();
                while items.len() < MAX_ITEMS {
                    match list.next_element()? {
                        Some(item) => items.push(item),
                        None => return Ok(Items(items)),
                    }
                }
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Items(items))
            }
        }
        deserializer.deserialize_seq(List)
    }
}

impl References {
    /// Reads a request; nothing of one that is not of the Responses API. `body` is its text.
    pub(crate) fn read(request: &RequestBody, body: &str) -> Self {
        let mut found = Self::default();
        if request.dialect != Dialect::Responses {
            return found;
        }
        for name in ["previous_response_id", "conversation"] {
            let Some(range) =
                request.fields.get(name).filter(|range| &body[range.clone()] != "null")
            else {
                continue;
            };
            let place = tag_in(body, &range);
            found.store(
                name.to_owned(),
                &body[range],
                place.as_ref().map(|tag| &body[tag.clone()]),
            );
            found.tags.extend(place);
        }
        let input = request.fields.get("input").map(|range| &body[range]).unwrap_or_default();
        if input.starts_with('[') {
            let Items(items) = serde_json::from_str(input).unwrap_or_default();
            for ((at, raw), place) in items.iter().enumerate().zip(places(body, &items)) {
                found.read_item(body, at, raw, place);
            }
        }
        found
    }

    fn read_item(&mut self, body: &str, at: usize, raw: &RawValue, place: Place) {
        let Ok(item) = serde_json::from_str::<ItemFields<'_>>(raw.get()) else { return };
        let kind = item.r#type.map_or("", |kind| kind.get().trim_matches('"'));
        let id = item.id.map(|id| range_in(body, id.get()));
        let encrypted = item.encrypted_content.map(|text| range_in(body, text.get()));
        let of_id = id.as_ref().and_then(|id| tag_in(body, id));
        let of_text = encrypted.as_ref().and_then(|text| tag_at(body, text.start + 1));
        let approval = item.approval_request_id.map(|id| range_in(body, id.get()));
        let of_approval = approval.and_then(|id| tag_in(body, &id));
        let tags: Vec<Range<usize>> =
            [of_id.clone(), of_text, of_approval].into_iter().flatten().collect();
        let tag = tags.first().map(|tag| body[tag.clone()].to_owned());
        let refers = match kind {
            "item_reference" => id.as_ref().map(|id| (id, "id")),
            "compaction" | "compaction_summary" if tag.is_some() => {
                encrypted.as_ref().or(id.as_ref()).map(|text| (text, "encrypted_content"))
            }
            _ => None,
        };
        if let Some((range, name)) = refers {
            self.store(format!("input[{at}].{name}"), &body[range.clone()], tag.as_deref());
        }
        let Some(tag) = tag else { return };
        let needs_none = ["message", "function_call", "custom_tool_call"].contains(&kind);
        let without_id = || {
            let fields = Fields::new(raw.get()).ok().filter(|_| needs_none && of_id.is_some())?;
            let start = range_in(body, raw.get()).start;
            let range = fields.ranges_of(&["id"]).into_iter().next()?;
            Some(start + range.start..start + range.end)
        };
        let id = without_id();
        self.items.push(Item { at, place, tag, tags, id, is_reasoning: kind == "reasoning" });
    }

    fn store(&mut self, field: String, found: &str, tag: Option<&str>) {
        let found = found.chars().take(80).collect();
        self.stored.push(Stored { field, found, tag: tag.map(str::to_owned) });
    }

    /// Whether the request goes on from what one upstream alone has.
    pub(crate) fn needs_stored(&self) -> bool {
        !self.stored.is_empty()
    }

    /// The first of what is stored that tells its model by a tag.
    pub(crate) fn kept(&self) -> Option<&Stored> {
        self.stored.iter().find(|stored| stored.tag.is_some())
    }

    /// The changes of the body for the model with this tag; none of them overlap.
    pub(crate) fn edits(&self, tag: &str) -> Vec<Edit> {
        let without = |range: Range<usize>| Edit { range, text: String::new() };
        let mut edits: Vec<Edit> = self.tags.iter().cloned().map(without).collect();
        // How many of the first items are left out.
        let mut gone = 0;
        for item in &self.items {
            let own = same_account(&item.tag, tag);
            if !own && item.is_reasoning {
                edits.push(without(item.place.without(gone == item.at)));
                gone += usize::from(gone == item.at);
                continue;
            }
            let id = item.id.clone().filter(|_| !own);
            let covers = |tag: &Range<usize>| {
                id.as_ref().is_some_and(|id| id.start <= tag.start && tag.end <= id.end)
            };
            edits.extend(item.tags.iter().filter(|tag| !covers(tag)).cloned().map(without));
            edits.extend(id.map(without));
        }
        edits
    }
}

/// The tag that begins at a position.
fn tag_at(text: &str, at: usize) -> Option<Range<usize>> {
    let tag = text.get(at..at + TAG_BYTES)?;
    let digits = tag.strip_prefix("pm")?.strip_suffix('_')?;
    let plain = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    // Something stands behind it.
    let more = !text[at + TAG_BYTES..].starts_with('"');
    (digits.bytes().all(plain) && more).then_some(at..at + TAG_BYTES)
}

/// The tag in an id, whose JSON text is at `range`.
fn tag_in(text: &str, range: &Range<usize>) -> Option<Range<usize>> {
    let literal = text.get(range.clone()).filter(|literal| literal.starts_with('"'))?;
    let start = range.start + 1;
    tag_at(text, start).or_else(|| tag_at(text, start + prefix(&literal[1..])))
}

/// The bytes of what an id begins with: letters and an underscore.
fn prefix(id: &str) -> usize {
    let letters = id.bytes().take_while(u8::is_ascii_alphabetic).count();
    let fits = (1..=MAX_PREFIX).contains(&letters) && id[letters..].starts_with('_');
    if fits { letters + 1 } else { 0 }
}

/// Where the tags of a response belong.
#[derive(Deserialize)]
struct Response<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    previous_response_id: Option<&'a RawValue>,
    #[serde(borrow)]
    output: Option<&'a RawValue>,
}

/// Adds where the tag of an id belongs.
fn add_id(at: &mut Vec<usize>, text: &str, id: Option<&RawValue>) {
    let literal = id.map_or("", RawValue::get);
    if let Some(own) = literal.strip_prefix('"').filter(|own| *own != "\"") {
        at.push(range_in(text, literal).start + 1 + prefix(own));
    }
}

/// Adds where the tags of an item belong.
fn add_item(at: &mut Vec<usize>, text: &str, item: &RawValue) {
    let Ok(item) = serde_json::from_str::<ItemFields<'_>>(item.get()) else { return };
    add_id(at, text, item.id);
    let encrypted = item.encrypted_content.map_or("", RawValue::get);
    if encrypted.starts_with('"') && encrypted != "\"\"" {
        at.push(range_in(text, encrypted).start + 1);
    }
}

fn add_response(at: &mut Vec<usize>, text: &str, response: &Response<'_>) {
    add_id(at, text, response.id);
    add_id(at, text, response.previous_response_id);
    let output = response.output.map_or("", RawValue::get);
    let Items(items) = serde_json::from_str(output).unwrap_or_default();
    items.into_iter().for_each(|item| add_item(at, text, item));
}

/// A complete answer of the model with this tag, for a client.
pub(crate) fn tagged_answer<'t>(answer: &'t str, tag: &str) -> Cow<'t, str> {
    let mut at = Vec::new();
    if let Ok(response) = serde_json::from_str(answer) {
        add_response(&mut at, answer, &response);
    }
    at.sort_unstable();
    inserted(answer, &at, tag)
}

/// The data of an event of a stream of the model with this tag, for a client; none if it stays the same.
pub(crate) fn tagged_event(data: &str, tag: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Event<'a> {
        #[serde(borrow)]
        response: Option<&'a RawValue>,
        #[serde(borrow)]
        response_id: Option<&'a RawValue>,
        #[serde(borrow)]
        item: Option<&'a RawValue>,
        #[serde(borrow)]
        item_id: Option<&'a RawValue>,
    }
    let event: Event<'_> = serde_json::from_str(data).ok()?;
    let mut at = Vec::new();
    add_id(&mut at, data, event.response_id);
    add_id(&mut at, data, event.item_id);
    if let Some(item) = event.item {
        add_item(&mut at, data, item);
    }
    let response = event.response.and_then(|response| serde_json::from_str(response.get()).ok());
    if let Some(response) = response {
        add_response(&mut at, data, &response);
    }
    at.sort_unstable();
    match inserted(data, &at, tag) {
        Cow::Borrowed(_) => None,
        Cow::Owned(tagged) => Some(tagged),
    }
}

#[cfg(test)]
mod tests;
