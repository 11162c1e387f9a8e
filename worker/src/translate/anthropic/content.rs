//! Translates texts, images and documents, in both directions.
//!
//! | OpenAI part | Anthropic block |
//! | --- | --- |
//! | `text`, `refusal` | `text` |
//! | `image_url` with a `data:` URL | `image`, source `base64` |
//! | `image_url` with an https URL | `image`, source `url` |
//! | `file` with `file_data` | `document`, source `base64`; the file's name is its `title` |
//! | `text` | `document`, source `text` |
//!
//! Anthropic refuses blocks of only white space, so they are left out. `cache_control` is kept
//! towards Anthropic and dropped towards OpenAI, which caches automatically. An image's `detail` and
//! a document's `citations` and `context` are dropped. Audio and uploaded files are refused.

use serde_json::{Value, json};

use crate::error::Untranslatable;

/// Translates an OpenAI message's `content`, a text, a list of parts or null, into blocks.
///
/// # Errors
/// [`Untranslatable`] for a part that Anthropic does not take.
pub(super) fn to_blocks(content: &Value, field: &str) -> Result<Vec<Value>, Untranslatable> {
    let parts = match content {
        Value::Null => return Ok(vec![]),
        Value::String(text) => return Ok(text_block(text).into_iter().collect()),
        Value::Array(parts) => parts,
        other => {
            return Err(Untranslatable::malformed(field, other, "a string or a list of parts"));
        }
    };
    let mut blocks = Vec::with_capacity(parts.len());
    for (at, part) in parts.iter().enumerate() {
        let Some(mut block) = to_block(part, &format!("{field}[{at}]"))? else {
            continue;
        };
        keep_cache_control(part, &mut block);
        blocks.push(block);
    }
    Ok(blocks)
}

/// Copies `cache_control`, an extension that many OpenAI clients send, from a part or message.
pub(super) fn keep_cache_control(from: &Value, block: &mut Value) {
    if from["cache_control"].is_object() {
        block["cache_control"] = from["cache_control"].clone();
    }
}

fn to_block(part: &Value, field: &str) -> Result<Option<Value>, Untranslatable> {
    let kind = part["type"].as_str();
    match kind {
        Some(kind @ ("text" | "refusal")) => {
            Ok(text_block(text(&part[kind], format!("{field}.{kind}"))?))
        }
        Some("image_url") => image_block(part, field).map(Some),
        Some("file") => document_block(part, field).map(Some),
        Some(_) => Err(Untranslatable::unsupported(
            format!("{field}.type"),
            &part["type"],
            "\"text\", \"image_url\" or \"file\"",
        )),
        None => Err(Untranslatable::malformed(format!("{field}.type"), &part["type"], "a string")),
    }
}

fn text_block(text: &str) -> Option<Value> {
    (!text.trim().is_empty()).then(|| json!({"type": "text", "text": text}))
}

fn image_block(part: &Value, field: &str) -> Result<Value, Untranslatable> {
    let field = format!("{field}.image_url.url");
    let url = text(&part["image_url"]["url"], field.as_str())?;
    let source = if url.starts_with("https://") {
        json!({"type": "url", "url": url})
    } else if let Some((media_type, data)) = data_url(url) {
        // "image/jpg" is common, and Anthropic accepts only the registered name.
        let media_type = if media_type == "image/jpg" { "image/jpeg" } else { media_type };
        json!({"type": "base64", "media_type": media_type, "data": data})
    } else {
        let expected = "an https URL, or a data URL in base64";
        return Err(Untranslatable::unsupported(field, &part["image_url"]["url"], expected));
    };
    Ok(json!({"type": "image", "source": source}))
}

fn document_block(part: &Value, field: &str) -> Result<Value, Untranslatable> {
    let file = &part["file"];
    let Some((media_type, data)) = file["file_data"].as_str().and_then(data_url) else {
        return Err(Untranslatable::unsupported(
            format!("{field}.file.file_data"),
            &file["file_data"],
            "a data URL in base64",
        ));
    };
    let source = json!({"type": "base64", "media_type": media_type, "data": data});
    let mut block = json!({"type": "document", "source": source});
    if file["filename"].is_string() {
        block["title"] = file["filename"].clone();
    }
    Ok(block)
}

/// Splits a data URL into media type and base64 data.
fn data_url(url: &str) -> Option<(&str, &str)> {
    let (head, data) = url.split_once(',')?;
    let media = head.strip_prefix("data:")?.strip_suffix(";base64")?;
    let media_type = media.split(';').next()?;
    (!media_type.is_empty()).then_some((media_type, data))
}

