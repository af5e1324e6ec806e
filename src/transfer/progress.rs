//! Showing how far an import is: a bar at a terminal, a line now and then elsewhere.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};

use super::input::Progress;
use crate::output;

const LINE_EVERY: Duration = Duration::from_secs(5);

/// Measures the import of one file.
pub struct Meter {
    name: String,
    file: Progress,
    started: Instant,
    rows: AtomicU64,
    bar: Option<ProgressBar>,
    /// Seconds after the start at which the next line is due.
    next_line: Arc<AtomicU64>,
}

impl Meter {
    pub fn start(name: &str, file: Progress) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = match file.bytes_total {
                Some(total) => ProgressBar::new(total).with_style(
                    ProgressStyle::with_template(
                        "{prefix} {wide_bar} {percent:>3} %  {msg}  {eta} left",
                    )
                    .expect("the template is right"),
                ),
                None => ProgressBar::new_spinner().with_style(
                    ProgressStyle::with_template("{prefix} {spinner} {msg}  {elapsed}")
                        .expect("the template is right"),
                ),
            };
            bar.set_prefix(name.to_owned());
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self {
            name: name.to_owned(),
            file,
            started: Instant::now(),
            rows: AtomicU64::new(0),
            bar,
            next_line: Arc::new(AtomicU64::new(LINE_EVERY.as_secs())),
        }
    }

    /// Counts rows that were committed.
    pub fn add(&self, rows: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
        if let Some(bar) = &self.bar {
            bar.set_position(self.file.bytes_read.load(Ordering::Relaxed));
            bar.set_message(self.rows_and_rate());
        } else if self.started.elapsed().as_secs() >= self.next_line.load(Ordering::Relaxed) {
            let next = self.started.elapsed() + LINE_EVERY;
            self.next_line.store(next.as_secs(), Ordering::Relaxed);
            output::note(format_args!(
                "{}: {}{}",
                self.name,
                self.rows_and_rate(),
                self.time_left()
            ));
        }
    }

    /// Says what the file came to, and how many rows that is.
    pub fn finish(&self) -> u64 {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        output::note(format_args!("{}: {}", self.name, self.rows_and_rate()));
        self.rows.load(Ordering::Relaxed)
    }

    fn rows_and_rate(&self) -> String {
        let rows = self.rows.load(Ordering::Relaxed);
        let milliseconds = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let rate = rows.saturating_mul(1000) / milliseconds.max(1);
        format!("{} rows, {}/s", HumanCount(rows), HumanCount(rate))
    }

    fn time_left(&self) -> String {
        let read = self.file.bytes_read.load(Ordering::Relaxed);
        match self.file.bytes_total {
            Some(total) if read > 0 => {
                let milliseconds = self.started.elapsed().as_millis()
                    * u128::from(total - read.min(total))
                    / u128::from(read);
                let left = Duration::from_millis(u64::try_from(milliseconds).unwrap_or(u64::MAX));
                format!(", {} left", HumanDuration(left))
            }
            _ => String::new(),
        }
    }
}
