//! WordPiece's vocabulary: bytes of a piece to its id.
//!
//! An open-addressing hash table over one arena of bytes. A key is a piece's place (at a word's
//! beginning, or inside a word, which the file marks with `##`) and its bytes without the mark. The
//! hash of a prefix is a step on the way to the hash of the whole, so that the hashes of all
//! prefixes of a word cost one pass over it.

/// What marks a piece that continues a word.
pub(super) const CONTINUATION: &str = "##";

/// Where in a word a piece stands.
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

/// Where a piece's bytes are.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: u32,
    len: u32,
    place: Place,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    hash: u32,
    /// [`VACANT`] where nothing is.
    id: u32,
}

const VACANT: u32 = u32::MAX;

/// The pieces of a file in its order, before their ids are known to be sound.
#[derive(Debug, Default)]
pub(super) struct Listing {
    arena: Vec<u8>,
    pieces: Vec<Listed>,
    /// What is wrong with it, where something is.
    pub damage: Option<String>,
}

#[derive(Debug)]
struct Listed {
    hash: u32,
    id: u32,
    span: Span,
}

impl Listing {
    /// Takes in a piece as the file writes it; its id follows with [`Self::set_id`].
    pub(super) fn push(&mut self, text: &str) {
        let (place, bytes) = Place::of(text);
        // A file is shorter than 4 GiB (`MAX_FILE_BYTES`), and so is what is in it.
        let span = Span { start: self.arena.len() as u32, len: bytes.len() as u32, place };
        self.arena.extend_from_slice(bytes);
        self.pieces.push(Listed { hash: Hash::of(place, bytes).value(), id: VACANT, span });
    }

    /// The id of the piece last taken in; `None` where the file has no such id.
    pub(super) fn set_id(&mut self, id: Result<u32, String>) {
        match (id, self.pieces.last_mut()) {
            (Ok(id), Some(piece)) => piece.id = id,
            (Ok(_), None) => {}
            (Err(found), last) => {
                let span = last.map(|piece| piece.span);
                let text = span.map(|span| text(&self.arena, span)).unwrap_or_default();
                self.damage.get_or_insert_with(|| {
                    format!("its token {text:?} has the id {found}: expected a whole number")
                });
            }
        }
    }
}

/// A model's pieces.
#[derive(Debug)]
pub(super) struct Vocabulary {
    arena: Vec<u8>,
    /// By id.
    spans: Vec<Span>,
    /// At most half full; its length is a power of two.
    slots: Vec<Slot>,
    /// Length in bytes of the longest piece by place and first byte: no longer one need be looked
    /// for.
    longest: [[u32; 256]; 2],
}

impl Vocabulary {
    /// Checks that the ids run from 0 without a hole and that no piece stands twice.
    ///
    /// # Errors
    /// A sentence that names the token.
    pub(super) fn new(listing: Listing) -> Result<Self, String> {
        let Listing { arena, pieces, damage } = listing;
        if let Some(damage) = damage {
            return Err(damage);
        }
        let vacant = Span { start: 0, len: 0, place: Place::Beginning };
        let mut vocabulary = Self {
            arena,
            spans: vec![vacant; pieces.len()],
            slots: vec![
                Slot { hash: 0, id: VACANT };
                (2 * pieces.len()).next_power_of_two().max(2)
            ],
            longest: [[0; 256]; 2],
        };
        let mut given = vec![false; pieces.len()];
        for Listed { hash, id, span } in &pieces {
            let at = *id as usize;
            match given.get_mut(at) {
                None => return Err(vocabulary.beyond(*span, *id)),
                Some(true) => {
                    return Err(format!(
                        "its tokens {:?} and {:?} have the same id {id}",
                        text(&vocabulary.arena, vocabulary.spans[at]),
                        text(&vocabulary.arena, *span),
                    ));
                }
                Some(given) => *given = true,
            }
            vocabulary.spans[at] = *span;
            vocabulary.insert(*hash, *id)?;
        }
        Ok(vocabulary)
    }

    /// How many pieces there are; ids are below this.
    pub(super) fn len(&self) -> usize {
        self.spans.len()
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
        let mut at = hash as usize & (self.slots.len() - 1);
        loop {
            let slot = self.slots[at];
            if slot.id == VACANT {
                return None;
            }
            if slot.hash == hash {
                let span = self.spans[slot.id as usize];
                if span.place == place && self.bytes(span) == bytes {
                    return Some(slot.id);
                }
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    fn insert(&mut self, hash: u32, id: u32) -> Result<(), String> {
        let span = self.spans[id as usize];
        let mut at = hash as usize & (self.slots.len() - 1);
        while self.slots[at].id != VACANT {
            let other = self.slots[at];
            let other_span = self.spans[other.id as usize];
            if other.hash == hash
                && other_span.place == span.place
                && self.bytes(other_span) == self.bytes(span)
            {
                return Err(format!(
                    "its token {:?} stands twice, with the ids {} and {id}",
                    text(&self.arena, span),
                    other.id
                ));
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
        self.slots[at] = Slot { hash, id };
        if let Some(&first) = self.bytes(span).first() {
            let longest = &mut self.longest[span.place.index()][usize::from(first)];
            *longest = span.len.max(*longest);
        }
        Ok(())
    }

    fn bytes(&self, span: Span) -> &[u8] {
        &self.arena[span.start as usize..][..span.len as usize]
    }

    fn beyond(&self, span: Span, id: u32) -> String {
        format!(
            "its token {:?} has the id {id} and its vocabulary has {} tokens: ids must run from 0 \
             without a hole",
            text(&self.arena, span),
            self.len()
        )
    }
}

/// A piece as the file writes it, for a sentence.
fn text(arena: &[u8], span: Span) -> String {
    let bytes = &arena[span.start as usize..][..span.len as usize];
    let mark = match span.place {
        Place::Beginning => "",
        Place::Inside => CONTINUATION,
    };
    format!("{mark}{}", String::from_utf8_lossy(bytes))
}
