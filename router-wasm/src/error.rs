//! The errors of loading and routing, each with a stable code.
//!
//! Hosts show [`RouterError`]'s message to a person and branch on [`RouterError::code`]; the message
//! may be reworded, the code never is. A message repeats what was found in a bounded length
//! ([`quoted`], [`bounded`]), since that may be a caller's input.

/// What went wrong, what was found, what was expected, and what to do about it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RouterError {
    /// The bundle lists a file, or the format needs one, that the host did not pass.
    #[error("bundle has no file {name}; found {found}. Pass every file that router.json lists", name = quoted(.name), found = bounded(.found))]
    BundleMissingFile {
        /// The missing file.
        name: String,
        /// The files that were passed, comma separated.
        found: String,
    },
    /// A file is longer than the engine accepts.
    #[error(
        "bundle file {name} has {bytes} bytes, the limit is {limit}. Check that it is the right file", name = quoted(.name)
    )]
    BundleTooLarge {
        /// The file.
        name: String,
        /// Its length in bytes.
        bytes: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A file's length is not the one `router.json` states: usually a truncated download.
    #[error(
        "bundle file {name} has {found} bytes, router.json states {expected}. Fetch it again", name = quoted(.name)
    )]
    BundleWrongSize {
        /// The file.
        name: String,
        /// Its length in bytes.
        found: usize,
        /// The stated length in bytes.
        expected: usize,
    },
    /// A file's SHA-256 is not the one `router.json` states.
    #[error(
        "bundle file {name} has SHA-256 {found}, router.json states {expected}. Fetch it again, or export the bundle again", name = quoted(.name), found = bounded(.found), expected = bounded(.expected)
    )]
    BundleWrongHash {
        /// The file.
        name: String,
        /// Its SHA-256, hexadecimal.
        found: String,
        /// The stated SHA-256, hexadecimal.
        expected: String,
    },
    /// `router.json` is not JSON, or not a manifest.
    #[error("router.json cannot be read: {detail}. Export the bundle again", detail = bounded(.detail))]
    BundleBadManifest {
        /// What the parser or a check says.
        detail: String,
    },
    /// `router.json` has a `format` this engine does not know.
    #[error(
        "router.json has format {found}, this engine reads format {expected}. Use an engine of the trainer's version"
    )]
    BundleUnknownFormat {
        /// The stated format.
        found: u64,
        /// The format this engine reads.
        expected: u64,
    },
    /// `router.json` has a `kind` this engine does not know.
    #[error(
        "router.json has kind {found}, this engine knows {expected}. Use an engine of the trainer's version", found = quoted(.found), expected = bounded(.expected)
    )]
    BundleUnknownKind {
        /// The stated kind.
        found: String,
        /// The kinds known, comma separated.
        expected: String,
    },
    /// `memory.bin` is damaged, or does not fit the manifest.
    #[error("memory.bin cannot be used: {detail}. Export the bundle again", detail = bounded(.detail))]
    BundleBadMemory {
        /// What is wrong.
        detail: String,
    },
    /// `tokenizer.json` does not parse.
    #[error("tokenizer.json cannot be read: {detail}. It must be a Hugging Face tokenizers file", detail = bounded(.detail))]
    BundleBadTokenizer {
        /// What the parser says.
        detail: String,
    },
    /// `model.onnx` does not parse, or is not a router's graph.
    #[error("model.onnx cannot be used: {detail}. Export the bundle again", detail = bounded(.detail))]
    BundleBadModel {
        /// What the parser or a check says.
        detail: String,
    },
    /// The archive is not an uncompressed tar of a bundle.
    #[error(
        "bundle archive cannot be read: {detail}. It must be an uncompressed tar of the bundle's files", detail = bounded(.detail)
    )]
    BundleBadArchive {
        /// What the reader says.
        detail: String,
    },
    /// The query has no text, or only white space.
    #[error("query is empty: expected text to route")]
    QueryEmpty,
    /// The query is longer than the engine accepts.
    #[error(
        "query has {bytes} bytes, the limit is {limit}. Send the part that matters for the decision"
    )]
    QueryTooLong {
        /// UTF-8 length in bytes.
        bytes: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The query is not text: a NUL character or a lone surrogate.
    #[error(
        "query is not well-formed text: {detail}. Remove it, or use String.prototype.toWellFormed()", detail = bounded(.detail)
    )]
    QueryIllFormed {
        /// What was found, and where.
        detail: String,
    },
    /// A request to route is not of the documented shape.
    #[error(
        "request cannot be read: {detail}. Expected {{\"query\": text}} or {{\"messages\": [...]}}, with an optional \"policy\"", detail = bounded(.detail)
    )]
    RequestIllFormed {
        /// What the parser says.
        detail: String,
    },
    /// A conversation holds no text to route.
    #[error(
        "messages hold no text to route: {detail}. Expected at least one user message with text", detail = bounded(.detail)
    )]
    MessagesWithoutText {
        /// What was found.
        detail: String,
    },
    /// A policy number is out of its range or not finite.
    #[error("policy field {field:?} is {found}: expected {expected}", found = bounded(.found))]
    PolicyOutOfRange {
        /// The field.
        field: &'static str,
        /// The value found.
        found: String,
        /// The accepted range, in words.
        expected: &'static str,
    },
    /// Two policy fields contradict each other.
    #[error("policy fields {first:?} and {second:?} contradict each other: give one of them")]
    PolicyContradiction {
        /// One field.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// A policy names a model that is no candidate of the bundle.
    #[error(
        "policy names {found}, which is no candidate of this bundle: expected one of {expected}", found = quoted(.found), expected = bounded(.expected)
    )]
    PolicyUnknownModel {
        /// The name found.
        found: String,
        /// The bundle's candidates, comma separated.
        expected: String,
    },
    /// The policy needs something that this bundle does not state.
    #[error("policy field {field:?} cannot be used: {missing}", missing = bounded(.missing))]
    PolicyUnsupported {
        /// The field.
        field: &'static str,
        /// What the bundle lacks, and the remedy.
        missing: String,
    },
    /// A state of the traffic seen cannot be used.
    #[error("traffic state cannot be used: {detail}. Pass what this bundle's router saved, or begin without a state", detail = bounded(.detail))]
    TrafficBadState {
        /// What is wrong.
        detail: String,
    },
    /// No candidate meets the constraints.
    #[error("no candidate is left: {detail}. Loosen the constraint", detail = bounded(.detail))]
    NoCandidate {
        /// Which constraint excluded which candidate.
        detail: String,
    },
    /// The candidates that a host states cannot take the place of the bundle's.
    #[error("candidates cannot be used: {detail}", detail = bounded(.detail))]
    CandidatesInvalid {
        /// Which candidate, what was found, what was expected.
        detail: String,
    },
    /// An LLM's outcomes cannot be fitted.
    #[error("outcomes cannot be fitted: {detail}", detail = bounded(.detail))]
    OutcomesInvalid {
        /// Which outcome, what was found, what was expected.
        detail: String,
    },
    /// The bundle's kind knows no demands of queries, so that it takes no new LLM by its ability.
    #[error(
        "this bundle is of kind {kind}, which has no demands and abilities. Use a bundle of kind \"difficulty\"", kind = quoted(.kind)
    )]
    DemandsUnsupported {
        /// The bundle's kind.
        kind: String,
    },
    /// The graph failed while it ran.
    #[error("inference failed: {detail}", detail = bounded(.detail))]
    InferenceFailed {
        /// What the runtime says.
        detail: String,
    },
    /// The graph gave NaN or an infinity.
    #[error(
        "model.onnx gave {found} for {output}: expected finite numbers. Export the bundle again", found = bounded(.found), output = quoted(.output)
    )]
    NotFinite {
        /// The output's name.
        output: String,
        /// The value.
        found: String,
    },
}

