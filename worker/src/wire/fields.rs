//! Finds the top-level fields of a JSON object by their byte ranges, so that a call's body is the caller's
//! own bytes with a few values replaced: parsing and printing would reorder fields and reformat numbers. Reads
//! single fields of an answer, of which the others take no memory.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The most fields of an object.
const MAX_FIELDS: usize = 50_000;
/// How much of a field's name an error repeats, in characters.
const SHOWN: usize = 60;

/// The fields of an object, in their order. No two names are equal, also not to a parser that ignores
/// case: of a repeated field some parsers take the first value and others the last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fields(Vec<Field>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Field {
    name: String,
    /// The name with its quotes.
    key: Range<usize>,
    value: Range<usize>,
}

impl Fields {
    /// Finds the fields of the object `json`.
    ///
    /// # Errors
    /// The parser's; a repeated name; more than [`MAX_FIELDS`] fields.
    pub(crate) fn new(json: &str) -> serde_json::Result<Self> {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let fields = FieldsOf(json).deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(fields)
    }

    /// The range of a field's value.
    pub(crate) fn get(&self, name: &str) -> Option<Range<usize>> {
        self.0.iter().find(|field| field.name == name).map(|field| field.value.clone())
    }

    /// The range of a field's name, with its quotes.
    pub(crate) fn key(&self, name: &str) -> Option<Range<usize>> {
        self.0.iter().find(|field| field.name == name).map(|field| field.key.clone())
    }

    /// The ranges without which the object lacks the fields of these names, in any spelling; with the commas
    /// of them, and in ascending order.
    pub(crate) fn ranges_of(&self, names: &[&str]) -> Vec<Range<usize>> {
        let mut ranges = Vec::new();
        // The end of the value in front, if any field in front of this one stays.
        let mut kept: Option<usize> = None;
        for (at, field) in self.0.iter().enumerate() {
            if !names.contains(&folded(&field.name).as_str()) {
                kept = Some(field.value.end);
                continue;
            }
            ranges.push(match kept {
                Some(end) => end..field.value.end,
                None => {
                    let next = self.0.get(at + 1);
                    field.key.start..next.map_or(field.value.end, |next| next.key.start)
                }
            });
            kept = kept.map(|_| field.value.end);
        }
        ranges
    }

    /// The fields' names and the ranges of their values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Range<usize>)> {
        self.0.iter().map(|field| (field.name.as_str(), field.value.clone()))
    }

    /// The first field that a parser ignoring case takes for one of `names`, and that name.
    pub(crate) fn spelled_otherwise<'n>(&self, names: &[&'n str]) -> Option<(&str, &'n str)> {
        self.iter().find_map(|(key, _)| {
            let folded = folded(key);
            let name = names.iter().find(|name| **name == folded && **name != key)?;
            Some((key, *name))
        })
    }
}

/// The name as a parser that ignores case compares it (Go's `encoding/json`: by Unicode's simple folding,
/// which maps two letters outside of ASCII to ASCII ones).
pub(crate) fn folded(name: &str) -> String {
    let fold = |c: char| match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    name.chars().map(fold).collect()
}

/// The byte range in `text` of a part that is borrowed from it, such as a raw value.
pub(crate) fn range_in(text: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr().addr() - text.as_ptr().addr();
    start..start + part.len()
}

/// The values of the object `json` in the fields of these names; none where the field is absent or null. Of a
/// repeated field it is the last.
///
/// # Errors
/// The parser's.
pub(crate) fn raw_values<'t, const N: usize>(
    json: &'t [u8],
    names: [&str; N],
) -> serde_json::Result<[Option<&'t RawValue>; N]> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let values = deserializer.deserialize_map(ValuesOf(names))?;
    deserializer.end()?;
    Ok(values)
}

struct ValuesOf<'n, const N: usize>([&'n str; N]);

impl<'de, const N: usize> Visitor<'de> for ValuesOf<'_, N> {
    type Value = [Option<&'de RawValue>; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = [None; N];
        while let Some(place) = map.next_key_seed(PlaceIn(&self.0))? {
            match place {
                Some(at) => values[at] = map.next_value()?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(values)
    }
}

/// The place of a field's name among these.
struct PlaceIn<'n>(&'n [&'n str]);

impl<'de> DeserializeSeed<'de> for PlaceIn<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<usize>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for PlaceIn<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Option<usize>, E> {
        Ok(self.0.iter().position(|known| *known == name))
    }
}

struct FieldsOf<'t>(&'t str);

