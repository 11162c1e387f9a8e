//! Asks LLMs over HTTP, within a cost cap, and stores each answer once.
//!
//! [`ModelsFile`] states the LLMs. A [`CompletionRequest`] to one of them has a [`RequestKey`], under which
//! [`CompletionStore`] keeps the answer, so that nothing is asked twice. [`complete_all`] asks what is missing:
//! each model by threads of its own, at the pace that its upstream allows, with the cost of every request
//! reserved before it is sent.

mod backoff;
mod client;
mod complete;
mod completion;
mod estimate;
mod finish;
mod models_file;
mod money;
mod pace;
mod request;
mod request_key;
mod retry_after;
mod run;
mod store;
mod summary;
mod tokens;
mod wire;

pub use crate::data::Role;
pub use complete::{Job, Stream, complete_all, complete_streams};
pub use completion::Completion;
pub use estimate::CostRange;
pub use finish::Finish;
pub use models_file::{Api, ModelEntry, ModelsFile};
pub use money::cost_usd;
pub use request::{CompletionRequest, Message};
pub use request_key::RequestKey;
pub use store::{CompletionStore, Found};
pub use summary::{
    Event, Failure, Limits, MAX_STORED_FAILURES, Progress, Silent, Stopped, StoppedModel, Summary,
};