impl RouterError {
    /// The stable code: `snake_case`, never reworded.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::BundleMissingFile { .. } => "bundle_missing_file",
            Self::BundleTooLarge { .. } => "bundle_too_large",
            Self::BundleWrongSize { .. } => "bundle_wrong_size",
            Self::BundleWrongHash { .. } => "bundle_wrong_hash",
            Self::BundleBadManifest { .. } => "bundle_bad_manifest",
            Self::BundleUnknownFormat { .. } => "bundle_unknown_format",
            Self::BundleUnknownKind { .. } => "bundle_unknown_kind",
            Self::BundleBadMemory { .. } => "bundle_bad_memory",
            Self::BundleBadTokenizer { .. } => "bundle_bad_tokenizer",
            Self::BundleBadModel { .. } => "bundle_bad_model",
            Self::BundleBadArchive { .. } => "bundle_bad_archive",
            Self::QueryEmpty => "query_empty",
            Self::QueryTooLong { .. } => "query_too_long",
            Self::QueryIllFormed { .. } => "query_ill_formed",
            Self::RequestIllFormed { .. } => "request_ill_formed",
            Self::MessagesWithoutText { .. } => "messages_without_text",
            Self::PolicyOutOfRange { .. } => "policy_out_of_range",
            Self::PolicyContradiction { .. } => "policy_contradiction",
            Self::PolicyUnknownModel { .. } => "policy_unknown_model",
            Self::PolicyUnsupported { .. } => "policy_unsupported",
            Self::TrafficBadState { .. } => "traffic_bad_state",
            Self::NoCandidate { .. } => "no_candidate",
            Self::CandidatesInvalid { .. } => "candidates_invalid",
            Self::OutcomesInvalid { .. } => "outcomes_invalid",
            Self::DemandsUnsupported { .. } => "demands_unsupported",
            Self::InferenceFailed { .. } => "inference_failed",
            Self::NotFinite { .. } => "not_finite",
        }
    }
}

