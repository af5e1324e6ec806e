//! Writing many rows at once: imports, and the changes of a unit of work.

mod import;
mod row_set;
mod save;
mod write;

pub use import::{
    agents, configurations, events, insert_placeholders, jobs, models, prefer_indexes, runs,
    stranded,
};
pub use row_set::RowSet;
pub use save::{introduce_agent, save_agent, save_configuration, save_last_seen};
pub use write::{Null, insert, push_update, update};
