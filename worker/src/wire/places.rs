//! Places in a JSON text: where an element of a list can be taken out, and where a part can be put in, without
//! another byte changing.

use std::borrow::Cow;
use std::ops::Range;

use serde_json::value::RawValue;

use super::fields::range_in;

/// An element of a list, as ranges whose removal leaves a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// With the comma in front; for an element that is not the first.
    with_comma_before: Range<usize>,
    /// With the comma behind; for an element in front of which none is left.
    with_comma_behind: Range<usize>,
}

impl Place {
    /// The range whose removal takes the element out; `is_first` if none is left in front of it.
    pub(crate) fn without(&self, is_first: bool) -> Range<usize> {
        match is_first {
            true => self.with_comma_behind.clone(),
            false => self.with_comma_before.clone(),
        }
    }
}

/// The places of the elements of a list that are borrowed from `body`.
pub(crate) fn places(body: &str, list: &[&RawValue]) -> Vec<Place> {
    let spans: Vec<Range<usize>> = list.iter().map(|raw| range_in(body, raw.get())).collect();
    let place = |(at, own): (usize, &Range<usize>)| {
        let before = at.checked_sub(1).map_or(own.start, |at| spans[at].end);
        let behind = spans.get(at + 1).map_or(own.end, |next| next.start);
        Place { with_comma_before: before..own.end, with_comma_behind: own.start..behind }
    };
    spans.iter().enumerate().map(place).collect()
}

/// The text with a part inserted at these places, in ascending order; borrowed without any.
pub(crate) fn inserted<'t>(text: &'t str, at: &[usize], part: &str) -> Cow<'t, str> {
    let Some(last) = at.last() else { return Cow::Borrowed(text) };
    let mut whole = String::with_capacity(text.len() + at.len() * part.len());
    let mut from = 0;
    for place in at {
        whole.push_str(&text[from..*place]);
        whole.push_str(part);
        from = *place;
    }
    whole.push_str(&text[*last..]);
    Cow::Owned(whole)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_list_without_some_elements_is_a_list() {
        let json = "[ 1 ,[2], {\"a\": 3} ]";
        let list: Vec<&RawValue> = serde_json::from_str(json).unwrap();
        let places = places(json, &list);
        let without =
            |range: Range<usize>| format!("{}{}", &json[..range.start], &json[range.end..]);
        assert_eq!(without(places[0].without(true)), "[ [2], {\"a\": 3} ]");
        assert_eq!(without(places[1].without(false)), "[ 1, {\"a\": 3} ]");
        assert_eq!(without(places[2].without(false)), "[ 1 ,[2] ]");
    }

    #[test]
    fn a_part_is_put_in_at_each_place() {
        assert_eq!(inserted("abc", &[0, 2, 3], "-"), "-ab-c-");
        assert!(matches!(inserted("abc", &[], "-"), Cow::Borrowed("abc")));
    }
}