impl<'de> DeserializeSeed<'de> for FieldsOf<'de> {
    type Value = Fields;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Fields, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for FieldsOf<'de> {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields: Vec<Field> = Vec::new();
        let mut keys = BTreeSet::new();
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            let value = map.next_value::<&'de RawValue>()?.get();
            let key = folded(&name);
            if !keys.insert(key) {
                let shown: String = name.chars().take(SHOWN).collect();
                let why =
                    format!("the field {shown:?} is repeated: expected it once, in one spelling");
                return Err(A::Error::custom(why));
            }
            if fields.len() == MAX_FIELDS {
                return Err(A::Error::custom(format!("it has more than {MAX_FIELDS} fields")));
            }
            let value = range_in(self.0, value);
            // Between two values stand a comma, the name and a colon; in front of the first one the brace.
            let from = fields.last().map_or(0, |field| field.value.end);
            let between = &self.0[from..value.start];
            let start = from + between.find('"').unwrap_or_default();
            let end = from + between.rfind('"').map_or(0, |quote| quote + 1);
            fields.push(Field { name: name.into_owned(), key: start..end, value });
        }
        Ok(Fields(fields))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn value<'a>(json: &'a str, name: &str) -> Option<&'a str> {
        Fields::new(json).unwrap().get(name).map(|range| &json[range])
    }

    #[test]
    fn the_value_is_found_beside_values_of_every_type() {
        let json = r#" { "a" : [1, {"model": "no"}, "]}"], "n": -1.5e3, "t": true, "o": {},
            "model" : "auto" , "z": null } "#;
        assert_eq!(value(json, "model"), Some("\"auto\""));
        assert_eq!(value(json, "a"), Some(r#"[1, {"model": "no"}, "]}"]"#));
        assert_eq!(value(json, "n"), Some("-1.5e3"));
        assert_eq!(value(json, "o"), Some("{}"));
        assert_eq!(value(json, "z"), Some("null"));
        assert_eq!(value(json, "absent"), None);
    }

    #[test]
    fn quotes_braces_and_escapes_in_strings_do_not_mislead() {
        let json = r#"{"x":"\"model\": \\","é{":"}","model":"a\"b\\","y":[[],[[]]]}"#;
        assert_eq!(value(json, "model"), Some(r#""a\"b\\""#));
        assert_eq!(value(json, "y"), Some("[[],[[]]]"));
        assert_eq!(value(r#"{"mod\u0065l":"x"}"#, "model"), Some("\"x\""));
    }

    #[test]
    fn names_have_ranges_too() {
        let json = r#" { "a" : 1, "q\"x" :"b:\"","c":[2] }"#;
        let fields = Fields::new(json).unwrap();
        let key = |name| fields.key(name).map(|range| &json[range]);
        assert_eq!(key("a"), Some("\"a\""));
        assert_eq!(key("q\"x"), Some(r#""q\"x""#));
        assert_eq!((key("c"), key("d")), (Some("\"c\""), None));
    }

    #[test]
    fn an_object_stays_one_without_any_of_its_fields() {
        let json = r#"{ "a" : 1, "B": {"x": 2} ,"c":[3] , "d" : "," }"#;
        let fields = Fields::new(json).unwrap();
        let names = ["a", "b", "c", "d"];
        for chosen in 0_usize..16 {
            let dropped: Vec<&str> =
                (0..4).filter(|at| chosen & (1 << at) > 0).map(|at| names[at]).collect();
            let mut left = json.to_owned();
            for range in fields.ranges_of(&dropped).into_iter().rev() {
                left.replace_range(range, "");
            }
            let left = Fields::new(&left).unwrap();
            let left: Vec<String> = left.iter().map(|(name, _)| folded(name)).collect();
            let expected: Vec<&str> = names.into_iter().filter(|n| !dropped.contains(n)).collect();
            assert_eq!(left, expected);
        }
    }

    #[test]
    fn a_repeated_field_is_refused_in_any_spelling() {
        for json in [
            r#"{"model":"first","model":"last"}"#,
            r#"{"model":"first","mod\u0065l":"last"}"#,
            r#"{"model":"first","Model":"last"}"#,
            r#"{"messages":[],"me\u017f\u017fages":[]}"#,
            r#"{"to\u212aens":1,"tokens":2}"#,
        ] {
            let why = Fields::new(json).unwrap_err().to_string();
            assert!(why.contains("repeated"), "{json}: {why}");
        }
        let fields = Fields::new(r#"{"Max_Tokens": 1, "x": 2}"#).unwrap();
        assert_eq!(
            fields.spelled_otherwise(&["n", "max_tokens"]),
            Some(("Max_Tokens", "max_tokens"))
        );
        assert_eq!(fields.spelled_otherwise(&["x"]), None);
    }

    #[test]
    fn single_values_are_read_beside_all_others() {
        let json = r#" {"x": [{"a": 1}], "\u0061" : {"b": 2}, "b": null, "c": 1, "c" : "last"} "#;
        let found = raw_values(json.as_bytes(), ["a", "b", "c", "d"]).unwrap();
        let found = found.map(|value| value.map(RawValue::get));
        assert_eq!(found, [Some(r#"{"b": 2}"#), None, Some("\"last\""), None]);
        for json in ["[1]", "", "7", "null", "{\"a\": 1", "{} {}", "{\"x\": 01}"] {
            assert!(raw_values(json.as_bytes(), ["a"]).is_err(), "{json}");
        }
    }

    #[test]
    fn only_an_object_of_few_fields_is_read() {
        for json in ["[1, 2]", "", "{\"model\":\"cut of", "7", "{} {}"] {
            assert!(Fields::new(json).is_err(), "{json}");
        }
        let many: Vec<String> = (0..=MAX_FIELDS).map(|at| format!("\"f{at}\":0")).collect();
        let why = Fields::new(&format!("{{{}}}", many.join(","))).unwrap_err().to_string();
        assert!(why.contains("50000 fields"), "{why}");
        assert_eq!(Fields::new("{}").unwrap(), Fields::default());
    }
}
