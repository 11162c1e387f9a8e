//! WordPiece's vocabulary: bytes of a piece to its id.
//!
//! An open-addressing hash table over one arena of bytes. A key is a piece's place (at a word's
//! beginning, or inside a word, which the file marks with `##`) and its bytes without the mark. The
//! hash of a prefix is a step on the way to the hash of the whole, so that the hashes of all
//! prefixes of a word cost one pass over it.

use std::ops::Range;

use serde_json::{Map, Value};

use super::fields::Unreadable;

/// What marks a piece that continues a word.
pub(super) const CONTINUATION: &str = "##";

/// A piece's place in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It begins the word.
    Beginning,
    /// It goes on after another piece.
    Inside,
}

impl Place {
    /// Place and bytes of a piece as the file writes it.
    pub(super) fn of(text: &str) -> (Self, &[u8]) {
        match text.strip_prefix(CONTINUATION) {
            Some(rest) => (Self::Inside, rest.as_bytes()),
            None => (Self::Beginning, text.as_bytes()),
        }
    }

    /// The mark before a piece in the file.
    pub(super) fn mark(self) -> &'static str {
        match self {
            Self::Beginning => "",
            Self::Inside => CONTINUATION,
        }
    }

    fn index(self) -> usize {
        usize::from(self == Self::Inside)
    }
}

/// A hash that grows byte by byte.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hash(u64);

impl Hash {
    pub(super) fn new(place: Place) -> Self {
        Self(match place {
            Place::Beginning => 0x9E37_79B9_7F4A_7C15,
            Place::Inside => 0xC2B2_AE3D_27D4_EB4F,
        })
    }

    /// One multiplication a byte; the odd factor is that of splitmix64.
    #[must_use]
    pub(super) fn with(self, byte: u8) -> Self {
        Self((self.0.rotate_left(23) ^ u64::from(byte)).wrapping_mul(0xBF58_476D_1CE4_E5B9))
    }

    pub(super) fn of(place: Place, bytes: &[u8]) -> Self {
        bytes.iter().fold(Self::new(place), |hash, &byte| hash.with(byte))
    }

