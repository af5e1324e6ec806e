//! Statistics of what finished, by hour, day, configuration, agent and name. They outlive the jobs.
//!
//! The database's triggers append an event for each run and each job that finishes, or whose row counts as
//! something else from then on (see the migration that makes them). [`fold`] adds events to the rows of
//! `job_statistics`; [`read::read`] adds up rows and the events that are not folded yet, in one snapshot.
//! So they are right for every writer at any time, and cost the same whatever the number of runs.
//!
//! A row has the summaries of a day by its hours, or of a month by its days: of a configuration, or in the
//! detailed tiers of each of its names and agents. What was removed for its age is in rows of its own: the
//! others equal a recount of the tables, which [`verify`] compares.

pub mod event;
pub mod facts;
pub mod finished;
pub mod fold;
pub mod place;
pub mod query;
pub mod read;
pub mod record;
mod values;
pub mod verify;