/// Translates an Anthropic user block into an OpenAI part.
///
/// # Errors
/// [`Untranslatable`] for a block that OpenAI does not take.
pub(super) fn to_part(block: &Value, field: &str) -> Result<Value, Untranslatable> {
    let source = &block["source"];
    match (block["type"].as_str(), source["type"].as_str()) {
        (Some("text"), _) => {
            let text = text(&block["text"], format!("{field}.text"))?;
            Ok(json!({"type": "text", "text": text}))
        }
        (Some("image"), Some("url")) => {
            let url = text(&source["url"], format!("{field}.source.url"))?;
            Ok(json!({"type": "image_url", "image_url": {"url": url}}))
        }
        (Some("image"), Some("base64")) => {
            Ok(json!({"type": "image_url", "image_url": {"url": url_of(source, field)?}}))
        }
        (Some("document"), Some("base64")) => {
            let name = block["title"].as_str().unwrap_or("document.pdf");
            let file = json!({"filename": name, "file_data": url_of(source, field)?});
            Ok(json!({"type": "file", "file": file}))
        }
        (Some("document"), Some("text")) => {
            let text = text(&source["data"], format!("{field}.source.data"))?;
            Ok(json!({"type": "text", "text": text}))
        }
        (Some("image" | "document"), Some(_)) => Err(Untranslatable::unsupported(
            format!("{field}.source.type"),
            &source["type"],
            "\"base64\", an image's \"url\" or a document's \"text\"",
        )),
        (Some("image" | "document"), None) => Err(Untranslatable::malformed(
            format!("{field}.source.type"),
            &source["type"],
            "a string",
        )),
        (Some(_), _) => Err(Untranslatable::unsupported(
            format!("{field}.type"),
            &block["type"],
            "\"text\", \"image\", \"document\", \"tool_use\" or \"tool_result\" in their roles",
        )),
        (None, _) => {
            Err(Untranslatable::malformed(format!("{field}.type"), &block["type"], "a string"))
        }
    }
}

fn url_of(source: &Value, field: &str) -> Result<String, Untranslatable> {
    let media_type = text(&source["media_type"], format!("{field}.source.media_type"))?;
    let data = text(&source["data"], format!("{field}.source.data"))?;
    Ok(format!("data:{media_type};base64,{data}"))
}

/// Reads a string field of a request.
///
/// # Errors
/// [`Untranslatable::Malformed`].
pub(super) fn text(value: &Value, field: impl Into<String>) -> Result<&str, Untranslatable> {
    value.as_str().ok_or_else(|| Untranslatable::malformed(field, value, "a string"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn images_and_documents_go_there_and_back() {
        let parts = json!([
            {"type": "text", "text": "What is this?"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
            {"type": "image_url", "image_url": {"url": "https://pictures.example/1.png"}},
            {"type": "file", "file": {"filename": "a.pdf",
                                      "file_data": "data:application/pdf;base64,BBBB"}},
        ]);
        let blocks = to_blocks(&parts, "content").unwrap();
        assert_eq!(
            json!(blocks),
            json!([
                {"type": "text", "text": "What is this?"},
                {"type": "image",
                 "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
                {"type": "image",
                 "source": {"type": "url", "url": "https://pictures.example/1.png"}},
                {"type": "document", "title": "a.pdf",
                 "source": {"type": "base64", "media_type": "application/pdf", "data": "BBBB"}},
            ])
        );
        let back: Vec<Value> = blocks.iter().map(|block| to_part(block, "b").unwrap()).collect();
        assert_eq!(json!(back), parts);
    }

    #[test]
    fn cache_control_is_kept_and_blank_texts_are_not() {
        let parts = json!([
            {"type": "text", "text": " \n"},
            {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}},
            {"type": "text", "text": "y", "cache_control": null},
        ]);
        assert_eq!(
            json!(to_blocks(&parts, "content").unwrap()),
            json!([
                {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}},
                {"type": "text", "text": "y"},
            ])
        );
        assert!(to_blocks(&json!(""), "content").unwrap().is_empty());
        assert!(to_blocks(&Value::Null, "content").unwrap().is_empty());
    }

    #[test]
    fn a_data_url_may_have_parameters_and_a_common_misspelling() {
        let parts = json!([{"type": "image_url",
                            "image_url": {"url": "data:image/jpg;charset=utf-8;base64,AAAA"}}]);
        let blocks = to_blocks(&parts, "content").unwrap();
        assert_eq!(blocks[0]["source"]["media_type"], "image/jpeg");
    }

    #[test]
    fn unsupported_parts_are_refused_by_path() {
        let cases = [
            (json!(7), "content"),
            (json!([{"text": "x"}]), "content[0].type"),
            (json!([{"type": "text", "text": 1}]), "content[0].text"),
            (json!([{"type": "input_audio", "input_audio": {}}]), "content[0].type"),
            (json!([{"type": "image_url", "image_url": "x"}]), "content[0].image_url.url"),
            (
                json!([{"type": "image_url", "image_url": {"url": "http://plain.example"}}]),
                "content[0].image_url.url",
            ),
            (
                json!([{"type": "image_url", "image_url": {"url": "data:image/png,raw"}}]),
                "content[0].image_url.url",
            ),
            (json!([{"type": "file", "file": {"file_id": "f"}}]), "content[0].file.file_data"),
        ];
        for (content, field) in cases {
            assert_eq!(to_blocks(&content, "content").unwrap_err().field(), field, "{content}");
        }
        let cases = [
            (json!({"type": "search_result"}), "b.type"),
            (json!({}), "b.type"),
            (json!({"type": "image"}), "b.source.type"),
            (json!({"type": "image", "source": {"type": "file"}}), "b.source.type"),
            (json!({"type": "document", "source": {"type": "url"}}), "b.source.type"),
            (json!({"type": "image", "source": {"type": "base64"}}), "b.source.media_type"),
        ];
        for (block, field) in cases {
            assert_eq!(to_part(&block, "b").unwrap_err().field(), field, "{block}");
        }
    }
}
