//! What a row of the database holds: a summary for each part of its time and each outcome.

use std::collections::BTreeMap;
use std::iter;

use crate::Sketch;
use crate::varint::{push, push_signed, take, take_signed};

/// A part of a row's time, such as an hour of a day, with an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot {
    pub time: u8,
    pub outcome: u8,
}

/// A summary of what ended. Counts may be negative while changes come out of order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    pub runs: i64,
    pub jobs: i64,
    pub tasks: i64,
    pub clues: i64,
    /// How long runs waited, in milliseconds.
    pub wait: Sketch,
    /// How long they took, in milliseconds.
    pub duration: Sketch,
}

impl Cell {
    /// Adds another. Sums wrap, so that what is added and taken away again leaves no trace.
    pub fn merge(&mut self, other: &Self) {
        self.add_counts([other.runs, other.jobs, other.tasks, other.clues]);
        self.wait.merge(&other.wait);
        self.duration.merge(&other.duration);
    }

    fn add_counts(&mut self, [runs, jobs, tasks, clues]: [i64; 4]) {
        self.runs = self.runs.wrapping_add(runs);
        self.jobs = self.jobs.wrapping_add(jobs);
        self.tasks = self.tasks.wrapping_add(tasks);
        self.clues = self.clues.wrapping_add(clues);
    }

    /// Whether nothing is left in it.
    pub fn is_empty(&self) -> bool {
        [self.runs, self.jobs, self.tasks, self.clues] == [0; 4]
            && self.wait.is_empty()
            && self.duration.is_empty()
    }
}

/// The cells' form in a database, without empty ones.
pub fn encode(cells: &BTreeMap<Slot, Cell>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (slot, cell) in cells.iter().filter(|(_, cell)| !cell.is_empty()) {
        bytes.extend([slot.time, slot.outcome]);
        for count in [cell.runs, cell.jobs, cell.tasks, cell.clues] {
            push_signed(&mut bytes, count);
        }
        for sketch in [&cell.wait, &cell.duration] {
            let mut encoded = Vec::new();
            sketch.encode(&mut encoded);
            // Its length, so that readers can pass over it.
            push(&mut bytes, encoded.len() as u64);
            bytes.extend(encoded);
        }
    }
    bytes
}

/// A cell as it was encoded.
#[derive(Clone, Copy, Debug)]
pub struct EncodedCell<'a> {
    pub slot: Slot,
    counts: [i64; 4],
    wait: &'a [u8],
    duration: &'a [u8],
}

/// The cells of a row, until one is not as [`encode`] writes them.
pub fn decode(mut bytes: &[u8]) -> impl Iterator<Item = Result<EncodedCell<'_>, Malformed>> {
    iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let cell = take_cell(&mut bytes).ok_or(Malformed);
        if cell.is_err() {
            bytes = &[];
        }
        Some(cell)
    })
}

/// Bytes that are no cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

fn take_cell<'a>(bytes: &mut &'a [u8]) -> Option<EncodedCell<'a>> {
    let (&[time, outcome], rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    let mut counts = [0; 4];
    for count in &mut counts {
        *count = take_signed(bytes)?;
    }
    let mut sketch = || {
        let length = usize::try_from(take(bytes)?).ok()?;
        let (encoded, rest) = bytes.split_at_checked(length)?;
        *bytes = rest;
        Some(encoded)
    };
    let (wait, duration) = (sketch()?, sketch()?);
    Some(EncodedCell { slot: Slot { time, outcome }, counts, wait, duration })
}

impl EncodedCell<'_> {
    /// Adds it to a cell.
    pub fn add_to(mut self, cell: &mut Cell) -> Result<(), Malformed> {
        cell.add_counts(self.counts);
        for (sketch, bytes) in
            [(&mut cell.wait, &mut self.wait), (&mut cell.duration, &mut self.duration)]
        {
            sketch.merge_encoded(bytes).filter(|()| bytes.is_empty()).ok_or(Malformed)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn cells_are_read_as_they_were_written(
            cells in prop::collection::vec(
                (0_u8..31, 0_u8..3, any::<[i64; 4]>(), prop::collection::vec(any::<i64>(), 0..9)),
                0..40,
            ),
        ) {
            let mut expected = BTreeMap::<Slot, Cell>::new();
            for (time, outcome, counts, numbers) in cells {
                let cell = expected.entry(Slot { time, outcome }).or_default();
                cell.add_counts(counts);
                for number in numbers {
                    cell.wait.add(number, 1);
                    cell.duration.add(number.wrapping_mul(3), -1);
                }
            }
            expected.retain(|_, cell| !cell.is_empty());
            let bytes = encode(&expected);
            let cells = merged(&bytes, |_| true).unwrap();
            prop_assert_eq!(&cells, &expected);
            // Once more without those of an outcome.
            expected.retain(|slot, _| slot.outcome != 1);
            prop_assert_eq!(merged(&bytes, |slot| slot.outcome != 1).unwrap(), expected);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            _ = merged(&bytes, |_| true);
        }
    }

    fn merged(
        bytes: &[u8],
        is_wanted: impl Fn(Slot) -> bool,
    ) -> Result<BTreeMap<Slot, Cell>, Malformed> {
        let mut cells = BTreeMap::<Slot, Cell>::new();
        for cell in decode(bytes) {
            let cell = cell?;
            if is_wanted(cell.slot) {
                cell.add_to(cells.entry(cell.slot).or_default())?;
            }
        }
        Ok(cells)
    }
}
