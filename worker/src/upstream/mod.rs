//! Decides how upstreams are called, and what passes to and from them: headers, refused fields, secrets,
//! retries and circuit breakers.

pub(crate) mod breaker;
pub(crate) mod field_adjustments;
pub(crate) mod headers;
mod http_date;
pub(crate) mod refused_fields;
pub(crate) mod retry;
pub(crate) mod scrub;
