//! Which clicks lead to a product: a ridge regression of its own, over the products that stood before
//! it most often.
//!
//! SLIST (Choe, Kim, Lee, Lee and Kim, *Session-aware Linear Item-Item Models for Session-based
//! Recommendation*, WWW 2021) learns one linear map of all products to all products in closed form.
//! The map splits by the product that is led to. Each column `w` of it minimises
//! `|y - X w|² + ridge |w|²`, where a row of `X` holds the parts of the clicks before a click, and
//! `y` says whether that click was on the product. So it solves `(XᵀX + ridge I) w = Xᵀy`, here over
//! the few products that matter for the column, by a Cholesky decomposition.

use super::counts::Counts;
use super::fade::WHOLE;
use super::items::Slot;
use super::tally::keep_greatest;

/// The weights of what leads to `target`, by source; at most `sources_max` of them.
pub(super) fn solve(
    counts: &Counts,
    target: Slot,
    sources_max: usize,
    ridge: f32,
) -> Vec<(Slot, f32)> {
    let whole = WHOLE as f32;
    let before = counts.before(target).iter();
    let mut sources: Vec<(Slot, f32)> = before
        .map(|(source, sum)| (*source, *sum as f32 / whole))
        .collect();
    keep_greatest(&mut sources, sources_max);
    sources.sort_unstable_by_key(|(source, _)| *source);

    let order = sources.len();
    let mut gram = vec![0.0_f32; order * order];
    for (column, (low, _)) in sources.iter().enumerate() {
        let mut line = counts.together(*low);
        for (row, (high, _)) in sources.iter().enumerate().skip(column) {
            line = &line[line.partition_point(|(other, _)| other < high)..];
            if let Some((other, sum)) = line.first()
                && other == high
            {
                gram[row * order + column] = *sum as f32 / (whole * whole);
            }
        }
        gram[column * order + column] += ridge;
    }
    let mut right: Vec<f32> = sources.iter().map(|(_, sum)| *sum).collect();
    solve_symmetric(&mut gram, &mut right);
    let weights = sources.iter().zip(right);
    weights
        .map(|((source, _), weight)| (*source, weight))
        .collect()
}

/// Solves `A x = b` in place for a symmetric, positive definite `A`, whose lower triangle is given by
/// rows, by its Cholesky decomposition. The trailing part is brought up to date column by column, so
/// that the inner loop runs along a row.
fn solve_symmetric(a: &mut [f32], b: &mut [f32]) {
    let order = b.len();
    let mut column = vec![0.0_f32; order];
    for k in 0..order {
        let pivot = a[k * order + k].max(f32::MIN_POSITIVE).sqrt();
        a[k * order + k] = pivot;
        for i in k + 1..order {
            let value = a[i * order + k] / pivot;
            a[i * order + k] = value;
            column[i] = value;
        }
        for i in k + 1..order {
            let factor = column[i];
            if factor != 0.0 {
                let row = &mut a[i * order + k + 1..=i * order + i];
                for (value, other) in row.iter_mut().zip(&column[k + 1..=i]) {
                    *value -= factor * other;
                }
            }
        }
    }
    for i in 0..order {
        let row = &a[i * order..i * order + i];
        let known: f32 = row.iter().zip(&*b).map(|(value, x)| value * x).sum();
        b[i] = (b[i] - known) / a[i * order + i];
    }
    for i in (0..order).rev() {
        b[i] /= a[i * order + i];
        let (before, rest) = b.split_at_mut(i);
        let row = &a[i * order..i * order + i];
        for (value, x) in row.iter().zip(before) {
            *x -= value * rest[0];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a wrong place in the decomposition or in either substitution, and a ridge that is
    /// left out.
    #[test]
    fn weights_solve_their_equations() {
        let mut counts = Counts::default();
        for n in 0..60_u32 {
            let walk = [n % 7, n * 3 % 7, n * 5 % 11, (n + 2) % 5];
            for place in 0..walk.len() {
                counts.add(&walk[..place], walk[place]);
            }
        }
        let (whole, ridge) = (WHOLE as f32, 2.0);
        let together = |a: Slot, b: Slot| {
            let line = counts.together(a.min(b)).iter();
            let mut sums = line.filter(|(other, _)| *other == a.max(b));
            sums.next()
                .map_or(0.0, |(_, sum)| *sum as f32 / (whole * whole))
        };
        let weights = solve(&counts, 3, 100, ridge);
        assert!(weights.len() > 5);
        for (source, weight) in &weights {
            let told = weights.iter();
            let left: f32 = told
                .map(|(other, weight)| together(*source, *other) * weight)
                .sum();
            let before = counts.before(3).iter().find(|(other, _)| other == source);
            let right = before.map_or(0.0, |(_, sum)| *sum as f32 / whole);
            let off = left + ridge * weight - right;
            assert!(off.abs() < 1e-3, "{off} at {source}");
        }
        assert_eq!(solve(&counts, 3, 2, ridge).len(), 2);
        assert!(solve(&counts, 99, 100, ridge).is_empty());
    }
}
