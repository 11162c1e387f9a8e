//! One request, as the modules see it that serve it.

use std::rc::Rc;

use worker::{Context, Env, Request};

use super::auth::Caller;
use super::isolate::Config;

/// One request, with what the runtime and the configuration say about it.
pub(super) struct RequestContext<'a> {
    pub(super) env: &'a Env,
    pub(super) context: &'a Context,
    pub(super) config: &'a Rc<Config>,
    pub(super) caller: &'a Caller<'a>,
    pub(super) request: &'a Request,
    pub(super) id: &'a str,
    /// The caller's address; empty if unknown.
    pub(super) address: &'a str,
    pub(super) started: f64,
}
