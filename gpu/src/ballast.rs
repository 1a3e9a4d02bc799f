//! Memory kept back for small allocations, so that a program whose tensors take all there is lives to say so.
//!
//! libtorch answers with an error where it can't have a tensor; Rust ends the program where it can't have two bytes.
//! Under a limit on address space both come to pass: what a batch leaves may be less than a string takes, in its own
//! thread or in one beside it. So [`Ballast`], a program's global allocator, lets go of a piece of address space that
//! nobody uses, and tries again; pieces are smaller than tensors, which gain nothing by them. `keep` takes them
//! anew before each batch.
#![allow(unsafe_code, reason = "an allocator hands out pointers, and address space is mapped by calls to the system")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::time::Duration;

/// Bytes of a piece: what the heap grows by at least, twice.
const PIECE: usize = 256 << 10;
/// Larger allocations fail at once.
const SMALL: usize = 64 << 10;
/// How often it is tried again once no piece is left: the threads beside this one free their tensors within that time.
const TRIES: usize = 2_000;
const PAUSE: Duration = Duration::from_millis(1);

static PIECES: [AtomicPtr<libc::c_void>; 16] = [const { AtomicPtr::new(null_mut()) }; 16];

/// The system's allocator, with memory kept back.
#[derive(Debug)]
pub struct Ballast;

/// Keeps pieces back as far as there is room. They are address space alone, no memory.
pub(crate) fn keep() {
    for piece in PIECES.iter().filter(|piece| piece.load(Ordering::Relaxed).is_null()) {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new mapping at an address of the system's choice; nothing reads or writes it.
        let mapped = unsafe { libc::mmap(null_mut(), PIECE, libc::PROT_NONE, flags, -1, 0) };
        if mapped == libc::MAP_FAILED {
            return;
        }
        if piece.compare_exchange(null_mut(), mapped, Ordering::AcqRel, Ordering::Relaxed).is_err() {
            release(mapped);
        }
    }
}

fn release(piece: *mut libc::c_void) {
    // SAFETY: a mapping of this size, made by `keep` and taken out of its slot, so that nobody else unmaps it.
    let _ = unsafe { libc::munmap(piece, PIECE) };
}

/// False: there was none.
fn let_one_go() -> bool {
    let taken = PIECES.iter().map(|piece| piece.swap(null_mut(), Ordering::AcqRel)).find(|piece| !piece.is_null());
    taken.map(release).is_some()
}

/// What `take` gives, if need be after letting go of what is kept.
fn insist(size: usize, take: impl Fn() -> *mut u8) -> *mut u8 {
    let mut taken = take();
    let mut tries = 0;
    while taken.is_null() && size <= SMALL && tries < TRIES {
        if !let_one_go() {
            std::thread::sleep(PAUSE);
            tries += 1;
        }
        taken = take();
    }
    taken
}

// SAFETY: every pointer comes from the system's allocator and goes back to it, with the caller's own layouts.
unsafe impl GlobalAlloc for Ballast {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's.
        insist(layout.size(), || unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's.
        insist(layout.size(), || unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's; where it fails, what was there stays as it is.
        insist(size, || unsafe { System.realloc(old, layout, size) })
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's.
        unsafe { System.dealloc(pointer, layout) }
    }
}
