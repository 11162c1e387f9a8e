//! Progress bars of long work.

use indicatif::{ProgressBar, ProgressStyle};

/// A progress bar with a message; the caller sets its length.
#[must_use]
pub fn bar(message: &str) -> ProgressBar {
    let bar = ProgressBar::new(0).with_message(message.to_owned());
    match ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
