//! Decides how upstreams are called: headers, retries and circuit breakers.

pub(crate) mod breaker;
pub(crate) mod headers;
mod http_date;
pub(crate) mod retry;
