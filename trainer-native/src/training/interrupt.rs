//! Ends a run at a safe point on Ctrl-C: loops check a flag, and finished work is on disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag that Ctrl-C and a termination signal set. A second one ends the process at once.
///
/// # Errors
/// Where a handler is installed already.
pub fn flag() -> Result<Arc<AtomicBool>, ctrlc::Error> {
    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if seen.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        eprintln!("\ninterrupted: stopping at the next safe point (again to stop at once)");
    })?;
    Ok(stop)
}
