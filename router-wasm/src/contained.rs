//! Turns panics of libraries into errors.

use crate::error::RouterError;

/// Runs tract or tokenizers, which panic on some damaged files, and turns a panic into an error.
/// Where panics abort (wasm) the instance traps instead, and the host must start a new one.
pub(crate) fn contained<T>(
    run: impl FnOnce() -> Result<T, RouterError>,
    stopped: impl FnOnce(String) -> RouterError,
) -> Result<T, RouterError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(ToString::to_string);
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(stopped(format!("a library panicked: {}", text.unwrap_or_default())))
    })
}
