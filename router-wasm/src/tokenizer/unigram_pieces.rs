//! The pieces of a Unigram model with their scores.
//!
//! A table of hashes that grow byte by byte, as WordPiece's, without a place in the word.

use std::ops::Range;

use super::vocabulary::{Hash, Place};

/// A piece: where its bytes are, and its score, the logarithm of its probability.
#[derive(Debug, Clone, Copy)]
struct Piece {
    start: u32,
    len: u32,
    hash: u32,
    score: f64,
}

impl Piece {
    fn bytes(self, arena: &[u8]) -> &[u8] {
        &arena[self.start as usize..][..self.len as usize]
    }
}

/// The pieces in the order of their ids, before they are known to be distinct.
#[derive(Debug, Default)]
pub(super) struct ScoredListing {
    arena: Vec<u8>,
    pieces: Vec<Piece>,
}

impl ScoredListing {
    /// A listing whose pieces are in `arena` already, at the spans given to [`Self::push_within`].
    pub(super) fn within(arena: &[u8]) -> Self {
        Self { arena: arena.to_vec(), ..Self::default() }
    }

    /// Takes in a piece whose bytes are at `span` of the arena; its score follows with
    /// [`Self::set_score`].
    pub(super) fn push_within(&mut self, span: Range<usize>, hash: Hash) {
        // A file is shorter than 4 GiB (`MAX_FILE_BYTES`), and so is what is in it.
        let (start, len) = (span.start as u32, span.len() as u32);
        self.pieces.push(Piece { start, len, hash: hash.value(), score: 0.0 });
    }

    /// Takes in a piece; its score follows with [`Self::set_score`].
    pub(super) fn push(&mut self, text: &str) {
        let start = self.arena.len();
        self.arena.extend_from_slice(text.as_bytes());
        self.push_within(start..self.arena.len(), hash_of(text.as_bytes()));
    }

    /// The score of the piece last taken in.
    pub(super) fn set_score(&mut self, score: f64) {
        if let Some(piece) = self.pieces.last_mut() {
            piece.score = score;
        }
    }
}

/// The hash of no bytes.
pub(super) fn empty_hash() -> Hash {
    Hash::new(Place::Beginning)
}

fn hash_of(bytes: &[u8]) -> Hash {
    Hash::of(Place::Beginning, bytes)
}

/// A model's pieces.
#[derive(Debug)]
pub(super) struct ScoredPieces {
    arena: Vec<u8>,
    pieces: Vec<Piece>,
    /// A slot holds the hash of a piece and its id plus 1, an empty one two zeros. At most half of the
    /// slots are taken; their number is a power of two.
    slots: Vec<[u32; 2]>,
    /// Length in bytes of the longest piece by first byte, which bounds the search.
    longest: [u32; 256],
    /// The lowest score.
    pub lowest: f64,
}

impl ScoredPieces {
    /// `None` where a piece is empty or listed twice, or a score is not the logarithm of a probability:
    /// the `tokenizers` crate has its own ways with those.
    pub(super) fn new(listing: ScoredListing) -> Option<Self> {
        let ScoredListing { arena, pieces } = listing;
        let capacity = (2 * pieces.len()).next_power_of_two().max(2);
        let mut found = Self {
            lowest: pieces.iter().map(|piece| piece.score).fold(0.0, f64::min),
            slots: vec![[0; 2]; capacity],
            longest: [0; 256],
            arena,
            pieces,
        };
        for (id, piece) in (0_u32..).zip(&found.pieces) {
            let bytes = piece.bytes(&found.arena);
            let first = usize::from(*bytes.first()?);
            if !(-1e6..=0.0).contains(&piece.score) {
                return None;
            }
            let vacant = found.slot(piece.hash, bytes).err()?;
            found.slots[vacant] = [piece.hash, id + 1];
            found.longest[first] = found.longest[first].max(piece.len);
        }
        Some(found)
    }

    /// How many pieces there are.
    pub(super) fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Bytes of the longest piece that begins with `first`; 0 where no piece does.
    pub(super) fn longest(&self, first: u8) -> usize {
        self.longest[usize::from(first)] as usize
    }

    /// The id of a piece.
    pub(super) fn id(&self, text: &str) -> Option<u32> {
        self.find(hash_of(text.as_bytes()), text.as_bytes()).map(|(id, _)| id)
    }

    /// The id and the score of the piece `bytes`; `hash` is their [`Hash`].
    pub(super) fn find(&self, hash: Hash, bytes: &[u8]) -> Option<(u32, f64)> {
        let id = self.slot(hash.value(), bytes).ok()?;
        Some((id, self.pieces[id as usize].score))
    }

    /// The id of the piece, or the vacant slot where it would be.
    fn slot(&self, hash: u32, bytes: &[u8]) -> Result<u32, usize> {
        let mut at = hash as usize & (self.slots.len() - 1);
        loop {
            let [stored, next] = self.slots[at];
            let Some(id) = next.checked_sub(1) else {
                return Err(at);
            };
            if stored == hash && self.pieces[id as usize].bytes(&self.arena) == bytes {
                return Ok(id);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }
}
