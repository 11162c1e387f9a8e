//! Translates texts, images and documents, in both directions.
//!
//! | OpenAI part | Anthropic block |
//! | --- | --- |
//! | `text`, `refusal` | `text` |
//! | `image_url` with a `data:` URL, `file` with one of an image | `image`, source `base64` |
//! | `image_url` with an https URL | `image`, source `url` |
//! | `file` with a PDF in `file_data` | `document`, source `base64`; the file's name is its `title` |
//! | `file` with an https URL in `file_data` or `file_url` | `document`, source `url`; not back |
//! | `text`, after the document's title and context | `document`, source `text` |
//! | the parts of its content, after them | `document`, source `content` |
//! | `text` of title, source and texts | `search_result` |
//!
//! Anthropic refuses blocks of only white space, so they are left out. `cache_control` is kept
//! towards Anthropic and dropped towards OpenAI, which caches automatically. An image's `detail` and
//! a document's `citations` are dropped. Audio, uploaded files and other kinds of files are refused.

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
    // A text instead of the object is common.
    let place =
        if part["image_url"].is_string() { &part["image_url"] } else { &part["image_url"]["url"] };
    let url = text(place, field.as_str())?;
    let source = if url.starts_with("https://") {
        json!({"type": "url", "url": url})
    } else if let Some((media_type, data)) = data_url(url) {
        inline(media_type, data)
    } else {
        let expected = "an https URL, or a data URL in base64";
        return Err(Untranslatable::unsupported(field, place, expected));
    };
    Ok(json!({"type": "image", "source": source}))
}

fn inline(media_type: &str, data: &str) -> Value {
    // "image/jpg" is common, and Anthropic accepts only the registered name.
    let media_type = if media_type == "image/jpg" { "image/jpeg" } else { media_type };
    json!({"type": "base64", "media_type": media_type, "data": data})
}

