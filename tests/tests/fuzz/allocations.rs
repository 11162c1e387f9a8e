//! Counts the bytes that a case holds at once, on the thread that runs it.
//!
//! An allocator in front of the system's. It refuses single blocks beyond [`LARGEST_BLOCK`], so that a
//! length read from a damaged file ends the process at once instead of filling the machine.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Largest single block, in bytes.
const LARGEST_BLOCK: usize = 1 << 30;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

/// Starts counting from zero.
pub fn reset() {
    HELD.set(0);
    PEAK.set(0);
}

/// Most bytes held at once since [`reset`], beyond those that were held then.
pub fn peak() -> usize {
    usize::try_from(PEAK.get()).unwrap_or_default()
}

/// The allocator.
pub struct Counting;

fn count(bytes: isize) {
    // Fails only while the thread ends.
    let _ = HELD.try_with(|held| {
        held.set(held.get().wrapping_add(bytes));
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(held.get())));
    });
}

// SAFETY: passes every call on to the system's allocator, or refuses with null as the trait allows.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() > LARGEST_BLOCK {
            return std::ptr::null_mut();
        }
        count(layout.size().cast_signed());
        // SAFETY: the caller's own promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.size() > LARGEST_BLOCK {
            return std::ptr::null_mut();
        }
        count(layout.size().cast_signed());
        // SAFETY: the caller's own promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if size > LARGEST_BLOCK {
            return std::ptr::null_mut();
        }
        count(size.cast_signed() - layout.size().cast_signed());
        // SAFETY: the caller's own promises.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        // SAFETY: the caller's own promises.
        unsafe { System.dealloc(block, layout) }
    }
}
