//! A histogram of whole numbers whose buckets grow with the numbers, so that quantiles have a small relative
//! error, and which merges with others exactly: counts of equal buckets are added.

use crate::varint;

/// Numbers below this have a bucket each.
const EXACT: u64 = 256;

/// Above it, each power of two is divided into this many buckets: a number is less than 1/256 from its
/// bucket's middle, 0.4 %.
const BUCKETS: u64 = 128;

/// A sketch with more entries than this has a count for each bucket.
const SPARSE: usize = 256;

/// How many times numbers occurred. Counts may be negative while changes come out of order.
#[derive(Clone, Debug)]
pub enum Sketch {
    /// Entries in any order; a bucket may have several.
    Sparse(Vec<(u32, i64)>),
    /// A count for each bucket, from the first.
    Dense(Vec<i64>),
}

impl Default for Sketch {
    fn default() -> Self {
        Self::Sparse(Vec::new())
    }
}

/// Whether they have the same counts.
impl PartialEq for Sketch {
    fn eq(&self, other: &Self) -> bool {
        self.entries() == other.entries()
    }
}

/// The bucket of a number.
fn bucket(number: u64) -> u32 {
    if number < EXACT {
        return u32::try_from(number).expect("below 256");
    }
    // The eight highest bits: the first is 1, the others are the place within the power of two.
    let shift = number.ilog2() - 7;
    let place = (number >> shift) - BUCKETS;
    u32::try_from(EXACT + u64::from(shift - 1) * BUCKETS + place).expect("below 8,000")
}

/// The middle of a bucket's numbers.
fn middle(bucket: u32) -> u64 {
    let bucket = u64::from(bucket);
    if bucket < EXACT {
        return bucket;
    }
    let (shift, place) = ((bucket - EXACT) / BUCKETS + 1, (bucket - EXACT) % BUCKETS);
    // The largest bucket ends at 2^64.
    ((BUCKETS + place) << shift) + (1 << (shift - 1))
}

impl Sketch {
    /// Adds a number this many times. Negative numbers are counted as 0.
    pub fn add(&mut self, number: i64, times: i64) {
        self.add_to(bucket(u64::try_from(number).unwrap_or(0)), times);
    }

    fn add_to(&mut self, bucket: u32, times: i64) {
        match self {
            Self::Sparse(entries) => {
                entries.push((bucket, times));
                if entries.len() > SPARSE {
                    self.compact();
                }
            }
            Self::Dense(counts) => {
                let bucket = bucket as usize;
                if bucket >= counts.len() {
                    counts.resize(bucket + 1, 0);
                }
                counts[bucket] = counts[bucket].wrapping_add(times);
            }
        }
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Self) {
        match other {
            Self::Sparse(entries) => {
                for (bucket, times) in entries {
                    self.add_to(*bucket, *times);
                }
            }
            Self::Dense(_) => {
                for (bucket, times) in other.entries() {
                    self.add_to(bucket, times);
                }
            }
        }
    }

    /// Merges the entries of the same bucket, and counts by bucket if there are still many.
    fn compact(&mut self) {
        let entries = self.entries();
        if entries.len() * 2 <= SPARSE {
            *self = Self::Sparse(entries);
            return;
        }
        let mut counts = vec![0; entries.last().map_or(0, |(bucket, _)| *bucket as usize + 1)];
        for (bucket, times) in entries {
            counts[bucket as usize] = times;
        }
        *self = Self::Dense(counts);
    }

    /// The buckets with their counts, which are not 0, sorted.
    fn entries(&self) -> Vec<(u32, i64)> {
        let mut entries: Vec<_> = match self {
            Self::Sparse(entries) => {
                let mut entries = entries.clone();
                entries.sort_unstable_by_key(|(bucket, _)| *bucket);
                entries.dedup_by(|later, kept| {
                    let is_same = later.0 == kept.0;
                    if is_same {
                        kept.1 = kept.1.wrapping_add(later.1);
                    }
                    is_same
                });
                entries
            }
            Self::Dense(counts) => (0..).zip(counts.iter().copied()).collect(),
        };
        entries.retain(|(_, times)| *times != 0);
        entries
    }

