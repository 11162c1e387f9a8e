//! Methods of a serde visitor that finds nothing in values of some kinds.

/// Implements the visitor's methods of scalars other than text: each returns the default.
macro_rules! scalars_are_default {
    () => {
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }

        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }

        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }

        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
    };
}

/// Implements the visitor's method of a text: it returns the default.
macro_rules! text_is_default {
    () => {
        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
    };
}

/// Implements the visitor's method of a list, which it skips: it returns the default.
macro_rules! list_is_default {
    ($de:lifetime) => {
        fn visit_seq<A: serde::de::SeqAccess<$de>>(
            self,
            mut list: A,
        ) -> Result<Self::Value, A::Error> {
            while list.next_element::<serde::de::IgnoredAny>()?.is_some() {}
            Ok(Self::Value::default())
        }
    };
}

/// Implements the visitor's method of an object, which it skips: it returns the default.
macro_rules! object_is_default {
    ($de:lifetime) => {
        fn visit_map<A: serde::de::MapAccess<$de>>(
            self,
            mut map: A,
        ) -> Result<Self::Value, A::Error> {
            while map.next_entry::<serde::de::IgnoredAny, serde::de::IgnoredAny>()?.is_some() {}
            Ok(Self::Value::default())
        }
    };
}

pub(crate) use {list_is_default, object_is_default, scalars_are_default, text_is_default};
