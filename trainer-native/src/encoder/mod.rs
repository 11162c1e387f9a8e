//! Encoders: query text to an embedding.
//!
//! - [`bert`]: a BERT-family transformer in burn;
//! - [`bert_weights`]: its weights on the host, to cut down and to export;
//! - [`hugging_face`]: reading one from a Hugging Face folder;
//! - [`vocabulary`]: a WordPiece tokenizer cut down to the tokens that a corpus uses;
//! - [`trainable`]: an encoder that is trained end to end, of either tier;
//! - [`static_table`]: the *static* tier, a token table distilled from a transformer.

pub mod bert;
pub mod bert_weights;
pub mod hugging_face;
pub mod static_table;
pub mod trainable;
pub mod vocabulary;
