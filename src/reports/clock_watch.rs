//! Notices when this process was paused or the system clock was set.

use std::fmt;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use entity::Timestamp;

/// Compares the time that passed with the time that should have passed.
///
/// On Linux the monotonic clock goes on while a process is stopped, and stands still while the
/// machine is suspended. The first shows as a late observation, the second as a system clock that
/// moved.
#[derive(Debug)]
pub struct ClockWatch {
    /// Smaller differences are ignored.
    tolerance: Duration,
    monotonic: Instant,
    system: Timestamp,
}

/// Why agents may have been unable to report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disturbance {
    /// The observation came this much later than expected.
    Late(Duration),
    /// The system clock moved by this much against the monotonic clock.
    ClockMoved(TimeDelta),
}

impl fmt::Display for Disturbance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Late(by) => {
                write!(f, "this process or its database stood still for {} ms", by.as_millis())
            }
            Self::ClockMoved(by) => write!(
                f,
                "the system clock moved by {} ms: it was set, or the machine was suspended",
                by.num_milliseconds()
            ),
        }
    }
}

impl ClockWatch {
    pub fn new(tolerance: Duration, monotonic: Instant, system: Timestamp) -> Self {
        Self { tolerance, monotonic, system }
    }

    /// Returns what happened since the last observation, which should be `expected` ago at most.
    pub fn observe(
        &mut self,
        expected: Duration,
        monotonic: Instant,
        system: Timestamp,
    ) -> Option<Disturbance> {
        let passed = monotonic.saturating_duration_since(self.monotonic);
        let moved = (system.utc() - self.system.utc())
            - TimeDelta::from_std(passed).unwrap_or(TimeDelta::MAX);
        (self.monotonic, self.system) = (monotonic, system);
        if moved.abs().to_std().unwrap_or(Duration::MAX) > self.tolerance {
            return Some(Disturbance::ClockMoved(moved));
        }
        let late = passed.saturating_sub(expected);
        (late > self.tolerance).then_some(Disturbance::Late(late))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// What is noticed when the clocks advance by these milliseconds, a second being expected and
    /// tolerated.
    fn noticed(monotonic: u64, system: i64) -> Option<Disturbance> {
        let start = Instant::now();
        let at = |ms: i64| Timestamp::from_micros((1_780_000_000_000 + ms) * 1_000).unwrap();
        let mut watch = ClockWatch::new(SECOND, start, at(0));
        let later = start + Duration::from_millis(monotonic);
        let found = watch.observe(SECOND, later, at(system));
        // It is noticed once.
        assert_eq!(watch.observe(SECOND, later + SECOND, at(system + 1_000)), None);
        found
    }

    #[test]
    fn small_differences_are_ignored() {
        assert_eq!(noticed(1_000, 1_000), None);
        assert_eq!(noticed(2_000, 2_000), None);
        assert_eq!(noticed(1_000, 2_000), None);
        assert_eq!(noticed(1_000, 0), None);
        assert_eq!(noticed(0, 0), None);
    }

    #[test]
    fn a_stopped_process_is_late() {
        assert_eq!(noticed(9_000, 9_000), Some(Disturbance::Late(8 * SECOND)));
    }

    #[test]
    fn a_suspended_machine_moves_the_system_clock() {
        let moved = TimeDelta::seconds(9);
        assert_eq!(noticed(1_000, 10_000), Some(Disturbance::ClockMoved(moved)));
    }

    #[test]
    fn a_clock_that_is_set_moves_in_either_direction() {
        let hours = TimeDelta::hours(3);
        let ms = hours.num_milliseconds();
        assert_eq!(noticed(1_000, 1_000 + ms), Some(Disturbance::ClockMoved(hours)));
        assert_eq!(noticed(1_000, 1_000 - ms), Some(Disturbance::ClockMoved(-hours)));
    }
}
