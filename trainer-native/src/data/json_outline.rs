//! The names of the fields at the beginning of a JSON text, which may be cut anywhere.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Levels of objects and lists whose names are kept.
const LEVELS: usize = 3;

/// The names of the fields of the first JSON value of a text, before its end or the first fault: `results`,
/// in an object within it `results.version`, in the first element of a list `[].id`.
pub(super) fn outline(text: &[u8]) -> BTreeSet<String> {
    let names = RefCell::new(BTreeSet::new());
    let mut values = serde_json::Deserializer::from_slice(text);
    // An error ends the names: what was found before it stays.
    let _ = Level { names: &names, prefix: String::new(), levels: LEVELS }.deserialize(&mut values);
    names.into_inner()
}

struct Level<'a> {
    names: &'a RefCell<BTreeSet<String>>,
    prefix: String,
    levels: usize,
}

impl<'a> Level<'a> {
    fn below(&self, name: &str) -> Level<'a> {
        let dot = if self.prefix.is_empty() { "" } else { "." };
        let prefix = format!("{}{dot}{name}", self.prefix);
        Level { names: self.names, prefix, levels: self.levels - 1 }
    }
}

impl<'de> DeserializeSeed<'de> for Level<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.levels {
            0 => deserializer.deserialize_ignored_any(IgnoredAny).map(drop),
            _ => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Level<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        list.next_element_seed(self.below("[]"))?;
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            let below = self.below(&name);
            self.names.borrow_mut().insert(below.prefix.clone());
            map.next_value_seed(below)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        Vec::from_iter(outline(text.as_bytes())).join(" ")
    }

    #[test]
    fn names_stand_with_the_names_around_them() {
        let text =
            r#"{"a": {"b": {"c": 1, "d": [2]}}, "e": [{"f": null}, {"g": 1}], "h": "x"} {"i": 1}"#;
        assert_eq!(shown(text), "a a.b a.b.c a.b.d e e.[].f h");
        assert_eq!(shown("[[{\"a\": 1}]]"), "[].[].a");
        assert_eq!(shown("  [ {\"a\": true}, 3]"), "[].a");
    }

    #[test]
    fn a_text_that_is_cut_gives_the_names_before_the_cut() {
        let text = r#"{"a": [{"b": 1.5}], "c": {"d": "x"}}"#;
        let mut last = 0;
        for end in 0..=text.len() {
            let found = outline(&text.as_bytes()[..end]).len();
            assert!(found >= last, "{}", &text[..end]);
            last = found;
        }
        assert_eq!(last, 4);
        assert_eq!(shown("x"), "");
        assert_eq!(shown("{\"a\": {\"b\" x"), "a a.b");
    }
}
