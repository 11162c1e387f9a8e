//! Counts the images, files and recordings of a conversation, in any API's shape and at any depth.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};

use crate::wire::scalars::scalars_are_default;

/// What a conversation has beside text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Media {
    /// The number of images.
    pub(crate) images: u64,
    /// Bytes of their data in the request.
    pub(crate) image_bytes: u64,
    /// The number of images that the request only names.
    pub(crate) named_images: u64,
    /// Bytes of the data of files and recordings in the request.
    pub(crate) file_bytes: u64,
    /// The number of recordings.
    pub(crate) recordings: u64,
    /// Bytes of their data.
    pub(crate) recording_bytes: u64,
    /// The number of files whose text is not in the request.
    pub(crate) documents: u64,
    /// Bytes of their data.
    pub(crate) document_bytes: u64,
    /// The number of files and recordings that the request only names.
    pub(crate) references: u64,
}

/// The input tokens by which an image is estimated: one of about 900 by 900 pixels.
const IMAGE_TOKENS: u64 = 1_000;
/// The input tokens of a file whatever its size: a page, which is read as text and as an image.
const FILE_TOKENS: u64 = 1_500;
/// The bytes of a file's data, in base64, for each further token: between those of a text and of a scan.
const FILE_BYTES_PER_TOKEN: u64 = 50;
/// The most input tokens of the data of all files: providers refuse more than some hundred pages.
const MOST_FILE_TOKENS: u64 = 100_000;
/// The bytes of a recording's data, in base64, for each token: ten tokens a second of compressed sound.
const RECORDING_BYTES_PER_TOKEN: u64 = 500;

impl Media {
    /// Counts what a conversation in JSON has; nothing if it cannot be read.
    pub(crate) fn of(json: &str) -> Self {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        Part { payload: false, source: false }
            .deserialize(&mut deserializer)
            .map_or_else(|_| Self::default(), |found| found.media)
    }

    /// Estimates the input tokens, without knowing what the data shows.
    pub(crate) fn estimated_tokens(&self) -> u64 {
        let data = (self.document_bytes / FILE_BYTES_PER_TOKEN).min(MOST_FILE_TOKENS);
        let recordings = self.recording_bytes / RECORDING_BYTES_PER_TOKEN;
        self.images * IMAGE_TOKENS + self.documents * FILE_TOKENS + data + recordings
    }

    fn add(&mut self, other: Self) {
        self.images += other.images;
        self.image_bytes += other.image_bytes;
        self.named_images += other.named_images;
        self.file_bytes += other.file_bytes;
        self.recordings += other.recordings;
        self.recording_bytes += other.recording_bytes;
        self.documents += other.documents;
        self.document_bytes += other.document_bytes;
        self.references += other.references;
    }
}

/// Whether a field of this name may hold the data or the address of an image or a file.
pub(super) fn is_payload(name: &str) -> bool {
    matches!(name, "data" | "file_data" | "file_url" | "image_url" | "result" | "url" | "video_url")
}

/// Fields that name a stored file.
const NAMES: [&str; 3] = ["file_id", "image_file_id", "asset_id"];

/// What the `type` of a part of a message says of its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It is an image.
    Image,
    /// It is a file.
    Document,
    /// It is sound or a film.
    Recording,
    /// It is text, or a list of parts.
    Inline,
    /// It is text that only the provider can read.
    Encrypted,
}

impl Kind {
    pub(super) fn of(name: &str) -> Option<Self> {
        match name {
            "image"
            | "image_url"
            | "input_image"
            | "computer_screenshot"
            | "image_generation_call" => Some(Self::Image),
            "file" | "input_file" | "document" | "container_upload" => Some(Self::Document),
            "input_audio" | "audio" | "audio_url" | "video_url" | "input_video" | "video" => {
                Some(Self::Recording)
            }
            "text" | "content" => Some(Self::Inline),
            "redacted_thinking" => Some(Self::Encrypted),
            _ => None,
        }
    }
}

/// What was found in a value: media, and a payload that belongs to the part around it.
#[derive(Default)]
struct Found {
    media: Media,
    bytes: u64,
    named: bool,
    /// Whether the part around it has its text or its parts in the request.
    inline: bool,
    kind: Option<Kind>,
}

#[derive(Clone, Copy)]
struct Part {
    /// Whether a string here is a payload.
    payload: bool,
    /// Whether an object here is the source of a part, whose type says where the data is.
    source: bool,
}

