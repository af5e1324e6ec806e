//! The executing jobs as lines of text.

use console::{pad_str, truncate_str};
use indicatif::HumanCount;

use super::executing_jobs::{Change, ExecutingJobs, Job, Run};

/// The widths of a line's parts, with the space before each; 0 for what does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layout {
    name: usize,
    bar: usize,
    percent: usize,
    tasks: usize,
    rate: usize,
    left: usize,
}

impl Layout {
    /// The less room there is, the less is shown.
    fn of(width: usize) -> Self {
        let from = |least: usize, taken: usize| if width >= least { taken } else { 0 };
        let (percent, left) = (from(24, 8), from(48, 14));
        let (tasks, rate) = (from(80, 22), from(100, 13));
        let rest = width - percent - left - tasks - rate;
        let bar = if rest >= 30 { (rest / 2).min(42) } else { 0 };
        Self { name: (rest - bar).min(60), bar, percent, tasks, rate, left }
    }
}

/// The whole screen: a title, as many jobs as fit and how many do not, and the last removed jobs. No line
/// is wider than `width`, and there are no more than `height`.
pub fn lines(
    executing: &ExecutingJobs,
    status: &str,
    (height, width): (usize, usize),
) -> Vec<String> {
    let jobs = executing.jobs();
    let title = match jobs.len() {
        0 => format!("no job executes · {status}"),
        1 => format!("1 job executes · {status}"),
        n => format!("{} jobs execute · {status}", HumanCount(n as u64)),
    };
    let removed_jobs: Vec<_> =
        executing.recently_removed().map(|(name, state)| removed(name, state)).collect();
    let footer = if height >= 12 { removed_jobs.as_slice() } else { &[] };
    let room = height.saturating_sub(1 + footer.len());
    // The line that says how many more there are takes the place of one.
    let shown = if jobs.len() > room { room.saturating_sub(1) } else { jobs.len() };
    let layout = Layout::of(width);
    let mut lines = vec![title];
    lines.extend(jobs[..shown].iter().map(|job| line(job, layout)));
    if shown < jobs.len() {
        lines.push(format!("and {} more", HumanCount((jobs.len() - shown) as u64)));
    }
    lines.extend_from_slice(footer);
    lines.truncate(height);
    lines.iter().map(|line| truncate_str(line, width, "…").into_owned()).collect()
}

fn line(job: &Job, layout: Layout) -> String {
    let run = job.current_run.clone().unwrap_or_default();
    let mark = if job.errors.is_empty() { "" } else { "! " };
    let mut line = cell(&format!("{mark}{}", job.label()), layout.name, false);
    if layout.bar > 1 {
        line.push(' ');
        line.push_str(&bar(run.percent_completed, layout.bar - 1));
    }
    for (text, width) in [
        (percent(&run), layout.percent),
        (tasks(job), layout.tasks),
        (rate(&run), layout.rate),
        (time_left(&run).map(with_left), layout.left),
    ] {
        if width > 0 {
            line.push_str(&cell(&text.unwrap_or_default(), width, true));
        }
    }
    line
}

/// A text in a column of this width.
fn cell(text: &str, width: usize, is_right: bool) -> String {
    let alignment = if is_right { console::Alignment::Right } else { console::Alignment::Left };
    let text = truncate_str(text, width.saturating_sub(usize::from(is_right)), "…");
    pad_str(&text, width, alignment, None).into_owned()
}

fn bar(percent: Option<f64>, width: usize) -> String {
    let Some(percent) = percent else { return "·".repeat(width) };
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a terminal's width, and a part of it"
    )]
    let full = ((width as f64 * percent / 100.0).round() as usize).min(width);
    "█".repeat(full) + &"░".repeat(width - full)
}

fn percent(run: &Run) -> Option<String> {
    run.percent_completed.map(|percent| format!("{percent:.1} %"))
}

/// With a `!` in place of a number that cannot be shown.
fn tasks(job: &Job) -> Option<String> {
    let run = job.current_run.as_ref()?;
    let shown = |n: Option<i64>, field| {
        n.map(count).or_else(|| job.errors.contains_key(field).then(|| "!".to_owned()))
    };
    let done = shown(run.agent_tasks_completed_count, "agentTasksCompletedCount")?;
    let all = shown(run.agent_expected_tasks_count, "agentExpectedTasksCount")
        .or_else(|| shown(run.agent_tasks_count, "agentTasksCount"));
    Some(all.map_or_else(|| done.clone(), |all| format!("{done} of {all}")))
}

fn rate(run: &Run) -> Option<String> {
    let rate = run.tasks_per_minute?;
    if rate < 10.0 {
        return Some(format!("{rate:.1}/min"));
    }
    #[expect(clippy::cast_possible_truncation, reason = "beyond 2^63 tasks a minute it saturates")]
    Some(format!("{}/min", count(rate.round() as i64)))
}

fn count(n: i64) -> String {
    let sign = if n < 0 { "-" } else { "" };
    format!("{sign}{}", HumanCount(n.unsigned_abs()))
}

/// The two largest units.
fn time_left(run: &Run) -> Option<String> {
    let seconds = run.estimated_remaining?.max(0) / 1000;
    Some(match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h {:02}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d {:02}h", count(seconds / 86_400), seconds / 3_600 % 24),
    })
}

fn with_left(time: String) -> String {
    time + " left"
}

