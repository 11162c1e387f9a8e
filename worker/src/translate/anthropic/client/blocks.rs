//! Writes the content blocks of a streamed message.
//!
//! Anthropic's blocks do not overlap, and the pieces of a chat answer may: arguments of several calls by
//! turns, text between them. The first block is written as it comes; those behind it wait until it ends:
//!
//! ```text
//! call 0 {"q":    call 1 {"q":    call 0 "a"}    call 1 "b"}
//! start 0, delta  (waits)         delta, stop    start 1, delta, delta, stop
//! ```
//! Text ends where another block begins, a call where its arguments are complete.

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::translate::shared::call_pieces::CallPiece;
use crate::translate::shared::stream_error::StreamError;
use crate::wire::sse;
use crate::wire::surrogates::Halves;

/// The most bytes of text that wait for a block to end.
const MAX_WAITING_BYTES: usize = 4 << 20;
/// The bytes that a waiting block counts beside its text.
const BLOCK_BYTES: usize = 256;

/// The blocks that are not ended.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    /// The first is open.
    blocks: VecDeque<Block>,
    /// The index of the first.
    index: u64,
    /// The bytes of the others' text.
    waiting: usize,
    /// The signature of thinking.
    signature: Option<String>,
}

#[derive(Debug)]
struct Block {
    kind: BlockKind,
    /// Its text, until it is open.
    text: String,
    halves: Halves,
    /// Whether the call's arguments are complete.
    complete: bool,
}

/// What a block holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BlockKind {
    Text,
    Thinking,
    /// A call: its number among the answer's calls, its id and its name.
    Call {
        number: usize,
        id: String,
        name: String,
    },
}

impl Blocks {
    /// Signs the thinking that has not ended.
    pub(super) fn sign(&mut self, signature: String) {
        self.signature = Some(signature);
    }

    /// Adds text to the last block if it is of this kind, else to a new one. `marked` is that of the event.
    ///
    /// # Errors
    /// [`StreamError::Malformed`] where more text waits than is kept.
    pub(super) fn text(
        &mut self,
        kind: &BlockKind,
        text: &str,
        marked: bool,
        sent: &mut Vec<String>,
    ) -> Result<(), StreamError> {
        if self.blocks.back().is_none_or(|block| block.kind != *kind) {
            self.begin(kind.clone(), sent);
        }
        self.add(self.blocks.len() - 1, text, marked, sent)
    }

    /// Adds a call, or arguments to one. `id` makes the id that the client gets.
    ///
    /// # Errors
    /// [`StreamError::Malformed`] where more text waits than is kept.
    pub(super) fn call(
        &mut self,
        piece: CallPiece,
        id: impl FnOnce(String) -> String,
        marked: bool,
        sent: &mut Vec<String>,
    ) -> Result<(), StreamError> {
        let CallPiece { number, begins, arguments, complete } = piece;
        if let Some((name, given)) = begins {
            self.begin(BlockKind::Call { number, id: id(given), name }, sent);
        }
        let own = |block: &Block| matches!(block.kind, BlockKind::Call { number: own, .. } if own == number);
        // What comes after a call has ended is nothing that a client could use.
        let Some(at) = self.blocks.iter().position(own) else { return Ok(()) };
        self.blocks[at].complete = complete;
        self.add(at, &arguments, marked, sent)?;
        self.end_complete(sent);
        Ok(())
    }

    /// Ends all blocks.
    pub(super) fn end(&mut self, sent: &mut Vec<String>) {
        while !self.blocks.is_empty() {
            self.end_first(sent);
        }
    }

    fn begin(&mut self, kind: BlockKind, sent: &mut Vec<String>) {
        let (text, halves, complete) = (String::new(), Halves::default(), false);
        self.blocks.push_back(Block { kind, text, halves, complete });
        self.waiting += BLOCK_BYTES;
        if self.blocks.len() == 1 {
            self.open_first(sent);
        }
        self.end_complete(sent);
    }

    fn add(
        &mut self,
        at: usize,
        text: &str,
        marked: bool,
        sent: &mut Vec<String>,
    ) -> Result<(), StreamError> {
        let (index, block) = (self.index, &mut self.blocks[at]);
        let text = block.halves.join(text, marked);
        if at == 0 {
            sent.extend(block.kind.delta(index, &text));
            return Ok(());
        }
        block.text.push_str(&text);
        self.waiting += text.len();
        match self.waiting > MAX_WAITING_BYTES {
            true => {
                let found =
                    format!("more than {MAX_WAITING_BYTES} bytes behind a call without an end");
                Err(StreamError::malformed("tool_calls", found, "the call's end before"))
            }
            false => Ok(()),
        }
    }

    /// Ends the first blocks that are complete, where another one waits.
    fn end_complete(&mut self, sent: &mut Vec<String>) {
        let ended = |block: &Block| block.complete || !matches!(block.kind, BlockKind::Call { .. });
        while self.blocks.len() > 1 && self.blocks.front().is_some_and(ended) {
            self.end_first(sent);
        }
    }

    fn open_first(&mut self, sent: &mut Vec<String>) {
        let Some(block) = self.blocks.front_mut() else { return };
        let empty = block.kind.empty();
        sent.push(write(&json!({
            "type": "content_block_start", "index": self.index, "content_block": empty,
        })));
        let text = std::mem::take(&mut block.text);
        self.waiting -= BLOCK_BYTES + text.len();
        sent.extend(block.kind.delta(self.index, &text));
    }

    fn end_first(&mut self, sent: &mut Vec<String>) {
        let Some(mut block) = self.blocks.pop_front() else { return };
        sent.extend(block.kind.delta(self.index, block.halves.rest()));
        if let Some(signature) =
            self.signature.as_ref().filter(|_| block.kind == BlockKind::Thinking)
        {
            let delta = json!({"type": "signature_delta", "signature": signature});
            sent.push(write(&json!({
                "type": "content_block_delta", "index": self.index, "delta": delta,
            })));
        }
        sent.push(write(&json!({"type": "content_block_stop", "index": self.index})));
        self.index += 1;
        self.open_first(sent);
    }
}

impl BlockKind {
    fn empty(&self) -> Value {
        match self {
            Self::Text => json!({"type": "text", "text": ""}),
            Self::Thinking => json!({"type": "thinking", "thinking": "", "signature": ""}),
            Self::Call { id, name, .. } => {
                json!({"type": "tool_use", "id": id, "name": name, "input": {}})
            }
        }
    }

    /// The event that adds a text to the block.
    fn delta(&self, index: u64, text: &str) -> Option<String> {
        let (kind, field) = match self {
            Self::Text => ("text_delta", "text"),
            Self::Thinking => ("thinking_delta", "thinking"),
            Self::Call { .. } => ("input_json_delta", "partial_json"),
        };
        let delta = json!({"type": kind, field: text});
        let event = json!({"type": "content_block_delta", "index": index, "delta": delta});
        (!text.is_empty()).then(|| write(&event))
    }
}

/// Writes an Anthropic event, which is named after its type.
pub(super) fn write(data: &Value) -> String {
    sse::event(data["type"].as_str(), &data.to_string())
}