impl<'de> DeserializeSeed<'de> for Part {
    type Value = Found;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Found, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Part {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    scalars_are_default!();

    fn visit_str<E>(self, text: &str) -> Result<Found, E> {
        let address = ["http://", "https://", "gs://", "s3://"].iter().any(|s| text.starts_with(s));
        Ok(Found {
            bytes: if self.payload && !address { text.len() as u64 } else { 0 },
            named: self.payload && address,
            kind: Kind::of(text),
            ..Found::default()
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Found, A::Error> {
        let mut all = Found::default();
        while let Some(found) = list.next_element_seed(Self { payload: false, source: false })? {
            all.media.add(found.media);
        }
        Ok(all)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found, A::Error> {
        let mut all = Found::default();
        let mut kind = None;
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            let part = Self { payload: is_payload(&name), source: name == "source" };
            let found = map.next_value_seed(part)?;
            match &*name {
                "type" => kind = found.kind.or(kind),
                name => all.named |= NAMES.contains(&name),
            }
            all.media.add(found.media);
            all.bytes += found.bytes;
            all.named |= found.named;
            all.inline |= found.inline;
        }
        let (bytes, named) = (std::mem::take(&mut all.bytes), std::mem::take(&mut all.named));
        let inline = std::mem::take(&mut all.inline);
        match kind.filter(|kind| !self.source || *kind == Kind::Inline) {
            Some(Kind::Image) => {
                all.media.images += 1;
                all.media.image_bytes += bytes;
                all.media.named_images += u64::from(named);
            }
            Some(Kind::Document) => {
                all.media.file_bytes += bytes;
                if !inline {
                    all.media.documents += 1;
                    all.media.document_bytes += bytes;
                }
                all.media.references += u64::from(named || bytes == 0);
            }
            Some(Kind::Recording) => {
                all.media.file_bytes += bytes;
                all.media.recordings += 1;
                all.media.recording_bytes += bytes;
                all.media.references += u64::from(named || bytes == 0);
            }
            Some(Kind::Inline | Kind::Encrypted) | None => {
                (all.bytes, all.named) = (bytes, named);
                all.inline = inline || kind == Some(Kind::Inline);
            }
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_and_files_of_each_api_are_counted() {
        let images = r#"[{"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": "data:AAAA"}},
            {"type": "input_image", "image_url": "data:AAAA"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
            {"type": "image", "source": {"type": "url", "url": "https://a.example/1.png"}},
            {"type": "tool_result", "content": [{"type": "image", "source": {"data": "AAAA"}}]},
            {"type": "text", "text": "image"}]}]"#;
        let expected =
            Media { images: 5, image_bytes: 9 + 9 + 4 + 4, named_images: 1, ..Media::default() };
        assert_eq!(Media::of(images), expected);
        let files = r#"[{"content": [
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:BBBB"}},
            {"type": "document", "source": {"type": "base64", "data": "BBBB"}},
            {"type": "input_audio", "input_audio": {"data": "BBBB", "format": "wav"}},
            {"type": "input_file", "file_id": "f-1"},
            {"type": "document", "source": {"type": "url", "url": "https://a.example/1.pdf"}},
            {"type": "container_upload", "file_id": "f-2"}]}]"#;
        let expected = Media {
            file_bytes: 9 + 4 + 4,
            recordings: 1,
            recording_bytes: 4,
            documents: 5,
            document_bytes: 9 + 4,
            references: 3,
            ..Media::default()
        };
        assert_eq!(Media::of(files), expected);
        let inline = r#"[{"content": [
            {"type": "document", "source": {"type": "text", "data": "BBBB"}},
            {"type": "document", "source": {"type": "content", "content": [
                {"type": "image", "source": {"data": "AAAA"}}]}}]}]"#;
        let expected =
            Media { images: 1, image_bytes: 4, file_bytes: 4, references: 1, ..Media::default() };
        assert_eq!(Media::of(inline), expected);
    }

    #[test]
    fn text_and_other_json_count_nothing() {
        for json in [
            "\"text\"",
            "[]",
            "7",
            "{",
            r#"[{"role": "user", "content": "image_url", "url": "x"}]"#,
        ] {
            assert_eq!(Media::of(json), Media::default(), "{json}");
        }
    }
}
