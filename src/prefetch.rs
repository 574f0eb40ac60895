//! Asking for memory that will be needed shortly: the processor's own foresight ends with the page, and knows nothing
//! of tables. Changes nothing but when things happen; beyond the end of what is there nothing is asked for.
#![expect(unsafe_code, reason = "a hint, which reads nothing and faults nowhere")]

/// `_MM_HINT_T0`: into all caches.
const NEAR: i32 = 3;
/// `_MM_HINT_T1`: into all but the nearest.
const FAR: i32 = 2;

/// For some hundred nanoseconds later.
#[inline(always)]
pub(crate) fn near<T>(at: *const T) {
    hint::<NEAR, T>(at);
}

/// For some microseconds later.
#[inline(always)]
pub(crate) fn far<T>(at: *const T) {
    hint::<FAR, T>(at);
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(unused_unsafe, reason = "safe in newer versions of the standard library")]
fn hint<const HINT: i32, T>(at: *const T) {
    // SAFETY: see the module.
    unsafe { std::arch::x86_64::_mm_prefetch::<HINT>(at.cast::<i8>()) };
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn hint<const HINT: i32, T>(_: *const T) {}
