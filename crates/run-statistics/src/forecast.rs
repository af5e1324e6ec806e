//! When a run will end, from how long runs like it took.
//!
//! Logarithms of durations are taken for normally distributed around a level that drifts. The level is a mean
//! in which recent runs weigh more. How far it was off is known from predicting each run of the history by
//! those before it: the errors' mean corrects for a steady drift, and their spread is the forecast's.
//!
//! What is known of the run itself narrows that down: it has taken so long already, and its tasks tell a pace,
//! which is the surer the more of them are done.

use libm::erfc;

/// The fewest runs that a forecast is made from.
pub const MIN_SAMPLES: usize = 5;

/// The most, the newest ones.
pub const MAX_SAMPLES: usize = 50;

/// How much less a run weighs than the next one.
const DECAY: f64 = 0.85;

/// How much less the error of a prediction weighs than the next one.
const ERROR_DECAY: f64 = 0.94;

/// The first run whose prediction is judged has this many before it.
const WARM_UP: usize = 3;

/// How many errors of no size the errors' mean and spread are mixed with: that durations are stable is more
/// likely than what a few runs seem to tell.
const PRIOR: f64 = 1.0;

/// The least spread, in logarithms: no source takes exactly as long each time.
const MIN_SPREAD: f64 = 0.02;

/// The spread of what a pace tells, where a part f of the tasks is done: this times -ln(f).
const PACE_SPREAD: f64 = 0.3;

/// Before this part of the tasks is done, they tell nothing.
const MIN_PART: f64 = 0.02;

/// Runs beyond this many spreads are overdue: about one of 100.
const OVERDUE: f64 = 2.4;

/// How far a run was when it last reported.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// How long it had taken by then, in milliseconds.
    pub elapsed: f64,
    /// The part of its tasks that was done, from 0 to 1.
    pub part: f64,
}

/// How long a run takes in all, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    /// One of ten runs takes less.
    pub earliest: f64,
    /// Half of the runs take less.
    pub likely: f64,
    /// One of ten runs takes more.
    pub latest: f64,
}

/// How long a run is expected to take: the logarithm of its milliseconds is normally distributed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    pub mean: f64,
    pub spread: f64,
    /// From how many runs this was estimated.
    pub samples: usize,
}

