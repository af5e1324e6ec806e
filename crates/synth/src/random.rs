//! Draws of the shapes that a history needs.

use rand::Rng;

/// Draws from any random number generator.
pub trait Draw: Rng {
    /// From 0 up to, but not including, 1.
    fn unit(&mut self) -> f64 {
        self.random()
    }

    /// True with this probability.
    fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// From `low` up to, but not including, `high`.
    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Nearly normal, with mean 0 and deviation 1, and never beyond 3.47: the sum of four even
    /// draws, for which one number of 64 bits is enough.
    fn bell(&mut self) -> f64 {
        let bits: u64 = self.random();
        let sum: u64 = (0..4).map(|part| (bits >> (16 * part)) & 0xffff).sum();
        #[expect(clippy::cast_precision_loss, reason = "a sum of 18 bits")]
        let sum = sum as f64 / 65_535.0;
        (sum - 2.0) * 3f64.sqrt()
    }

    /// Log-normal: half of the draws are below the median, and a deviation of 1 makes about a
    /// sixth of them more than 2.7 times as large.
    fn log_normal(&mut self, median: f64, deviation: f64) -> f64 {
        median * (self.bell() * deviation).exp()
    }

    /// One of `items`, which must not be empty.
    fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.random_range(0..items.len())]
    }
}

impl<R: Rng + ?Sized> Draw for R {}

/// This part of a count, rounded down. Parts beyond 0 to 1 are taken as the nearer end, and a
/// part of 1 is all of it.
pub fn share(count: i64, part: f64) -> i64 {
    if part >= 1.0 {
        return count;
    }
    whole(float(count) * part.max(0.0))
}

/// A number rounded down.
#[expect(clippy::cast_possible_truncation, reason = "made-up numbers are far below 2^63")]
pub fn whole(number: f64) -> i64 {
    number as i64
}

/// A count to calculate with.
#[expect(clippy::cast_precision_loss, reason = "made-up numbers are below 2^53")]
pub fn float(count: i64) -> f64 {
    count as f64
}
