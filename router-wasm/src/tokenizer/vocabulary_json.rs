//! The `vocab` object of a WordPiece model, `{"piece": id, ..}`, read straight into the arena that
//! the vocabulary keeps: no string and no map of its own for any of its 30,000 entries.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, Visitor};

use super::vocabulary::Listing;

impl<'de> Deserialize<'de> for Listing {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Pieces)
    }
}

struct Pieces;

impl<'de> Visitor<'de> for Pieces {
    type Value = Listing;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a map from tokens to ids")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Listing, A::Error> {
        let mut listing = Listing::default();
        while map.next_key_seed(Piece(&mut listing))?.is_some() {
            let id: Id = map.next_value()?;
            listing.set_id(id.0);
        }
        Ok(listing)
    }
}

/// A key: its text goes into the listing.
struct Piece<'a>(&'a mut Listing);

impl<'de> DeserializeSeed<'de> for Piece<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Piece<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a token")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.push(text);
        Ok(())
    }
}

/// A value; a number that is no id is kept in words, so that the error can name its token.
struct Id(Result<u32, String>);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_u32(Number)
    }
}

struct Number;

impl Visitor<'_> for Number {
    type Value = Id;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an id")
    }

    fn visit_u64<E>(self, number: u64) -> Result<Id, E> {
        Ok(Id(u32::try_from(number).map_err(|_| number.to_string())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Id, E> {
        Ok(Id(u32::try_from(number).map_err(|_| number.to_string())))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Id, E> {
        Ok(Id(Err(number.to_string())))
    }
}