fn document_block(part: &Value, field: &str) -> Result<Value, Untranslatable> {
    let file = &part["file"];
    let name = ["file_data", "file_url", "file_id"].into_iter().find(|name| !file[*name].is_null());
    let name = name.unwrap_or("file_data");
    let given = file[name].as_str().filter(|_| name != "file_id").unwrap_or_default();
    let (kind, source) = match data_url(given) {
        Some(("application/pdf", data)) => ("document", inline("application/pdf", data)),
        Some((media_type, data)) if media_type.starts_with("image/") => {
            ("image", inline(media_type, data))
        }
        None if given.starts_with("https://") => ("document", json!({"type": "url", "url": given})),
        _ => {
            let expected = "a data URL in base64 of a PDF or an image, or an https URL";
            let field = format!("{field}.file.{name}");
            return Err(Untranslatable::unsupported(field, &file[name], expected));
        }
    };
    let mut block = json!({"type": kind, "source": source});
    if kind == "document" && file["filename"].is_string() {
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

/// Translates an Anthropic user block into OpenAI parts.
///
/// # Errors
/// [`Untranslatable`] for a block that OpenAI does not take.
pub(super) fn to_parts(block: &Value, field: &str) -> Result<Vec<Value>, Untranslatable> {
    let source = &block["source"];
    let part = match (block["type"].as_str(), source["type"].as_str()) {
        (Some("text"), _) => text_part(text(&block["text"], format!("{field}.text"))?),
        (Some("image"), Some("url")) => {
            let url = text(&source["url"], format!("{field}.source.url"))?;
            json!({"type": "image_url", "image_url": {"url": url}})
        }
        (Some("image"), Some("base64")) => {
            json!({"type": "image_url", "image_url": {"url": url_of(source, field)?}})
        }
        (Some("document"), Some("base64")) => {
            let name = block["title"].as_str().unwrap_or("document.pdf");
            json!({"type": "file", "file": {"filename": name, "file_data": url_of(source, field)?}})
        }
        (Some("document"), Some("text")) => {
            let text = text(&source["data"], format!("{field}.source.data"))?;
            text_part(&titled(&[&block["title"], &block["context"]], text))
        }
        (Some("document"), Some("content")) => {
            let head = titled(&[&block["title"], &block["context"]], "");
            let mut parts: Vec<Value> = Vec::new();
            if !head.is_empty() {
                parts.push(text_part(&head));
            }
            parts.extend(nested(&source["content"], &format!("{field}.source.content"))?);
            return Ok(parts);
        }
        (Some("search_result"), _) => {
            let parts = nested(&block["content"], &format!("{field}.content"))?;
            let texts: Vec<&str> = parts.iter().filter_map(|part| part["text"].as_str()).collect();
            text_part(&titled(&[&block["title"], source], &texts.join("\n")))
        }
        (Some("image" | "document"), Some(_)) => {
            return Err(Untranslatable::unsupported(
                format!("{field}.source.type"),
                &source["type"],
                "\"base64\", an image's \"url\", or a document's \"text\" or \"content\"",
            ));
        }
        (Some("image" | "document"), None) => {
            return Err(Untranslatable::malformed(
                format!("{field}.source.type"),
                &source["type"],
                "a string",
            ));
        }
        (Some(_), _) => {
            return Err(Untranslatable::unsupported(
                format!("{field}.type"),
                &block["type"],
                "\"text\", \"image\", \"document\", \"search_result\", \"tool_use\" or \"tool_result\" in \
                 their roles",
            ));
        }
        (None, _) => {
            let field = format!("{field}.type");
            return Err(Untranslatable::malformed(field, &block["type"], "a string"));
        }
    };
    Ok(vec![part])
}

fn text_part(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

/// The heads that are texts, each as a line, and a text.
fn titled(heads: &[&Value], text: &str) -> String {
    let heads = heads.iter().filter_map(|head| head.as_str());
    heads.chain([text]).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

/// Translates the content of a document or a search result: a text, or texts and images.
fn nested(content: &Value, field: &str) -> Result<Vec<Value>, Untranslatable> {
    let blocks = match content {
        Value::String(text) => return Ok(vec![text_part(text)]),
        Value::Array(blocks) => blocks,
        other => {
            return Err(Untranslatable::malformed(field, other, "a string or a list of blocks"));
        }
    };
    let mut parts = Vec::new();
    for (at, block) in blocks.iter().enumerate() {
        let field = format!("{field}[{at}]");
        if !matches!(block["type"].as_str(), Some("text" | "image")) {
            let field = format!("{field}.type");
            return Err(Untranslatable::unsupported(
                field,
                &block["type"],
                "\"text\" or \"image\"",
            ));
        }
        parts.extend(to_parts(block, &field)?);
    }
    Ok(parts)
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
        let back: Vec<Value> =
            blocks.iter().flat_map(|block| to_parts(block, "b").unwrap()).collect();
        assert_eq!(json!(back), parts);
    }

    #[test]
    fn files_are_documents_or_images_by_what_they_hold() {
        let block = |part: Value| to_blocks(&json!([part]), "content").unwrap()[0].clone();
        let url = "https://papers.example/a.pdf";
        for name in ["file_data", "file_url"] {
            let document = block(json!({"type": "file", "file": {name: url, "filename": "a"}}));
            let source = json!({"type": "url", "url": url});
            assert_eq!(document, json!({"type": "document", "title": "a", "source": source}));
        }
        let image = json!({"type": "file", "file":
            {"filename": "a.png", "file_data": "data:image/png;base64,AAAA"}});
        let source = json!({"type": "base64", "media_type": "image/png", "data": "AAAA"});
        assert_eq!(block(image), json!({"type": "image", "source": source}));
        let bare = block(json!({"type": "image_url", "image_url": "https://a.example/b.png"}));
        assert_eq!(bare["source"]["url"], "https://a.example/b.png");
    }

    #[test]
    fn documents_and_search_results_of_text_are_texts() {
        let texts = |block: Value| -> Vec<String> {
            let parts = to_parts(&block, "b").unwrap();
            parts.iter().map(|part| part["text"].as_str().unwrap_or("image").to_owned()).collect()
        };
        let text = json!({"type": "text", "data": "Body.", "media_type": "text/plain"});
        let document = json!({"type": "document", "title": "T", "context": "C", "source": text});
        assert_eq!(texts(document), ["T\nC\nBody."]);
        assert_eq!(texts(json!({"type": "document", "source": text})), ["Body."]);
        let image = json!({"type": "image", "source": {"type": "url", "url": "https://a.example"}});
        let content =
            json!({"type": "content", "content": [{"type": "text", "text": "One."}, image]});
        let document = json!({"type": "document", "title": "T", "source": content});
        assert_eq!(texts(document), ["T", "One.", "image"]);
        let content = json!({"type": "content", "content": "One."});
        assert_eq!(texts(json!({"type": "document", "source": content})), ["One."]);
        let result = json!({"type": "search_result", "title": "T", "source": "https://a.example",
            "content": [{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}]});
        assert_eq!(texts(result), ["T\nhttps://a.example\nOne.\nTwo."]);
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
            (json!([{"type": "image_url", "image_url": 7}]), "content[0].image_url.url"),
            (json!([{"type": "file", "file": {"file_id": "f"}}]), "content[0].file.file_id"),
            (json!([{"type": "file", "file": {}}]), "content[0].file.file_data"),
            (
                json!([{"type": "file", "file": {"file_url": "http://plain.example"}}]),
                "content[0].file.file_url",
            ),
            (
                json!([{"type": "file", "file": {"file_data": "data:text/plain;base64,QQ=="}}]),
                "content[0].file.file_data",
            ),
        ];
        for (content, field) in cases {
            assert_eq!(to_blocks(&content, "content").unwrap_err().field(), field, "{content}");
        }
        let cases = [
            (json!({"type": "container_upload"}), "b.type"),
            (json!({"type": "search_result"}), "b.content"),
            (
                json!({"type": "document", "source": {"type": "content", "content": [{"type": "x"}]}}),
                "b.source.content[0].type",
            ),
            (json!({}), "b.type"),
            (json!({"type": "image"}), "b.source.type"),
            (json!({"type": "image", "source": {"type": "file"}}), "b.source.type"),
            (json!({"type": "document", "source": {"type": "url"}}), "b.source.type"),
            (json!({"type": "image", "source": {"type": "base64"}}), "b.source.media_type"),
        ];
        for (block, field) in cases {
            assert_eq!(to_parts(&block, "b").unwrap_err().field(), field, "{block}");
        }
    }
}
