//! An OpenAI-compatible gateway on Cloudflare Workers that picks the model for each request.
//!
//! Why: a client keeps its OpenAI library and asks for the model `auto`; the bundle decides inside
//! the Worker, without a call to anybody, which upstream answers.
//!
//! | endpoint | does |
//! | --- | --- |
//! | `POST /v1/chat/completions` | routes, forwards to the candidate's upstream, passes the answer on as it comes |
//! | `POST /v1/route` | decides only |
//! | `GET /v1/models` | `auto` and the bundle's candidates |
//! | `GET /healthz` | whether the bundle loads |
//!
//! For example, with the default upstreams:
//! ```text
//! POST /v1/chat/completions  {"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}
//! -> x-switchyard-model, x-switchyard-win-rate, x-switchyard-threshold, x-switchyard-reason
//! ```
//!
//! The modules here are plain functions of text, tested natively; what touches the Workers runtime
//! is in `host`, compiled for wasm only.

#![cfg_attr(not(target_family = "wasm"), allow(dead_code))]

mod chat;
mod config;
mod error;
#[cfg(target_family = "wasm")]
mod host;
mod json_span;
mod models;
mod route;
mod target;
mod upstream;
