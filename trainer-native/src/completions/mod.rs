//! Asks LLMs over HTTP, within a cost cap, and stores each answer once.
//!
//! [`ModelsFile`] states the LLMs. A [`CompletionRequest`] to one of them has a [`RequestKey`], under which
//! the store keeps the answer, so that nothing is asked twice.

mod completion;
mod finish;
mod models_file;
mod request;
mod request_key;
mod summary;
mod wire;

pub use completion::Completion;
pub use finish::Finish;
pub use models_file::{Api, ModelEntry, ModelsFile};
pub use request::{CompletionRequest, Message, Role};
pub use request_key::RequestKey;
pub use summary::{
    Event, Failure, Limits, MAX_STORED_FAILURES, Progress, Silent, Stopped, StoppedModel, Summary,
};
