//! Storing word by word. For whole arrays and structs the compiler calls `memset` and `memmove`, which are loops over bytes
//! here: some 20 ns for 20 bytes.

/// Stores one value, and keeps the compiler from gathering stores into a `memset`.
#[inline(always)]
pub fn put<T: Copy>(place: &mut T, value: T) {
    // SAFETY: a reference is valid and aligned; volatile only keeps the store as it is.
    unsafe { core::ptr::write_volatile(place, value) }
}

/// Stores an array word by word.
#[inline(always)]
pub fn put_all<T: Copy, const N: usize>(place: &mut [T; N], values: [T; N]) {
    for (place, value) in place.iter_mut().zip(values) {
        put(place, value);
    }
}
