//! What of a session counts, and how much: the newest click most.

use super::items::Slot;

/// So many of the newest clicks of a session are looked at.
pub(super) const RECENT_MAX: usize = 16;

/// The parts of a click by its age, in 32nds: a half for each click that came after it. Whole numbers,
/// so that what is added for a session can be taken away again to the last bit, in any order.
pub(super) const PARTS: [u32; 6] = [32, 16, 8, 4, 2, 1];
/// What a click of age 0 counts for.
pub(super) const WHOLE: u32 = PARTS[0];

/// How much a click of each age leads to another one, in 32nds: `(age + 1) / 2^age`. That is its part
/// in the row of the click, and in those of the clicks between them, for which it is still to come,
/// each a half as much as the one before.
pub(super) const LEADS: [u32; 6] = [32, 32, 24, 16, 10, 6];

/// The different products among the newest clicks, newest first, each with the age of its newest
/// click. `clicks` is in the order of time.
pub(super) fn ages(clicks: &[Slot]) -> impl Iterator<Item = (Slot, usize)> + '_ {
    let newest = clicks.iter().rev().copied();
    newest
        .take(PARTS.len())
        .enumerate()
        .filter(|(age, slot)| {
            let came_later = &clicks[clicks.len() - age..];
            !came_later.contains(slot)
        })
        .map(|(age, slot)| (slot, age))
}

/// The different products, newest first, each with its weight by the age of its newest click.
/// `clicks` is newest first, and what is not known is `None`: it keeps its place.
pub(super) fn weigh(clicks: &[Option<Slot>], fade: f32) -> Vec<(Slot, f32)> {
    let mut weights: Vec<(Slot, f32)> = Vec::with_capacity(clicks.len().min(RECENT_MAX));
    let mut weight = 1.0;
    for slot in clicks.iter().take(RECENT_MAX) {
        if let Some(slot) = slot
            && weights.iter().all(|(known, _)| known != slot)
        {
            weights.push((*slot, weight));
        }
        weight *= fade;
    }
    weights
}