impl Estimate {
    /// Estimates the next run's duration from those of completed runs like it, in milliseconds, the oldest
    /// first. `None` if they are too few.
    pub fn of(durations: &[i64]) -> Option<Self> {
        let newest = &durations[durations.len().saturating_sub(MAX_SAMPLES)..];
        if newest.len() < MIN_SAMPLES {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "a forecast needs no 53 bits")]
        let logarithms = newest.iter().map(|duration| ((*duration).max(1) as f64).ln());
        // The weighted sum of the runs so far, and that of their weights.
        let (mut sum, mut weight) = (0.0, 0.0);
        // The same of the errors' weights, their squares, the errors and the errors' squares.
        let (mut total, mut total_squares, mut errors, mut squares) = (0.0_f64, 0.0, 0.0, 0.0);
        for (place, logarithm) in logarithms.enumerate() {
            if place >= WARM_UP {
                let error = logarithm - sum / weight;
                total = total * ERROR_DECAY + 1.0;
                total_squares = total_squares * ERROR_DECAY * ERROR_DECAY + 1.0;
                errors = errors * ERROR_DECAY + error;
                squares = squares * ERROR_DECAY + error * error;
            }
            sum = sum * DECAY + logarithm;
            weight = weight * DECAY + 1.0;
        }
        let bias = errors / (total + PRIOR);
        let around_bias = squares - bias * (2.0 * errors - total * bias);
        let variance = around_bias.max(0.0) / (total - total_squares / total).max(0.5);
        // Few errors tell the spread less surely (Student's distribution).
        let known = total * total / total_squares;
        let spread = (variance * (1.0 + 1.0 / known)).sqrt() * (1.0 + 0.8 / known);
        Some(Self {
            mean: sum / weight + bias,
            spread: spread.max(MIN_SPREAD),
            samples: newest.len(),
        })
    }

    /// A forecast for a run that has taken `elapsed` milliseconds, with its progress if that is known.
    pub fn forecast(self, elapsed: f64, progress: Option<Progress>) -> Forecast {
        let mut estimate = self;
        if let Some(Progress { elapsed, part }) =
            progress.filter(|progress| (MIN_PART..=1.0).contains(&progress.part))
        {
            // Two independent estimates of the same, weighed by their precision.
            let pace = elapsed.max(1.0).ln() - part.ln();
            let of_pace = (PACE_SPREAD * -part.ln()).max(MIN_SPREAD / 4.0).powi(-2);
            let own = self.spread.powi(-2);
            estimate.mean = (self.mean * own + pace * of_pace) / (own + of_pace);
            estimate.spread = (own + of_pace).powf(-0.5);
        }
        let least = elapsed.max(1.0).ln();
        let at = |part| estimate.quantile_above(least, part).exp();
        Forecast { earliest: at(0.1), likely: at(0.5), latest: at(0.9) }
    }

    /// How many milliseconds a run may take before it is overdue: about one of 100 takes longer.
    pub fn overdue_after(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "at most 50")]
        let caution = 1.0 + 2.0 / self.samples.max(1) as f64;
        (self.mean + OVERDUE * caution * self.spread).exp()
    }

    /// The value below which this part lies of what is above `least`.
    fn quantile_above(self, least: f64, part: f64) -> f64 {
        let tail = |z: f64| erfc(z / std::f64::consts::SQRT_2) / 2.0;
        // Far below the mean the condition says nothing.
        let from = ((least - self.mean) / self.spread).max(-8.0);
        // So far above it the tail is that of an exponential distribution.
        if from > 30.0 {
            return least - (1.0 - part).ln() / from * self.spread;
        }
        let wanted = tail(from) * (1.0 - part);
        let (mut low, mut high) = (from, from.max(0.0) + 9.0);
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if tail(middle) > wanted {
                low = middle;
            } else {
                high = middle;
            }
        }
        (self.mean + low * self.spread).max(least)
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn forecast(history: &[i64], elapsed: f64, progress: Option<Progress>) -> Forecast {
        Estimate::of(history).unwrap().forecast(elapsed, progress)
    }

    /// A source whose runs take longer or shorter over time.
    struct Source {
        rng: ChaCha8Rng,
        logarithm: f64,
        /// How much it grows with each run.
        drift: f64,
        /// How much it wanders.
        wander: f64,
        spread: f64,
    }

    impl Source {
        fn new(number: u64) -> Self {
            let mut rng = ChaCha8Rng::seed_from_u64(number);
            Self {
                logarithm: rng.random_range(10.0..16.0),
                drift: rng.random_range(-0.01..0.02),
                wander: rng.random_range(0.0..0.03),
                spread: rng.random_range(0.05..0.25),
                rng,
            }
        }

        fn normal(&mut self) -> f64 {
            let [one, other] = [0, 1].map(|_| self.rng.random_range(1e-12..1.0_f64));
            (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * other).cos()
        }

        /// The duration of the next run.
        #[expect(clippy::cast_possible_truncation, reason = "it is below 2^53")]
        fn next(&mut self) -> i64 {
            let step = self.normal();
            self.logarithm += self.drift + self.wander * step;
            let own = self.normal();
            (self.logarithm + self.spread * own).exp() as i64
        }

        /// The part of the tasks that is done when this part of the time has passed.
        fn done(&mut self, part: f64) -> f64 {
            let bend = (0.25 * self.normal()).exp();
            part.powf(bend)
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "few")]
    fn share(count: usize, of: usize) -> f64 {
        count as f64 / of as f64
    }

    #[test]
    #[expect(clippy::cast_precision_loss, reason = "durations are below 2^53")]
    fn eight_of_ten_runs_end_within_the_interval() {
        for with_tasks in [false, true] {
            for part in [0.0, 0.25, 0.5, 0.75] {
                let (mut held, mut all) = (0, 0);
                for number in 0..300 {
                    let mut source = Source::new(number);
                    let mut history = Vec::new();
                    for n in 0..80 {
                        let duration = source.next();
                        if n >= 8 {
                            let elapsed = duration as f64 * part;
                            let progress = (with_tasks && part > 0.0)
                                .then(|| Progress { elapsed, part: source.done(part) });
                            let forecast = forecast(&history, elapsed, progress);
                            all += 1;
                            let within = forecast.earliest..=forecast.latest;
                            held += usize::from(within.contains(&(duration as f64)));
                        }
                        history.push(duration);
                    }
                }
                let held = share(held, all);
                println!("{part} of the way, with tasks: {with_tasks}: {:.1} %", held * 100.0);
                assert!((0.75..=0.88).contains(&held), "{part} {with_tasks}: {held}");
            }
        }
    }

    #[test]
    #[expect(clippy::cast_precision_loss, reason = "durations are below 2^53")]
    fn slowed_runs_are_overdue_and_few_others() {
        let (mut found, mut false_alarms, mut all) = (0, 0, 0);
        for number in 1_000..1_300 {
            let mut source = Source::new(number);
            let mut history = Vec::new();
            for n in 0..80 {
                let duration = source.next() as f64;
                if n >= 10 {
                    let limit = Estimate::of(&history).unwrap().overdue_after();
                    all += 1;
                    false_alarms += usize::from(duration > limit);
                    found += usize::from(duration * 3.0 > limit);
                }
                #[expect(clippy::cast_possible_truncation, reason = "it is whole")]
                history.push(duration as i64);
            }
        }
        let (found, false_alarms) = (share(found, all), share(false_alarms, all));
        println!("overdue: {:.1} %, false alarms: {:.2} %", found * 100.0, false_alarms * 100.0);
        assert!(found >= 0.95, "{found}");
        assert!(false_alarms < 0.02, "{false_alarms}");
    }

    #[test]
    fn few_runs_tell_nothing() {
        assert_eq!(Estimate::of(&[1_000; 4]), None);
        assert_eq!(Estimate::of(&[1_000; 5]).unwrap().samples, 5);
        let five = forecast(&[1_000; 5], 0.0, None);
        assert!(five.earliest < 1_000.0 && five.latest > 1_000.0, "{five:?}");
        assert_eq!(Estimate::of(&[1_000; 90]).unwrap().samples, MAX_SAMPLES);
    }

    #[test]
    fn a_run_ends_after_the_present_whatever_its_history() {
        let histories: [&[i64]; 4] = [
            &[1; 50],
            &[0, -5, i64::MAX, 1, i64::MIN, 3],
            &[i64::MAX; 6],
            &[1, 1_000_000_000_000, 1, 1_000_000_000_000, 1],
        ];
        for history in histories {
            for elapsed in [0.0, 1.0, 1e6, 1e12, 1e18, f64::MAX] {
                for done in [None, Some(0.0), Some(0.5), Some(1.0), Some(7.0), Some(f64::NAN)] {
                    let progress = done.map(|part| Progress { elapsed, part });
                    let made = forecast(history, elapsed, progress);
                    let Forecast { earliest, likely, latest } = made;
                    assert!(elapsed <= earliest * (1.0 + 1e-9), "{history:?} {elapsed} {made:?}");
                    assert!(earliest <= likely && likely <= latest, "{elapsed} {made:?}");
                }
            }
        }
    }

    #[test]
    fn tasks_that_are_done_make_it_surer() {
        let history: Vec<_> = (0..20).map(|n| 60_000 + n % 5 * 10_000).collect();
        let without = forecast(&history, 60_000.0, None);
        // Half of the tasks are done: it takes twice as long as usual.
        let at = |part| Some(Progress { elapsed: 60_000.0, part });
        let half = forecast(&history, 60_000.0, at(0.5));
        assert!(half.likely > without.likely, "{half:?} {without:?}");
        let nearly = forecast(&history, 60_000.0, at(0.95));
        assert!(nearly.latest < 66_000.0 && nearly.latest < without.latest, "{nearly:?}");
    }
}
