//! Matrices by rows: as they are trained, and as they are kept.

/// A matrix as it is trained.
#[derive(Debug, Clone)]
pub(super) struct Rows {
    width: usize,
    values: Vec<f32>,
}

impl Rows {
    pub(super) fn zeros(rows: usize, width: usize) -> Self {
        Self::filled(rows, width, || 0.0)
    }

    pub(super) fn filled(rows: usize, width: usize, mut value: impl FnMut() -> f32) -> Self {
        let values = std::iter::repeat_with(&mut value)
            .take(rows * width)
            .collect();
        Self { width, values }
    }

    pub(super) fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.width..][..self.width]
    }

    pub(super) fn row_mut(&mut self, row: usize) -> &mut [f32] {
        &mut self.values[row * self.width..][..self.width]
    }

    /// Adds another one, scaled.
    pub(super) fn add(&mut self, by: f32, other: &Self) {
        add_scaled(by, &other.values, &mut self.values);
    }

    pub(super) fn scale(&mut self, by: f32) {
        self.values.iter_mut().for_each(|value| *value *= by);
    }
}

/// `to += by * from`
pub(super) fn add_scaled(by: f32, from: &[f32], to: &mut [f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += by * from;
    }
}

/// The sum of products, in eight lanes, which the compiler keeps in vector registers.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 8];
    let (a_whole, b_whole) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest = a_whole.remainder().iter().zip(b_whole.remainder());
    let rest: f32 = rest.map(|(a, b)| a * b).sum();
    for (a, b) in a_whole.zip(b_whole) {
        for (lane, (a, b)) in lanes.iter_mut().zip(a.iter().zip(b)) {
            *lane += a * b;
        }
    }
    lanes.iter().sum::<f32>() + rest
}

/// A matrix as it is kept: each value in one byte, and a scale for each row. What is lost is below
/// half a hundredth of a row's largest value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bytes {
    width: usize,
    scales: Vec<f32>,
    values: Vec<i8>,
}

impl Bytes {
    /// Rows of bytes, and a scale for each; `None` where they do not fit together.
    pub(super) fn new(width: usize, scales: Vec<f32>, values: Vec<i8>) -> Option<Self> {
        let whole = scales.len().checked_mul(width) == Some(values.len());
        (whole && scales.iter().all(|scale| scale.is_finite())).then_some(Self {
            width,
            scales,
            values,
        })
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    pub(super) fn scales(&self) -> &[f32] {
        &self.scales
    }

    pub(super) fn values(&self) -> &[i8] {
        &self.values
    }

    /// `to += by * row`
    pub(super) fn add_row(&self, row: usize, by: f32, to: &mut [f32]) {
        let by = by * self.scales[row];
        let values = &self.values[row * self.width..][..self.width];
        for (to, value) in to.iter_mut().zip(values) {
            *to += by * f32::from(*value);
        }
    }
}

impl From<&Rows> for Bytes {
    fn from(rows: &Rows) -> Self {
        const MOST: f32 = 127.0;
        let width = rows.width;
        let mut scales = Vec::with_capacity(rows.values.len() / width.max(1));
        let mut values = Vec::with_capacity(rows.values.len());
        for row in rows.values.chunks_exact(width.max(1)) {
            let largest = row.iter().fold(0.0f32, |most, value| most.max(value.abs()));
            let scale = largest / MOST;
            scales.push(scale);
            let scale = if scale > 0.0 { scale } else { 1.0 };
            // Between -127 and 127 by the scale.
            #[allow(clippy::cast_possible_truncation)]
            values.extend(row.iter().map(|value| (value / scale).round() as i8));
        }
        Self {
            width,
            scales,
            values,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches: a scale of another row, and a row of zeros that is divided by nothing.
    #[test]
    fn a_row_in_bytes_is_nearly_the_row() {
        let mut rows = Rows::zeros(3, 3);
        rows.row_mut(0).copy_from_slice(&[1.0, -2.0, 0.5]);
        rows.row_mut(2).copy_from_slice(&[100.0, 0.0, -0.4]);
        let bytes = Bytes::from(&rows);
        for row in 0..3 {
            let mut sum = [0.0; 3];
            bytes.add_row(row, 2.0, &mut sum);
            for (kept, trained) in sum.iter().zip(rows.row(row)) {
                assert!((kept - 2.0 * trained).abs() <= 0.8, "{sum:?}");
            }
        }
        assert_eq!(dot(&[1.0; 19], &[2.0; 19]), 38.0);
    }

    #[test]
    fn parts_that_do_not_fit_together_make_no_matrix() {
        assert!(Bytes::new(2, vec![1.0], vec![1, 2]).is_some());
        assert!(Bytes::new(2, vec![1.0], vec![1, 2, 3]).is_none());
        assert!(Bytes::new(1, vec![f32::NAN], vec![1]).is_none());
    }
}
