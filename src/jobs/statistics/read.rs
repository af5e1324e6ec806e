//! Reading statistics: adding up the rows and events of some configurations within some time.

use std::collections::HashMap;
use std::sync::Arc;

use entity::Timestamp;
use run_statistics::{Cell, Slot, decode};
use sea_orm::{ConnectionTrait, DbErr};
use uuid::Uuid;

use super::event::{Event, Outcome};
use super::fold::malformed;
use super::place::{NONE, Unit, hour_of, moment_of};
use super::query::{GroupBy, MAX_GROUPS, Query};
use crate::db::{Db, Sql};
use crate::error::ApiError;
use crate::jobs::scope::Scope;

/// How many events are read at once.
const EVENTS: i64 = 10_000;

/// What a summary is about. What is not grouped by is `None`, and so is what runs do not have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Group {
    pub configuration_id: Option<Uuid>,
    pub provider: Option<Arc<str>>,
    pub agent_id: Option<Uuid>,
    pub outcome: Option<Outcome>,
    pub name: Option<Arc<str>>,
}

/// A summary.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// By outcome, in the order of [`Outcome::ALL`].
    runs: [i64; 3],
    jobs: [i64; 3],
    /// All outcomes together.
    pub total: Cell,
}

/// A summary of a group in a bucket.
#[derive(Clone, Debug)]
pub struct Row {
    pub start: Timestamp,
    pub end: Timestamp,
    pub group: Group,
    pub summary: Summary,
    /// Whether jobs are told: they have no agent.
    pub has_jobs: bool,
}

/// The sums while they are made.
struct Sums<'a> {
    query: &'a Query,
    /// The providers of configurations, if they are grouped by.
    providers: HashMap<Uuid, Arc<str>>,
    summaries: Vec<(i64, Group, Summary)>,
    /// Where the summary of a bucket and a group is.
    places: HashMap<(i64, Group), usize>,
}

/// A group of the cells of a row, and where their summaries are.
struct GroupPlaces {
    group: Group,
    /// The place that was found last, by its bucket and outcome: cells of a row are in the order of time.
    last: [Option<(i64, usize)>; Outcome::ALL.len()],
}

impl Sums<'_> {
    fn group(
        &self,
        configuration: Option<Uuid>,
        agent: Option<Uuid>,
        name: Option<&str>,
    ) -> GroupPlaces {
        let is_by = |group| self.query.is_grouped_by(group);
        let group = Group {
            configuration_id: configuration.filter(|_| is_by(GroupBy::Configuration)),
            provider: configuration.and_then(|id| self.providers.get(&id).cloned()),
            agent_id: agent.filter(|_| is_by(GroupBy::Agent)),
            outcome: None,
            name: name.filter(|_| is_by(GroupBy::Name)).map(Arc::from),
        };
        GroupPlaces { group, last: [None; 3] }
    }

    /// The summary of an hour and an outcome of a group; `None` where the query does not ask for them.
    fn summary(
        &mut self,
        places: &mut GroupPlaces,
        hour: i64,
        outcome: Outcome,
    ) -> Result<Option<&mut Summary>, ApiError> {
        let query = self.query;
        let states = query.conditions.states.as_ref();
        if !(query.from..query.to).contains(&hour)
            || states.is_some_and(|states| !states.contains(&outcome.state()))
        {
            return Ok(None);
        }
        let bucket = query.bucket_of(hour);
        let last = &mut places.last[outcome as usize];
        let place = match *last {
            Some((known, place)) if known == bucket => place,
            _ => {
                let mut group = places.group.clone();
                group.outcome = Some(outcome).filter(|_| query.is_grouped_by(GroupBy::State));
                let place = self.place((bucket, group))?;
                *last = Some((bucket, place));
                place
            }
        };
        Ok(Some(&mut self.summaries[place].2))
    }

    fn place(&mut self, key: (i64, Group)) -> Result<usize, ApiError> {
        if let Some(place) = self.places.get(&key) {
            return Ok(*place);
        }
        let place = self.summaries.len();
        if place >= MAX_GROUPS {
            let message = format!(
                "expected at most {MAX_GROUPS} groups in all buckets; group by less, or filter more"
            );
            return Err(ApiError::invalid("groupBy", message));
        }
        self.summaries.push((key.0, key.1.clone(), Summary::default()));
        self.places.insert(key, place);
        Ok(place)
    }
}

impl Summary {
    /// A summary of so many runs and jobs of these outcomes, which all took this many milliseconds.
    pub fn of(runs: impl IntoIterator<Item = (Outcome, i64)>, duration: i64) -> Self {
        let mut summary = Self::default();
        for (outcome, runs) in runs {
            summary.runs[outcome as usize] += runs;
            summary.jobs[outcome as usize] += runs;
            summary.total.runs += runs;
            summary.total.jobs += runs;
            summary.total.wait.add(0, runs);
            summary.total.duration.add(duration, runs);
        }
        summary
    }

    /// Adds to the cell of all outcomes, and keeps the counts of this one.
    fn add<E>(
        &mut self,
        outcome: Outcome,
        add: impl FnOnce(&mut Cell) -> Result<(), E>,
    ) -> Result<(), E> {
        let (runs, jobs) = (self.total.runs, self.total.jobs);
        add(&mut self.total)?;
        let place = outcome as usize;
        self.runs[place] += self.total.runs - runs;
        self.jobs[place] += self.total.jobs - jobs;
        Ok(())
    }

    pub fn runs_of(&self, outcome: Outcome) -> i64 {
        self.runs[outcome as usize]
    }

    pub fn jobs_of(&self, outcome: Outcome) -> i64 {
        self.jobs[outcome as usize]
    }

