//! Reads a `tokenizer.json` that is the Unigram pipeline of [`unigram_text`](super::unigram_text).
//!
//! Every other file is left to its readers, a damaged one among them. The pieces are read in one pass over
//! their bytes, `["piece", -3.25], ..`, and the rest of the file by serde: its values for 40,000 pieces
//! would cost a Worker more than all else of its start.

use serde_json::Value;

use super::added_tokens::{AddedTokens, Known};
use super::fields::{Fields, Unreadable};
use super::file::limits;
use super::special_tokens::SpecialTokens;
use super::unigram::UnigramPipeline;
use super::unigram_pieces::{ScoredListing, ScoredPieces, empty_hash};
use super::unigram_text::UnigramRules;
use super::vocabulary_scan::{KEY, Scan, digit};

/// Digits of a score that a float keeps exactly, as an integer and as a power of ten.
const MOST_DIGITS: usize = 15;

/// Reads the bytes of a `tokenizer.json`; `None` where another reader must.
pub(super) fn read(bytes: &[u8]) -> Option<UnigramPipeline> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.contains("\"Unigram\""))?;
    let (rest, listing) = cut_out(text)?;
    pipeline(serde_json::from_str(&rest).ok()?, listing).ok()
}

fn pipeline(file: Value, listing: ScoredListing) -> Result<UnigramPipeline, Unreadable> {
    let mut file = Fields::of(file)?;
    let mut model = file.object("model")?;
    let (decoder, rules) = (file.value("decoder"), UnigramRules::new());
    if file.text("version")? != "1.0"
        || model.text("type")? != "Unigram"
        || model.flag("byte_fallback")?
        || file.value("normalizer") != rules.normalizer
        || file.value("pre_tokenizer") != rules.pre_tokenizer
        || !(decoder.is_null() || decoder == rules.decoder)
        || !model.list("vocab")?.is_empty()
    {
        return Err(Unreadable::Other);
    }
    let unknown = model.number("unk_id")?;
    model.end()?;
    let special_tokens = SpecialTokens::from_processor(file.value("post_processor"))?;
    let added_tokens = file.list("added_tokens")?;
    limits(&mut file)?;
    file.end()?;
    let pieces = ScoredPieces::new(listing)
        .filter(|pieces| (unknown as usize) < pieces.len())
        .ok_or(Unreadable::Other)?;
    let id = |text: &str| pieces.id(text);
    let known = Known { id: &id, count: pieces.len(), dense: true };
    Ok(UnigramPipeline {
        added_tokens: AddedTokens::new(added_tokens, &known)?,
        pieces,
        unknown,
        special_tokens,
    })
}

/// Returns the file's text with an empty `vocab`, and the pieces of `vocab`.
fn cut_out(text: &str) -> Option<(String, ScoredListing)> {
    let key = text.find(KEY)?;
    let mut scan = Scan { bytes: text.as_bytes(), at: key + KEY.len() };
    scan.expect(b':')?;
    scan.expect(b'[')?;
    let open = scan.at;
    let mut listing = ScoredListing::within(&text.as_bytes()[open..]);
    while entry(&mut scan, open, &mut listing)? {}
    let rest = [&text[..open], &text[scan.at - 1..]].concat();
    // Without backslashes a key has one spelling, so one match is the only such key.
    let plain = !rest.contains('\\') && rest.matches(KEY).count() == 1;
    plain.then_some((rest, listing))
}

/// Reads one entry and the comma or bracket after it; returns whether another follows. Places in the
/// listing count from `open`.
fn entry(scan: &mut Scan<'_>, open: usize, listing: &mut ScoredListing) -> Option<bool> {
    scan.expect(b'[')?;
    scan.expect(b'"')?;
    let literal = scan.at - 1;
    let (span, hash, escapes) = scan.string(empty_hash())?;
    match escapes {
        true => {
            let literal = &scan.bytes[literal..=span.end];
            listing.push(&serde_json::from_slice::<String>(literal).ok()?);
        }
        false => listing.push_within(span.start - open..span.end - open, hash),
    }
    scan.expect(b',')?;
    listing.set_score(score(scan)?);
    scan.expect(b']')?;
    match scan.token()? {
        b',' => Some(true),
        b']' => Some(false),
        _ => None,
    }
}

/// A number such as `0.0` or `-12.3456`, of few digits: the float that serde reads too.
fn score(scan: &mut Scan<'_>) -> Option<f64> {
    let negative = scan.token()? == b'-';
    if !negative {
        scan.at -= 1;
    }
    let begins_with_zero = *scan.bytes.get(scan.at)? == b'0';
    let (whole, before) = digits(scan, 0)?;
    let (value, after) = match scan.bytes.get(scan.at)? {
        b'.' => {
            scan.at += 1;
            digits(scan, whole)?
        }
        _ => (whole, 0),
    };
    // A number does not begin with a zero that another digit follows.
    if before + after > MOST_DIGITS || (begins_with_zero && before > 1) {
        return None;
    }
    let score = value as f64 / 10_u64.pow(after as u32) as f64;
    Some(if negative { -score } else { score })
}

/// Reads digits behind those of `value`: the number, and how many there were, one at least.
fn digits(scan: &mut Scan<'_>, mut value: u64) -> Option<(u64, usize)> {
    let mut count = 0;
    while let Some(next) = digit(*scan.bytes.get(scan.at)?) {
        value = value.checked_mul(10)?.checked_add(u64::from(next))?;
        scan.at += 1;
        count += 1;
    }
    (count > 0).then_some((value, count))
}
