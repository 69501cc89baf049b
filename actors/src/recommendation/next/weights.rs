//! Which product leads to which, and how much.

use super::items::Slot;
use super::limits::NextItemLimits;

/// Weights of other products, in the order of their numbers.
pub(super) type Line = Vec<(Slot, f32)>;

/// What leads to one product.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Column {
    /// How many clicks on it there were when it was worked out.
    pub(super) clicks: u32,
    /// The weights by source.
    pub(super) weights: Line,
}

/// A sparse matrix, by what is led to and by what leads. Both hold the same weights.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Weights {
    columns: Vec<Column>,
    leads: Vec<Line>,
    /// How many there are.
    count: usize,
}

impl Weights {
    pub(super) fn restored(columns: Vec<Column>) -> Self {
        let mut leads: Vec<Line> = vec![Line::new(); columns.len()];
        let count = columns.iter().map(|column| column.weights.len()).sum();
        for (target, column) in (0..).zip(&columns) {
            for (source, weight) in &column.weights {
                if let Some(line) = leads.get_mut(*source as usize) {
                    line.push((target, *weight));
                }
            }
        }
        Self {
            columns,
            leads,
            count,
        }
    }

    pub(super) fn columns(&self) -> &[Column] {
        &self.columns
    }

    pub(super) fn grow(&mut self, slots: usize) {
        if self.columns.len() < slots {
            self.columns.resize(slots, Column::default());
            self.leads.resize(slots, Line::new());
        }
    }

    pub(super) fn clicks(&self, target: Slot) -> u32 {
        let column = self.columns.get(target as usize);
        column.map_or(0, |column| column.clicks)
    }

    /// How many weights there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Sets what leads to `target`. Of what is given the strongest are kept. A product that leads to
    /// too many takes one more only in the place of a weaker one.
    pub(super) fn set(
        &mut self,
        target: Slot,
        clicks: u32,
        mut weights: Line,
        limits: &NextItemLimits,
    ) {
        self.clear(target);
        let strongest =
            |a: &(Slot, f32), b: &(Slot, f32)| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0));
        weights.sort_unstable_by(strongest);
        weights.truncate(limits.weights_max);
        weights.sort_unstable_by_key(|(source, _)| *source);
        weights.retain_mut(|(source, weight)| {
            *weight = coarse(*weight);
            *weight != 0.0 && self.lead(*source, target, *weight, limits.leads_max())
        });
        if let Some(column) = self.columns.get_mut(target as usize) {
            self.count += weights.len();
            *column = Column { clicks, weights };
        }
    }

    /// Forgets a product, as what is led to and as what leads.
    pub(super) fn forget(&mut self, slot: Slot) {
        self.clear(slot);
        let led = self.leads.get_mut(slot as usize).map(std::mem::take);
        for (target, _) in led.into_iter().flatten() {
            if let Some(column) = self.columns.get_mut(target as usize) {
                self.count -= remove(&mut column.weights, slot);
            }
        }
    }

    fn clear(&mut self, target: Slot) {
        let column = self.columns.get_mut(target as usize).map(std::mem::take);
        self.count -= column.as_ref().map_or(0, |column| column.weights.len());
        for (source, _) in column.into_iter().flat_map(|column| column.weights) {
            if let Some(line) = self.leads.get_mut(source as usize) {
                remove(line, target);
            }
        }
    }

    fn lead(&mut self, source: Slot, target: Slot, weight: f32, leads_max: usize) -> bool {
        let Some(line) = self.leads.get_mut(source as usize) else {
            return false;
        };
        if line.len() >= leads_max {
            let weakest = line.iter().min_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
            let Some((weakest, least)) = weakest.copied() else {
                return false;
            };
            if least.abs() >= weight.abs() {
                return false;
            }
            remove(line, weakest);
            if let Some(column) = self.columns.get_mut(weakest as usize) {
                self.count -= remove(&mut column.weights, source);
            }
        }
        let Some(line) = self.leads.get_mut(source as usize) else {
            return false;
        };
        let place = line.partition_point(|(other, _)| *other < target);
        line.insert(place, (target, weight));
        true
    }

    /// What a product leads to.
    pub(super) fn leads(&self, source: Slot) -> &[(Slot, f32)] {
        self.leads.get(source as usize).map_or(&[], Vec::as_slice)
    }
}

/// The nearest number whose lower sixteen bits are zero: a weight needs no more than two digits, and
/// half of it need not be stored.
fn coarse(weight: f32) -> f32 {
    f32::from_bits(weight.to_bits().saturating_add(0x8000) & 0xFFFF_0000)
}

/// Takes a product out of a line. How many went with it: one or none.
fn remove(line: &mut Line, slot: Slot) -> usize {
    let found = line.binary_search_by_key(&slot, |(other, _)| *other);
    let removed = found.map(|place| line.remove(place));
    usize::from(removed.is_ok())
}