    pub fn finished(&self) -> i64 {
        self.runs.iter().sum()
    }

    /// Of the runs that completed or failed, the part that failed. `None` without any.
    pub fn failure_rate(&self) -> Option<f64> {
        let failed = self.runs_of(Outcome::Failed);
        let ended = failed + self.runs_of(Outcome::Completed);
        #[expect(clippy::cast_precision_loss, reason = "a rate needs no 53 bits")]
        (ended > 0).then(|| failed as f64 / ended as f64)
    }

    /// Whether it has neither runs nor, if they are told, jobs.
    fn is_empty(&self, has_jobs: bool) -> bool {
        self.runs == [0; 3] && (!has_jobs || self.jobs == [0; 3])
    }
}

/// Reads the statistics of a scope, sorted by time and group. Groups without any run or job are left out.
pub async fn read(db: &Db, scope: &Scope, query: &Query) -> Result<Vec<Row>, ApiError> {
    let snapshot = db.begin_snapshot().await?;
    let providers = if query.is_grouped_by(GroupBy::Provider) {
        providers(&snapshot).await?
    } else {
        HashMap::new()
    };
    let mut sums = Sums { query, providers, summaries: Vec::new(), places: HashMap::new() };
    add_rows(&snapshot, scope, &mut sums).await?;
    add_events(&snapshot, scope, &mut sums).await?;
    snapshot.rollback().await?;
    let has_jobs = !query.is_grouped_by(GroupBy::Agent) && query.conditions.agents.is_empty();
    let mut found = sums.summaries;
    found.retain(|(_, _, summary)| !summary.is_empty(has_jobs));
    found.sort_unstable_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
    let row = |(start, group, summary)| Row {
        start: moment_of(start),
        end: moment_of(query.bucket_end(start)),
        group,
        summary,
        has_jobs,
    };
    Ok(found.into_iter().map(row).collect())
}

async fn providers(db: &impl ConnectionTrait) -> Result<HashMap<Uuid, Arc<str>>, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    sql.push("SELECT id, provider FROM configuration WHERE provider IS NOT NULL");
    let read = |row: &sea_orm::QueryResult| {
        let provider: String = row.try_get_by_index(1)?;
        Ok((row.try_get_by_index(0)?, Arc::from(provider)))
    };
    sql.all(db).await?.iter().map(read).collect()
}

async fn add_rows(
    db: &impl ConnectionTrait,
    scope: &Scope,
    sums: &mut Sums<'_>,
) -> Result<(), ApiError> {
    let tier = sums.query.tier(scope);
    let mut sql = Sql::new(db.get_database_backend());
    sql.push(
        "SELECT t.start, t.cells, t.configuration_id, t.agent_id, t.name FROM job_statistics AS t \
         WHERE t.tier = ",
    );
    sql.bind(tier.number()).push(" AND t.start IN (");
    // As text: the numbers are the program's own, and few.
    let starts: Vec<_> = sums.query.starts(tier.unit).iter().map(ToString::to_string).collect();
    sql.push(&starts.join(", ")).push(")");
    sums.query.push_conditions(&mut sql, scope);
    for row in sql.all(db).await? {
        let start: i32 = row.try_get_by_index(0)?;
        let bytes: Vec<u8> = row.try_get_by_index(1)?;
        let [configuration, agent] = [row.try_get_by_index(2)?, row.try_get_by_index(3)?]
            .map(|id: Uuid| Some(id).filter(|id| *id != NONE));
        // A scope may name any id.
        if !scope.sees(configuration) {
            continue;
        }
        let name: String = row.try_get_by_index(4)?;
        let name = Some(name.as_str()).filter(|name| !name.is_empty());
        let mut places = sums.group(configuration, agent, name);
        for cell in decode(&bytes) {
            let cell = cell.map_err(|_| malformed())?;
            let Slot { time, outcome } = cell.slot;
            let outcome = *Outcome::ALL.get(usize::from(outcome)).ok_or_else(malformed)?;
            let hour = match tier.unit {
                Unit::Hour => hour_of(start) + i64::from(time),
                Unit::Day => hour_of(start + i32::from(time)),
            };
            if let Some(summary) = sums.summary(&mut places, hour, outcome)? {
                summary.add(outcome, |total| cell.add_to(total)).map_err(|_| malformed())?;
            }
        }
    }
    Ok(())
}

/// Adds the events that are not folded yet.
async fn add_events(
    db: &impl ConnectionTrait,
    scope: &Scope,
    sums: &mut Sums<'_>,
) -> Result<(), ApiError> {
    let mut last = i64::MIN;
    loop {
        let mut sql = Sql::new(db.get_database_backend());
        sql.push(&format!("SELECT {}, id FROM job_statistics_event AS t", Event::COLUMNS));
        sql.push(" WHERE t.id > ").bind(last).push(" AND t.hour >= ");
        sql.bind(sums.query.from).push(" AND t.hour < ").bind(sums.query.to);
        sums.query.push_conditions(&mut sql, scope);
        sql.push(&format!(" ORDER BY t.id LIMIT {EVENTS}"));
        let rows = sql.all(db).await?;
        for row in &rows {
            let event = Event::read(row)?;
            last = row.try_get_by_index(Event::COLUMN_COUNT)?;
            let mut places =
                sums.group(event.configuration_id, event.agent_id, event.name.as_deref());
            if let Some(summary) = sums.summary(&mut places, event.hour, event.outcome)? {
                let added = summary.add(event.outcome, |total| {
                    event.add_to(total);
                    Ok::<_, DbErr>(())
                });
                added?;
            }
        }
        if i64::try_from(rows.len()).is_ok_and(|count| count < EVENTS) {
            return Ok(());
        }
    }
}
