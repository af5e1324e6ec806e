//! When jobs are created: more by day than by night, fewer at the weekend, and a batch of
//! scheduled ones in the small hours.

use super::dates::HOUR;

/// How busy each hour of a working day is, in UTC.
const BUSY: [u64; 24] = [
    26, 30, 78, 60, 34, 38, 50, 70, 92, 100, 98, 94, //
    84, 92, 98, 96, 88, 76, 60, 50, 44, 38, 32, 28,
];

/// How busy an hour is, given in hours since 1970.
fn busy(hour: i64) -> u64 {
    // 1970 began on a Thursday.
    let weekday = (hour.div_euclid(24) + 3).rem_euclid(7);
    let of_day = usize::try_from(hour.rem_euclid(24)).unwrap_or_default();
    if weekday < 5 { BUSY[of_day] } else { BUSY[of_day] / 4 + 16 }
}

/// A span of time whose milliseconds weigh as much as their hours are busy. It is walked from
/// its beginning to its end.
pub struct Rhythm {
    /// The beginning of what is not walked yet of the present hour, in milliseconds since 1970.
    from: i64,
    end: i64,
    total: u64,
    /// The weight of all before `from`.
    walked: u64,
}

impl Rhythm {
    /// The span between two moments in milliseconds since 1970.
    pub fn new(from: i64, end: i64) -> Self {
        let mut rhythm = Self { from, end: end.max(from + 1), total: u64::MAX, walked: 0 };
        let mut total = 0;
        while rhythm.from < rhythm.end {
            total += rhythm.weight();
            rhythm.from = rhythm.hour_end();
        }
        Self { from, total, ..rhythm }
    }

    /// The moment, in milliseconds since 1970, before which `part` of `whole` parts of the
    /// span's weight lie. `part` is less than `whole` and never less than the time before.
    pub fn at(&mut self, part: u64, whole: u64) -> i64 {
        let target = u128::from(self.total) * u128::from(part) / u128::from(whole.max(1));
        let target = u64::try_from(target).unwrap_or(self.total);
        while self.walked + self.weight() <= target && self.hour_end() < self.end {
            self.walked += self.weight();
            self.from = self.hour_end();
        }
        let into = target.saturating_sub(self.walked) / busy(self.from.div_euclid(HOUR));
        self.from.saturating_add_unsigned(into).min(self.end)
    }

    /// Where the present hour ends, or the span.
    fn hour_end(&self) -> i64 {
        ((self.from.div_euclid(HOUR) + 1) * HOUR).min(self.end)
    }

    /// The weight of what is left of the present hour.
    fn weight(&self) -> u64 {
        busy(self.from.div_euclid(HOUR)) * self.hour_end().abs_diff(self.from)
    }
}

#[cfg(test)]
mod tests {
    use super::super::dates::DAY;
    use super::*;

    #[test]
    fn fills_the_span_in_order_and_by_day() {
        // 2026-03-02, a Monday, some way into an hour.
        let from = 1_772_409_600_000 + 1_234_567;
        let mut rhythm = Rhythm::new(from, from + 7 * DAY);
        let dates: Vec<_> = (0..7_000).map(|part| rhythm.at(part, 7_000)).collect();
        assert!(dates.is_sorted());
        assert!(dates[0] >= from && dates[6_999] < from + 7 * DAY);
        assert!(dates[6_999] > from + 7 * DAY - HOUR);
        let count = |hours: std::ops::Range<i64>, day: i64| {
            let midnight = from - 1_234_567 + day * DAY;
            let within = |date: &&i64| hours.contains(&((**date - midnight).div_euclid(HOUR)));
            dates.iter().filter(within).count()
        };
        assert!(count(9..11, 1) > 2 * count(22..24, 1));
        assert!(count(0..24, 2) > 2 * count(0..24, 5));
    }
}
