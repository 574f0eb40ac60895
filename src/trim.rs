//! Giving back memory. What is freed in small pieces glibc keeps, so that what is needed next would come on top of it.

/// Gives what was freed back to the system, where the C library can.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "no binding of this call is safe, although it takes and gives numbers alone")]
pub(crate) fn trim() {
    // SAFETY: malloc_trim(3) may be called by any thread at any time, and leaves alone what is in use.
    let _ = unsafe { libc::malloc_trim(0) };
}

/// Elsewhere what is freed goes back by itself, or not at all.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn trim() {}