/// The most characters of a found value that a message repeats.
const QUOTED_CHARACTERS: usize = 100;
/// The most characters of a longer text, such as a parser's message or a list of names.
const BOUNDED_CHARACTERS: usize = 1000;

/// Quotes a found value for a message: at most 100 characters of it, control characters escaped.
#[must_use]
pub fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARACTERS) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// Shortens a text for a message to 1,000 characters, and escapes its control characters and those that
/// change the direction of writing.
#[must_use]
pub fn bounded(text: &str) -> String {
    let mut shown = String::new();
    for (at, letter) in text.chars().enumerate() {
        if at == BOUNDED_CHARACTERS {
            shown.push_str("...");
            break;
        }
        match letter {
            '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                shown.extend(letter.escape_unicode())
            }
            control if control.is_control() => shown.extend(control.escape_default()),
            other => shown.push(other),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_quoted_up_to_its_limit() {
        assert_eq!(quoted("a\"b\n"), r#""a\"b\n""#);
        assert_eq!(quoted(&"é".repeat(100)), format!("\"{}\"", "é".repeat(100)));
        assert_eq!(quoted(&"é".repeat(101)), format!("\"{}\"...", "é".repeat(100)));
    }

    #[test]
    fn a_text_is_shortened_and_has_no_control_characters() {
        assert_eq!(bounded("एक \"b\" \\"), "एक \"b\" \\");
        assert_eq!(bounded("a\n\u{1b}[2J\u{202e}"), "a\\n\\u{1b}[2J\\u{202e}");
        assert_eq!(bounded(&"é".repeat(1001)), format!("{}...", "é".repeat(1000)));
    }

    #[test]
    fn messages_are_bounded() {
        let long = "x".repeat(1 << 20);
        for error in [
            RouterError::RequestIllFormed { detail: long.clone() },
            RouterError::PolicyUnknownModel { found: long.clone(), expected: long.clone() },
            RouterError::NoCandidate { detail: long },
        ] {
            assert!(error.to_string().len() < 2500, "{}", error.code());
        }
    }
}
