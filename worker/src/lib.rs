//! An OpenAI-compatible gateway on Cloudflare Workers that picks the model for each request.
//!
//! A client keeps its OpenAI library and asks for the model `auto`; the router in the bundle decides
//! inside the Worker, without a network call, which upstream answers.
//!
//! `docs/GATEWAY.md` is the reference: endpoints, model names, headers, configuration, faults.
//!
//! ```text
//! POST /v1/chat/completions  {"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}
//!   -> [`ask`]       parses the body
//!   -> [`plan`]      chooses the model and its fallbacks
//!   -> [`exchange`]  translates request and answer between the two APIs
//!   -> [`course`]    decides on retries and fallbacks
//!   -> [`relay`]     passes on a stream
//!   -> [`record`]    is what is logged
//! ```
//!
//! The modules here are pure functions, tested natively; the code that calls the Workers runtime is
//! in `host`, compiled for wasm only.

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
