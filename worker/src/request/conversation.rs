//! Reads the texts of a conversation, borrowed from the request, in any API's shape. Other fields of
//! messages and parts are skipped and take no memory.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The most messages of a conversation.
const MAX_MESSAGES: usize = 20_000;
/// The most parts of a message.
const MAX_PARTS: usize = 10_000;

/// A message's role and text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Message<'a> {
    /// `system`, `developer`, `user`, `assistant` or `tool`; none for an item without a role.
    pub(crate) role: Option<Cow<'a, str>>,
    /// Its texts, one for each part.
    pub(crate) texts: Texts<'a>,
}

/// The texts of a message's content.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Texts<'a>(Vec<Cow<'a, str>>);

/// A list of messages; of items without a role only the number is kept.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Messages<'a>(pub(crate) Vec<Message<'a>>);

/// Prompts of the completions and embeddings APIs.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Prompts<'a> {
    /// Prompts given as text.
    pub(crate) texts: Vec<Cow<'a, str>>,
    /// The number of prompts.
    pub(crate) count: usize,
}

impl Message<'_> {
    /// A user's message.
    pub(crate) fn user(text: Cow<'_, str>) -> Message<'_> {
        Message { role: Some("user".into()), texts: Texts(vec![text]) }
    }

    /// The message without a borrow.
    pub(crate) fn into_owned(self) -> Message<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        let texts = Texts(self.texts.0.into_iter().map(owned).collect());
        Message { role: self.role.map(owned), texts }
    }
}

impl<'a> Texts<'a> {
    /// One text of several, joined by a line break as the engine joins parts.
    pub(crate) fn joined(&self) -> Cow<'a, str> {
        match self.0.as_slice() {
            [] => Cow::Borrowed(""),
            [one] => one.clone(),
            more => Cow::Owned(more.join("\n")),
        }
    }
}

/// A string, borrowed where it has no escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Strings;
        impl<'de> Visitor<'de> for Strings {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Strings)
    }
}

/// The text of a content part, if it has any.
struct Part<'a>(Option<Cow<'a, str>>);

