//! The rules that every history keeps, over several seeds.

mod rules;

use std::collections::{HashMap, HashSet};

use entity::{JobState, Long, ProcessingState, Timestamp};
use proptest::prelude::*;

use super::dates::{DAY, millis, moment};
use super::plan::Ending;
use super::random::Draw;
use super::*;

/// 2026-06-10, a Wednesday, in the afternoon.
const NOW: i64 = 1_781_100_123_456;

fn history(seed: u64, jobs: u32, days: u32) -> History {
    History::new(Shape { seed, jobs, days, ..Shape::default() }, moment(NOW))
}

#[test]
fn the_demo_has_everything() {
    for seed in [Shape::default().seed, 2, 3] {
        has_everything(seed);
    }
}

fn has_everything(seed: u64) {
    let mut states: HashMap<JobState, u32> = HashMap::new();
    let mut processing: HashMap<Option<ProcessingState>, u32> = HashMap::new();
    let (mut retried, mut stale, mut ahead, mut large, mut late, mut lines) = (0, 0, 0, 0, 0, 0);
    let history = History::new(Shape { seed, ..Shape::default() }, moment(NOW));
    assert_eq!((history.configurations().len(), history.agents().len()), (40, 12));
    for (job, runs) in history {
        rules::check(&job, &runs, moment(NOW));
        *states.entry(job.state).or_default() += 1;
        retried += u32::from(runs.len() > 1);
        ahead += u32::from(job.scheduled_date > Some(moment(NOW)));
        for run in &runs {
            *processing.entry(run.processing_state).or_default() += 1;
            let report = run.agent_report_date.or(run.update_date);
            let is_silent = report.is_some_and(|report| NOW - millis(report) > 60_000);
            stale += u32::from(run.agent_state.is_active() && is_silent);
            large += u32::from(run.agent_clues_count > Some(Long(1 << 31)));
            late += u32::from(
                run.agent_state == JobState::Completed
                    && run.processing_state == Some(ProcessingState::Executing),
            );
            let message = run.agent_result_message.as_deref().unwrap_or_default();
            lines += u32::from(message.contains('\n'));
        }
    }
    let between = |state, low, high| {
        let count = states[&state];
        assert!((low..=high).contains(&count), "{state:?}: {count}");
    };
    between(JobState::Completed, 16_400, 18_000);
    between(JobState::Failed, 1_000, 1_900);
    between(JobState::Cancelled, 450, 750);
    between(JobState::Queued, 250, 550);
    between(JobState::Executing, 40, 40);
    between(JobState::ExecutionCompleted, 3, 9);
    between(JobState::Submitting, 3, 9);
    between(JobState::Cancelling, 3, 9);
    between(JobState::Unknown, 3, 9);
    for state in ProcessingState::ALL {
        assert!(processing.contains_key(&Some(*state)), "{state:?}");
    }
    assert!((600..1_000).contains(&retried) && (1..10).contains(&stale));
    assert!((100..300).contains(&ahead) && (1..60).contains(&large));
    assert!(late > 0 && lines > 50);
}

#[test]
fn is_the_same_for_the_same_seed_and_now() {
    assert!(history(5, 2_000, 3).eq(history(5, 2_000, 3)));
    let configurations = |seed| history(seed, 0, 3).configurations().to_vec();
    assert_eq!(configurations(5), configurations(5));
    assert_ne!(configurations(5), configurations(6));
}

#[test]
fn ids_are_the_same_whatever_now_is() {
    let ids = |now| {
        let shape = Shape { jobs: 3_000, ..Shape::default() };
        let history = History::new(shape, moment(now));
        let mut ids: Vec<_> = history.configurations().iter().map(|model| model.id).collect();
        ids.extend(history.agents().iter().map(|model| model.id));
        for (job, runs) in history {
            ids.push(job.id);
            ids.extend(runs.iter().map(|run| run.id));
        }
        ids
    };
    let first = ids(NOW);
    assert!(first == ids(NOW + 17 * DAY + 12_345_678));
    assert!(first.iter().all(|id| id.get_version_num() == 7));
    assert_eq!(first.iter().collect::<HashSet<_>>().len(), first.len());
}

