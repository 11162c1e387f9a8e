//! An OpenAI-compatible gateway on Cloudflare Workers that picks the model for each request.
//!
//! A client keeps its OpenAI library and asks for the model `auto`; the router in the bundle decides
//! inside the Worker, without a network call, which upstream answers.
//!
//! `docs/GATEWAY.md` is the reference: endpoints, model names, headers, configuration, faults.
//!
//! ```text
//! POST /v1/chat/completions  {"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}
//!   -> [`request`]     parses the body
//!   -> [`routing`]     chooses the model and its fallbacks
//!   -> [`translate`]   translates request, answer and stream between the two APIs
//!   -> [`upstream`]    decides on headers, retries and circuit breakers
//!   -> [`accounting`]  computes the cost and the record that is logged
//! ```
//!
//! `wire` reads the APIs' formats, `error` states what the client is told, `config` parses the
//! variables. All of these are pure functions, tested natively; the code that calls the Workers runtime
//! is in `host`, compiled for wasm only. `fuzz`, compiled natively only, checks them with damaged inputs.
//!
//! A folder uses only folders before it in this order, so no two depend on each other:
//!
//! ```text
//! wire, error < config < request < upstream, accounting, translate < routing < host, fuzz
//! ```
//! `upstream`, `accounting` and `translate` do not use one another; nor do `wire` and `error`.

#![cfg_attr(not(target_family = "wasm"), allow(dead_code, unused_imports))]

mod accounting;
mod config;
mod error;
#[cfg(not(target_family = "wasm"))]
pub mod fuzz;
#[cfg(target_family = "wasm")]
mod host;
mod request;
mod routing;
mod translate;
mod upstream;
mod wire;