impl<'de: 'a, 'a> Deserialize<'de> for Part<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts;
        impl<'de> Visitor<'de> for Parts {
            type Value = Part<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a content part, which is an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Part<'de>, A::Error> {
                let mut text = None;
                while let Some(name) = map.next_key::<Cow<'de, str>>()? {
                    match &*name {
                        "text" => text = map.next_value::<Option<Text<'de>>>()?.map(|text| text.0),
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(Part(text))
            }
        }
        deserializer.deserialize_map(Parts)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Texts<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Contents;
        impl<'de> Visitor<'de> for Contents {
            type Value = Texts<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a content: a string, a list of parts or null")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Texts<'de>, E> {
                Ok(Texts(vec![Cow::Borrowed(text)]))
            }

            fn visit_str<E>(self, text: &str) -> Result<Texts<'de>, E> {
                Ok(Texts(vec![Cow::Owned(text.to_owned())]))
            }

            fn visit_unit<E>(self) -> Result<Texts<'de>, E> {
                Ok(Texts::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Texts<'de>, A::Error> {
                let mut texts = Vec::new();
                let mut parts = 0;
                while let Some(Part(text)) = list.next_element()? {
                    parts += 1;
                    if parts > MAX_PARTS {
                        return Err(A::Error::custom(format!(
                            "a message has more than {MAX_PARTS} parts"
                        )));
                    }
                    texts.extend(text);
                }
                Ok(Texts(texts))
            }
        }
        deserializer.deserialize_any(Contents)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Message<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Message<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a message, which is an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Message<'de>, A::Error> {
                let (mut role, mut texts) = (None, Texts::default());
                while let Some(name) = map.next_key::<Cow<'de, str>>()? {
                    match &*name {
                        "role" => role = map.next_value::<Option<Text<'de>>>()?.map(|text| text.0),
                        "content" => texts = map.next_value()?,
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(Message { role, texts })
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Messages<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Messages<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of messages")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Messages<'de>, A::Error> {
                let mut messages = Vec::new();
                while let Some(message) = list.next_element()? {
                    if messages.len() == MAX_MESSAGES {
                        return Err(A::Error::custom(format!(
                            "it has more than {MAX_MESSAGES} messages"
                        )));
                    }
                    messages.push(message);
                }
                Ok(Messages(messages))
            }
        }
        deserializer.deserialize_seq(List)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Prompts<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// A prompt in a list: a text, a list of token ids, or one token id of a single prompt.
        enum Prompt<'a> {
            Text(Cow<'a, str>),
            TokenIds,
            TokenId,
        }

        struct One;
        impl<'de> Visitor<'de> for One {
            type Value = Prompt<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a prompt: a text or token ids")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Prompt<'de>, E> {
                Ok(Prompt::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Prompt<'de>, E> {
                Ok(Prompt::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_u64<E>(self, _: u64) -> Result<Prompt<'de>, E> {
                Ok(Prompt::TokenId)
            }

            fn visit_i64<E>(self, _: i64) -> Result<Prompt<'de>, E> {
                Ok(Prompt::TokenId)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Prompt<'de>, E> {
                Ok(Prompt::TokenId)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Prompt<'de>, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Prompt::TokenIds)
            }
        }
        impl<'de: 'a, 'a> Deserialize<'de> for Prompt<'a> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(One)
            }
        }

        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Prompts<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("prompts: a text, a list of texts, or token ids")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Prompts<'de>, E> {
                Ok(Prompts { texts: vec![Cow::Borrowed(text)], count: 1 })
            }

            fn visit_str<E>(self, text: &str) -> Result<Prompts<'de>, E> {
                Ok(Prompts { texts: vec![Cow::Owned(text.to_owned())], count: 1 })
            }

            fn visit_unit<E>(self) -> Result<Prompts<'de>, E> {
                Ok(Prompts::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Prompts<'de>, A::Error> {
                let mut prompts = Prompts::default();
                let mut single = 0;
                while let Some(prompt) = list.next_element()? {
                    match prompt {
                        Prompt::TokenId => {
                            single = 1;
                            continue;
                        }
                        Prompt::Text(text) => prompts.texts.push(text),
                        Prompt::TokenIds => {}
                    }
                    prompts.count += 1;
                    if prompts.count > MAX_MESSAGES {
                        return Err(A::Error::custom(format!(
                            "it has more than {MAX_MESSAGES} prompts"
                        )));
                    }
                }
                prompts.count += single;
                Ok(prompts)
            }
        }
        deserializer.deserialize_any(All)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn texts_without_escapes_are_borrowed() {
        let json = r#"[{"role": "user", "content": [{"type": "text", "text": "plain"},
            {"type": "image_url", "image_url": {"url": "x:"}}, {"type": "text", "text": "a\nb"}]},
            {"type": "function_call_output", "output": "7"}, {"role": "assistant", "content": null}]"#;
        let Messages(found) = serde_json::from_str(json).unwrap();
        assert!(matches!(found[0].texts.0[0], Cow::Borrowed("plain")));
        assert_eq!(found[0].texts.joined(), "plain\na\nb");
        assert_eq!((found[1].role.as_deref(), found[2].role.as_deref()), (None, Some("assistant")));
        assert_eq!(found[2].texts.joined(), "");
    }

    #[test]
    fn malformed_conversations_say_what_is_expected() {
        for (json, part) in [
            ("7", "a list of messages"),
            ("[7]", "a message"),
            (r#"[{"content": 7}]"#, "a content"),
            (r#"[{"content": [7]}]"#, "a content part"),
            (r#"[{"role": 7}]"#, "a string"),
        ] {
            let why = serde_json::from_str::<Messages<'_>>(json).unwrap_err().to_string();
            assert!(why.contains(part), "{json}: {why}");
        }
        let many = format!("[{}{{}}]", "{},".repeat(MAX_MESSAGES));
        assert!(serde_json::from_str::<Messages<'_>>(&many).is_err());
        let many = format!(r#"[{{"content": [{}{{}}]}}]"#, "{},".repeat(MAX_PARTS));
        assert!(serde_json::from_str::<Messages<'_>>(&many).is_err());
    }

    #[test]
    fn prompts_are_texts_or_token_ids() {
        let of = |json: &str| {
            let found: Prompts<'_> = serde_json::from_str(json).unwrap();
            (found.texts.len(), found.count)
        };
        assert_eq!(of("\"one\""), (1, 1));
        assert_eq!(of(r#"["a", "b"]"#), (2, 2));
        assert_eq!(of("[1, 2, 3]"), (0, 1));
        assert_eq!(of("[[1, 2], [3]]"), (0, 2));
        assert_eq!(of("null"), (0, 0));
        assert!(serde_json::from_str::<Prompts<'_>>("{}").is_err());
    }
}