    /// How many numbers it has, and those at these quantiles: of p among n numbers, the one that is the
    /// ⌈p·n⌉-th in order (the nearest rank). `None` without numbers. The quantiles are in ascending order.
    pub fn quantiles<const N: usize>(&self, quantiles: [f64; N]) -> Option<(i64, [i64; N])> {
        let mut entries = self.entries();
        entries.retain(|(_, times)| *times > 0);
        let count: i64 = entries.iter().map(|(_, times)| times).sum();
        let mut found = [0; N];
        let mut passed = 0;
        let mut rest = entries.iter();
        let mut current = rest.next()?;
        for (quantile, value) in quantiles.iter().zip(&mut found) {
            #[expect(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                reason = "a rank among at most 2^53 numbers"
            )]
            let rank = ((quantile * count as f64).ceil() as i64).clamp(1, count);
            while passed + current.1 < rank {
                passed += current.1;
                current = rest.next()?;
            }
            *value = i64::try_from(middle(current.0)).unwrap_or(i64::MAX);
        }
        Some((count, found))
    }

    /// The numbers that it has, each to within half a percent, and how many times.
    pub fn numbers(&self) -> impl Iterator<Item = (u64, u64)> {
        let entries = self.entries().into_iter();
        entries.filter_map(|(bucket, times)| Some((middle(bucket), u64::try_from(times).ok()?)))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }

    /// Appends its form in a database.
    pub(crate) fn encode(&self, bytes: &mut Vec<u8>) {
        let entries = self.entries();
        varint::push(bytes, entries.len() as u64);
        let mut last = 0;
        for (bucket, times) in entries {
            varint::push(bytes, u64::from(bucket - last));
            varint::push_signed(bytes, times);
            last = bucket;
        }
    }

    /// Takes a sketch off the start of the bytes and adds it to this one; `None` if there is none.
    pub(crate) fn merge_encoded(&mut self, bytes: &mut &[u8]) -> Option<()> {
        let entries = varint::take(bytes)?;
        let mut bucket = 0_u32;
        for _ in 0..entries {
            let step = u32::try_from(varint::take(bytes)?).ok()?;
            bucket = bucket.checked_add(step).filter(|bucket| *bucket < 8_000)?;
            self.add_to(bucket, varint::take_signed(bytes)?);
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The exact quantile by nearest rank.
    fn exact(sorted: &[i64], quantile: f64) -> i64 {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "few numbers"
        )]
        let rank = (quantile * sorted.len() as f64).ceil() as usize;
        sorted[rank.max(1) - 1]
    }

    fn is_close(found: i64, exact: i64) -> bool {
        found.abs_diff(exact) * 200 <= exact.unsigned_abs()
    }

    #[test]
    fn each_bucket_has_its_middle_and_the_next_begins_where_it_ends() {
        for number in (0..5_000).chain((12..63).flat_map(|n| [(1 << n) - 1, 1 << n, (1 << n) + 1]))
        {
            assert!(bucket(number + 1) - bucket(number) <= 1, "{number}");
            assert_eq!(bucket(middle(bucket(number))), bucket(number), "{number}");
        }
        assert_eq!(bucket(middle(bucket(u64::MAX))), bucket(u64::MAX));
    }

    proptest! {
        #[test]
        fn quantiles_are_within_half_a_percent(
            scale in 0_u32..40,
            numbers in prop::collection::vec(0_i64..1_000_000, 1..2_000),
            split in 0_usize..2_000,
        ) {
            let mut numbers: Vec<_> = numbers.iter().map(|number| number << scale >> 10).collect();
            let split = split.min(numbers.len());
            let (mut one, mut other) = (Sketch::default(), Sketch::default());
            for number in &numbers[..split] {
                one.add(*number, 1);
            }
            for number in &numbers[split..] {
                other.add(*number, 1);
            }
            one.merge(&other);
            numbers.sort_unstable();
            let wanted = [0.5, 0.9, 0.95, 0.99, 1.0];
            let (count, found) = one.quantiles(wanted).unwrap();
            prop_assert_eq!(count, i64::try_from(numbers.len()).unwrap());
            for (quantile, found) in wanted.iter().zip(found) {
                let exact = exact(&numbers, *quantile);
                prop_assert!(is_close(found, exact), "{quantile}: {found} for {exact}");
            }
        }

        #[test]
        fn what_is_taken_away_was_never_there(
            kept in prop::collection::vec(-10_i64..i64::MAX, 0..700),
            removed in prop::collection::vec(0_i64..100_000, 0..700),
        ) {
            let (mut sketch, mut expected) = (Sketch::default(), Sketch::default());
            for number in &removed {
                sketch.add(*number, -1);
            }
            for number in &kept {
                sketch.add(*number, 1);
                expected.add(*number, 1);
            }
            for number in &removed {
                sketch.add(*number, 1);
            }
            prop_assert_eq!(&sketch, &expected);
            let mut bytes = Vec::new();
            sketch.encode(&mut bytes);
            let mut read = Sketch::default();
            prop_assert!(read.merge_encoded(&mut bytes.as_slice()).is_some());
            prop_assert_eq!(read, expected);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            _ = Sketch::default().merge_encoded(&mut bytes.as_slice());
        }
    }
}