    /// The well-mixed half.
    pub(super) fn value(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

/// A piece: where its bytes are, their hash, and its id.
#[derive(Debug, Clone, Copy)]
struct Piece {
    start: u32,
    len: u32,
    hash: u32,
    id: u32,
    place: Place,
}

/// A slot of the table: a piece's hash, and its index plus 1; zeros where the slot is empty, since the
/// allocator gives zeroed memory without a pass over it.
type Slot = [u32; 2];

/// Ids are below this, sixteen times the largest vocabulary in use. It bounds the memory that a
/// damaged id can ask for.
const ID_LIMIT: u32 = 1 << 24;

/// The pieces of a file in its order, before their ids are known to be sound.
#[derive(Debug, Default)]
pub(super) struct Listing {
    arena: Vec<u8>,
    pieces: Vec<Piece>,
}

impl Listing {
    /// The pieces of a `vocab` object.
    pub(super) fn from_values(values: Map<String, Value>) -> Result<Self, Unreadable> {
        let mut listing = Self::default();
        for (text, value) in values {
            let Value::Number(number) = value else {
                return Err(Unreadable::Other);
            };
            let id = number.as_u64().and_then(|id| u32::try_from(id).ok());
            let id =
                id.ok_or_else(|| Unreadable::Damaged(not_an_id(&text, &number.to_string())))?;
            listing.push(&text);
            listing.set_id(id);
        }
        Ok(listing)
    }

    /// A listing whose pieces are in `arena` already, at the spans given to [`Self::push_within`].
    pub(super) fn within(arena: &[u8]) -> Self {
        Self { arena: arena.to_vec(), ..Self::default() }
    }

    /// Takes in a piece whose bytes are at `span` of the arena; its id follows with
    /// [`Self::set_id`].
    pub(super) fn push_within(&mut self, place: Place, span: Range<usize>, hash: Hash) {
        // A file is shorter than 4 GiB (`MAX_FILE_BYTES`), and so is what is in it.
        let (start, len) = (span.start as u32, span.len() as u32);
        self.pieces.push(Piece { start, len, hash: hash.value(), id: 0, place });
    }

    /// Takes in a piece as the file writes it; its id follows with [`Self::set_id`].
    pub(super) fn push(&mut self, text: &str) {
        let (place, bytes) = Place::of(text);
        let start = self.arena.len();
        self.arena.extend_from_slice(bytes);
        self.push_within(place, start..self.arena.len(), Hash::of(place, bytes));
    }

    /// The id of the piece last taken in.
    pub(super) fn set_id(&mut self, id: u32) {
        if let Some(piece) = self.pieces.last_mut() {
            piece.id = id;
        }
    }
}

fn not_an_id(text: &str, found: &str) -> String {
    format!(
        "its token {text:?} has the id {found}: expected a whole number from 0, below {ID_LIMIT}"
    )
}

impl Piece {
    fn bytes(self, arena: &[u8]) -> &[u8] {
        &arena[self.start as usize..][..self.len as usize]
    }

    /// The piece as the file writes it, for messages.
    fn text(self, arena: &[u8]) -> String {
        format!("{}{}", self.place.mark(), String::from_utf8_lossy(self.bytes(arena)))
    }
}

/// A model's pieces.
#[derive(Debug)]
pub(super) struct Vocabulary {
    arena: Vec<u8>,
    pieces: Vec<Piece>,
    /// At most half full; its length is a power of two.
    slots: Vec<Slot>,
    /// Length in bytes of the longest piece by place and first byte, which bounds the search.
    longest: [[u32; 256]; 2],
    /// Whether the ids run from 0 without a hole.
    pub dense: bool,
}

impl Vocabulary {
    /// Checks that no piece and no id is listed twice.
    ///
    /// # Errors
    /// A message that names the token.
    pub(super) fn new(listing: Listing) -> Result<Self, String> {
        let Listing { arena, pieces } = listing;
        let largest = pieces.iter().max_by_key(|piece| piece.id);
        if let Some(piece) = largest.filter(|piece| piece.id >= ID_LIMIT) {
            return Err(not_an_id(&piece.text(&arena), &piece.id.to_string()));
        }
        let ids = largest.map_or(0, |piece| piece.id as usize + 1);
        let capacity = (2 * pieces.len()).next_power_of_two().max(2);
        let mut vocabulary = Self {
            dense: ids == pieces.len(),
            arena,
            slots: vec![[0; 2]; capacity],
            longest: [[0; 256]; 2],
            pieces,
        };
        let mut given = vec![false; ids];
        for index in 0..vocabulary.pieces.len() {
            let id = vocabulary.pieces[index].id as usize;
            if std::mem::replace(&mut given[id], true) {
                return Err(vocabulary.same_id(index));
            }
            vocabulary.insert(index)?;
        }
        Ok(vocabulary)
    }

    /// How many pieces there are.
    pub(super) fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Longest piece at `place` that begins with `first`, in bytes; 0 where there is none.
    pub(super) fn longest(&self, place: Place, first: u8) -> usize {
        self.longest[place.index()][usize::from(first)] as usize
    }

    /// The id of a piece as the file writes it.
    pub(super) fn id(&self, text: &str) -> Option<u32> {
        let (place, bytes) = Place::of(text);
        self.find(place, Hash::of(place, bytes).value(), bytes)
    }

    /// The id of the piece `bytes` at `place`; `hash` is their [`Hash`].
    pub(super) fn find(&self, place: Place, hash: u32, bytes: &[u8]) -> Option<u32> {
        self.slot(place, hash, bytes).ok().map(|piece| piece.id)
    }

    /// The piece, or the vacant slot where it would be.
    fn slot(&self, place: Place, hash: u32, bytes: &[u8]) -> Result<Piece, usize> {
        let mut at = hash as usize & (self.slots.len() - 1);
        loop {
            let [stored, next] = self.slots[at];
            let Some(index) = next.checked_sub(1) else {
                return Err(at);
            };
            if stored == hash {
                let piece = self.pieces[index as usize];
                if piece.place == place && piece.bytes(&self.arena) == bytes {
                    return Ok(piece);
                }
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    fn insert(&mut self, index: usize) -> Result<(), String> {
        let piece = self.pieces[index];
        let bytes = piece.bytes(&self.arena);
        let vacant = self.slot(piece.place, piece.hash, bytes).map_or_else(Ok, |other| {
            Err(format!(
                "its token {:?} is listed twice, with the ids {} and {}",
                piece.text(&self.arena),
                other.id,
                piece.id
            ))
        })?;
        if let Some(&first) = bytes.first() {
            let longest = &mut self.longest[piece.place.index()][usize::from(first)];
            *longest = piece.len.max(*longest);
        }
        self.slots[vacant] = [piece.hash, index as u32 + 1];
        Ok(())
    }

    fn same_id(&self, index: usize) -> String {
        let piece = self.pieces[index];
        let others = self.pieces[..index].iter().filter(|other| other.id == piece.id);
        let texts: Vec<String> = others.map(|other| other.text(&self.arena)).collect();
        let (text, id) = (piece.text(&self.arena), piece.id);
        format!("its tokens {:?} and {text:?} have the same id {id}", texts.concat())
    }
}