#[test]
fn jobs_come_oldest_first_and_are_over_after_some_days() {
    for (seed, jobs, days) in [(1, 5_000, 30), (2, 5_000, 1), (3, 3_000, 300)] {
        let all: Vec<_> = history(seed, jobs, days).map(|(job, _)| job).collect();
        assert_eq!(all.len(), jobs as usize);
        assert!(all.is_sorted_by_key(|job| (job.created_date, job.id)));
        let oldest = millis(all[0].created_date);
        assert!((0..DAY * 4).contains(&(oldest - (NOW - i64::from(days) * DAY))));
        for job in all.iter().filter(|job| !job.state.is_terminal()) {
            assert!(NOW - millis(job.created_date) < 5 * DAY, "{job:?}");
        }
    }
}

#[test]
fn names_stay_distinct_however_many_configurations() {
    let shape = Shape { configurations: 500, agents: 100, jobs: 10, ..Shape::default() };
    let history = History::new(shape, moment(NOW));
    let names: HashSet<_> = history.configurations().iter().map(|model| &model.name).collect();
    assert_eq!(names.len(), 500);
    let names: HashSet<_> = history.agents().iter().map(|model| &model.name).collect();
    assert_eq!(names.len(), 100);
}

/// A plan for a run that begins now, with room for a run of any length.
fn plan(seed: u64, ending: Ending) -> RunPlan {
    use rand::SeedableRng;
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let provider = &PROVIDERS[rng.pick(&[0, 1, 3, 12])];
    let task = Task::draw(provider, &mut rng);
    let draft = Draft::draw(&task, ending, &mut rng);
    let [id, job_id, agent_id] = ids::runs(7, &mut rng);
    let who = Who { id, job_id, agent_id, agent_key: "key".into() };
    draft.plan(who, &task, NOW, &mut rng)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn every_history_keeps_the_rules(
        seed: u64,
        jobs in 0u32..400,
        days in 0u32..40,
        micros in 0..7 * DAY * 1_000,
    ) {
        let now = Timestamp::from_micros(NOW * 1_000 + micros).unwrap();
        let shape = Shape { seed, jobs, days, configurations: 5, agents: 1 };
        for (job, runs) in History::new(shape, now) {
            rules::check(&job, &runs, now);
        }
    }

    #[test]
    fn a_run_keeps_the_rules_from_its_beginning_to_its_end(
        seed: u64,
        ending in prop::sample::select(vec![Ending::Completed, Ending::Cancelled, Ending::Failed]),
    ) {
        let plan = plan(seed, ending);
        let (from, end) = (plan.queued - 10, plan.end() + 10);
        let mut before = plan.at(moment(from));
        for step in 0..=300 {
            let at = moment(from + (end - from) * step / 300);
            let run = plan.at(at);
            rules::check_run(&run, at);
            rules::check_progress(&before, &run);
            before = run;
        }
        prop_assert_eq!(before.agent_state, ending.state());
        prop_assert!(before.processing_state.is_none() || before.processing_end_time.is_some());
        prop_assert_eq!(plan.at_part(1.0).agent_state, ending.state());
        for state in JobState::ALL.iter().filter(|_| ending == Ending::Completed) {
            let has_it = |part| plan.at_part(f64::from(part) / 1_000.0).agent_state == *state;
            let passes = *state != JobState::Cancelling && state.is_active();
            prop_assert_eq!((0..1_000).any(has_it), passes, "{:?}", state);
        }
    }
}

#[test]
fn a_large_history_has_distinct_ids() {
    let mut ids = HashSet::new();
    let mut count = 0;
    for (job, runs) in history(9, 50_000, 30) {
        count += 1 + runs.len();
        ids.insert(job.id);
        ids.extend(runs.iter().map(|run| run.id));
    }
    assert_eq!(ids.len(), count);
}
