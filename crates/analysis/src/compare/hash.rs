//! A hash of numbers, which a walk over automata computes millions of times.
//!
//! The standard one resists values that somebody chooses to collide. Here a walk makes the values and has a limit.

use std::hash::{BuildHasherDefault, Hasher};

/// Builds the hasher of a map with numbers as keys.
pub(super) type OfNumbers = BuildHasherDefault<NumberHasher>;

/// Multiplies and rotates (as FxHash does).
#[derive(Default)]
pub(super) struct NumberHasher(u64);

impl Hasher for NumberHasher {
    // The program is compiled for size, where calls would take a third of the time of a walk.
    #[inline(always)]
    fn finish(&self) -> u64 {
        // The map takes the low bits, and multiplication mixes upwards.
        self.0.rotate_left(26)
    }

    #[inline(always)]
    fn write_u64(&mut self, number: u64) {
        let mixed = self.0.rotate_left(5) ^ number;
        self.0 = mixed.wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    #[inline(always)]
    fn write_u32(&mut self, number: u32) {
        self.write_u64(number.into());
    }

    #[inline(always)]
    fn write_usize(&mut self, number: usize) {
        self.write_u64(u64::try_from(number).unwrap_or(u64::MAX));
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64((*byte).into());
        }
    }
}
