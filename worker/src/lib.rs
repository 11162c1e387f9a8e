//! An OpenAI-compatible gateway on Cloudflare Workers that picks the model for each request.
//!
//! Why: a client keeps its OpenAI library and asks for the model `auto`; the bundle decides inside
//! the Worker, without a call to anybody, which upstream answers.
//!
//! `docs/GATEWAY.md` is the reference: endpoints, model names, headers, configuration, faults.
//!
//! ```text
//! POST /v1/chat/completions  {"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}
//!   -> [`ask`]       what the body says
//!   -> [`plan`]      which model, and which after it
//!   -> [`exchange`]  the call in the upstream's words, the answer in the client's
//!   -> [`course`]    what follows a fault
//!   -> [`relay`]     a stream on its way
//!   -> [`record`]    what is written down
//! ```
//!
//! The modules here are plain functions of text, tested natively; what touches the Workers runtime
//! is in `host`, compiled for wasm only.

#![cfg_attr(not(target_family = "wasm"), allow(dead_code, unused_imports))]

mod anthropic;
mod ask;
mod breaker;
mod bundles;
mod cascade;
mod config;
mod cost;
mod course;
mod endpoint;
mod error;
mod exchange;
mod feedback;
#[cfg(target_family = "wasm")]
mod host;
mod json_span;
mod models;
mod plan;
mod record;
mod relay;
mod route;
mod sse;
mod target;
mod upstream;
mod usage;
mod workers_ai;
