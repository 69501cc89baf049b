//! Sums by a number, and the greatest of them.

use std::cmp::Ordering;

/// Sums up what is added under the same key, `N` amounts beside each other. Its size is chosen
/// beforehand, so that it never grows, and it lists its sums in the order in which their keys came,
/// so that it has no order of its own.
pub(super) struct Tally<const N: usize> {
    /// A place in `sums`, and one more: 0 is free.
    places: Vec<u32>,
    sums: Vec<(u32, [f32; N])>,
    shift: u32,
}

impl<const N: usize> Tally<N> {
    /// For up to so many different keys.
    pub(super) fn of(keys_max: usize) -> Self {
        let places = (2 * keys_max).max(16).next_power_of_two();
        Self {
            places: vec![0; places],
            sums: Vec::with_capacity(keys_max),
            shift: u64::BITS - places.trailing_zeros(),
        }
    }

    /// The sums of a key.
    pub(super) fn of_key(&mut self, key: u32) -> &mut [f32; N] {
        // Fibonacci hashing (Knuth, The Art of Computer Programming, volume 3, section 6.4).
        let hash = u64::from(key).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> self.shift;
        let mask = self.places.len() - 1;
        let mut at = usize::try_from(hash).unwrap_or_default() & mask;
        // There are twice as many places as keys, so the search ends.
        let found = loop {
            match self.places[at] as usize {
                0 => {
                    self.sums.push((key, [0.0; N]));
                    self.places[at] = u32::try_from(self.sums.len()).unwrap_or(u32::MAX);
                    break self.sums.len() - 1;
                }
                place if self.sums[place - 1].0 == key => break place - 1,
                _ => at = (at + 1) & mask,
            }
        };
        &mut self.sums[found].1
    }

    pub(super) fn into_sums(self) -> Vec<(u32, [f32; N])> {
        self.sums
    }
}

/// The greatest come first, and of equals the smaller key: no other order is left open.
fn by_greatness(a: &(u32, f32), b: &(u32, f32)) -> Ordering {
    b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
}

/// Leaves the greatest, greatest first.
pub(super) fn keep_greatest(sums: &mut Vec<(u32, f32)>, kept: usize) {
    if kept == 0 {
        sums.clear();
    } else if sums.len() > kept {
        sums.select_nth_unstable_by(kept - 1, by_greatness);
        sums.truncate(kept);
    }
    sums.sort_unstable_by(by_greatness);
}