fn removed(name: &str, state: Option<&str>) -> String {
    // EXECUTION_COMPLETED is "execution completed".
    let state = state.unwrap_or("GONE").to_lowercase().replace('_', " ");
    format!("{state}: {name}")
}

/// A change as a line of its own.
pub fn sentence(change: &Change) -> String {
    match change {
        Change::Removed { name, state } => removed(name, state.as_deref()),
        Change::Executing(job) => {
            let run = job.current_run.clone().unwrap_or_default();
            let tasks = tasks(job).map(|tasks| format!("{tasks} tasks"));
            let left = time_left(&run).map(with_left);
            let parts = [percent(&run), tasks, rate(&run), left];
            let parts: Vec<_> = parts.into_iter().flatten().collect();
            let mut line = format!("executing: {}", job.label());
            if !parts.is_empty() {
                line.push_str(" — ");
                line.push_str(&parts.join(", "));
            }
            for (field, message) in &job.errors {
                line.push_str(&format!(" (! {field}: {message})"));
            }
            line
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executing_jobs::{RemovedJob, Update};
    use console::measure_text_width;
    use uuid::Uuid;

    fn job(n: u128) -> Job {
        let run = Run {
            percent_completed: Some(61.54),
            agent_tasks_completed_count: Some(12_345),
            agent_expected_tasks_count: Some(20_000),
            tasks_per_minute: Some(1_203.7),
            estimated_remaining: Some(381_000),
            ..Run::default()
        };
        let name = ["HubSpot EU", "日本のコンテンツ管理システムの完全なクロール", "\u{1f600}"]
            [n as usize % 3];
        Job {
            id: Uuid::from_u128(n),
            name: Some(name.to_owned()),
            current_run: Some(run),
            ..Job::default()
        }
    }

    fn executing(jobs: u128) -> ExecutingJobs {
        let mut executing = ExecutingJobs::default();
        let jobs: Vec<_> = (0..=jobs).map(job).collect();
        executing.apply(Update {
            is_snapshot: true,
            jobs,
            removed: Vec::new(),
            errors: Vec::new(),
        });
        let removed = RemovedJob { id: Uuid::nil(), state: "EXECUTION_COMPLETED".to_owned() };
        let removed = vec![removed];
        executing.apply(Update {
            is_snapshot: false,
            jobs: Vec::new(),
            removed,
            errors: Vec::new(),
        });
        executing
    }

    #[test]
    fn fits_any_terminal() {
        for jobs in [0, 1, 5, 1_000] {
            let executing = executing(jobs);
            for height in [1, 2, 3, 10, 24, 200] {
                for columns in [1, 5, 23, 24, 40, 79, 80, 99, 100, 132, 500] {
                    let lines = lines(&executing, "connected to a server", (height, columns));
                    assert!(lines.len() <= height, "{height} {lines:#?}");
                    for line in &lines {
                        assert!(measure_text_width(line) <= columns, "{columns} {line}");
                    }
                }
            }
        }
    }

    #[test]
    fn says_how_many_more_there_are() {
        let shown = lines(&executing(300), "connected", (12, 100));
        assert_eq!(shown.len(), 12);
        assert_eq!(shown[0], "300 jobs execute · connected");
        assert_eq!(shown[10], "and 291 more");
        assert_eq!(shown[11], "execution completed: HubSpot EU");
        let all = lines(&executing(10), "connected", (12, 100));
        assert!(all.iter().all(|line| !line.contains("more")), "{all:#?}");
    }

    #[test]
    fn shows_progress() {
        let line = line(&job(0), Layout::of(120));
        insta::assert_snapshot!(line, @"HubSpot EU                       ██████████████████░░░░░░░░░░░░  61.5 %      12,345 of 20,000    1,204/min   6m 21s left");
        let none = Job::default();
        assert_eq!(sentence(&Change::Executing(none)), format!("executing: {}", Uuid::nil()));
        let sentence = sentence(&Change::Executing(job(0)));
        assert_eq!(
            sentence,
            "executing: HubSpot EU — 61.5 %, 12,345 of 20,000 tasks, 1,204/min, 6m 21s left"
        );
    }

    #[test]
    fn marks_what_cannot_be_shown() {
        let mut bad = job(0);
        let run = bad.current_run.as_mut().unwrap();
        (run.agent_expected_tasks_count, run.estimated_remaining) = (None, None);
        bad.errors.insert("agentExpectedTasksCount".to_owned(), "too large".to_owned());
        insta::assert_snapshot!(line(&bad, Layout::of(120)).trim_end(), @"! HubSpot EU                     ██████████████████░░░░░░░░░░░░  61.5 %           12,345 of !    1,204/min");
        assert_eq!(
            sentence(&Change::Executing(bad)),
            "executing: HubSpot EU — 61.5 %, 12,345 of ! tasks, 1,204/min (! agentExpectedTasksCount: too large)"
        );
    }

    #[test]
    fn time_is_said_in_two_units() {
        for (seconds, said) in
            [(-5, "0s"), (59, "59s"), (61, "1m 01s"), (7_260, "2h 01m"), (90_000_000, "1,041d 16h")]
        {
            let run = Run { estimated_remaining: Some(seconds * 1000), ..Run::default() };
            assert_eq!(time_left(&run).unwrap(), said);
        }
    }
}
