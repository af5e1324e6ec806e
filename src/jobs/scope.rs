//! Which configurations a read may see. Every read of rows that belong to a configuration takes a
//! [`Scope`], so that none can forget it.

use std::sync::Arc;

use entity::{Table, agent, configuration, job, job_event, job_run};
use uuid::Uuid;

use crate::db::Sql;

/// The configurations whose jobs a principal may see, with all that belongs to them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// All, and jobs that have none.
    All,
    /// These, sorted and each once.
    Only(Arc<[Uuid]>),
}

impl Scope {
    /// These configurations and no others.
    pub fn only(configurations: impl IntoIterator<Item = Uuid>) -> Self {
        let mut ids: Vec<_> = configurations.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        Self::Only(ids.into())
    }

    /// Whether it has a job of this configuration, or of none.
    pub fn sees(&self, configuration: Option<Uuid>) -> bool {
        match self {
            Self::All => true,
            Self::Only(ids) => configuration.is_some_and(|id| ids.binary_search(&id).is_ok()),
        }
    }

    /// The part of it that is about one configuration; all of it for `None`.
    pub fn narrowed(&self, configuration: Option<Uuid>) -> Self {
        match configuration {
            None => self.clone(),
            Some(id) if self.sees(Some(id)) => Self::only([id]),
            Some(_) => Self::only([]),
        }
    }

    /// What both have.
    pub fn within(&self, other: &Self) -> Self {
        match (self, other) {
            (each, Self::All) | (Self::All, each) => each.clone(),
            (Self::Only(ids), other) => {
                Self::only(ids.iter().copied().filter(|id| other.sees(Some(*id))))
            }
        }
    }

    /// Adds ` AND column …` to the conditions on rows that have a configuration's id in this
    /// column; nothing for [`Scope::All`].
    pub fn push(&self, sql: &mut Sql, column: &str) {
        let Self::Only(ids) = self else { return };
        match &**ids {
            [] => _ = sql.push(" AND false"),
            [id] => _ = sql.push(&format!(" AND {column} = ")).bind(*id),
            ids => _ = sql.push(&format!(" AND {column}")).any_uuid(ids),
        }
    }
}

/// A table whose rows belong to configurations.
pub trait Scoped: Table {
    /// Adds ` AND …` to the conditions on the rows of the table or alias `row`, so that only those
    /// are found which the scope has.
    fn push_scope(sql: &mut Sql, scope: &Scope, row: &str);
}

impl Scoped for configuration::Entity {
    fn push_scope(sql: &mut Sql, scope: &Scope, row: &str) {
        scope.push(sql, &format!("{row}.id"));
    }
}

impl Scoped for job::Entity {
    fn push_scope(sql: &mut Sql, scope: &Scope, row: &str) {
        scope.push(sql, &format!("{row}.configuration_id"));
    }
}

impl Scoped for job_run::Entity {
    fn push_scope(sql: &mut Sql, scope: &Scope, row: &str) {
        push_exists(sql, scope, &format!("job AS seen WHERE seen.id = {row}.job_id"));
    }
}

impl Scoped for job_event::Entity {
    fn push_scope(sql: &mut Sql, scope: &Scope, row: &str) {
        push_exists(sql, scope, &format!("job AS seen WHERE seen.id = {row}.job_id"));
    }
}

/// An agent belongs to the configurations that it has worked for, which triggers keep.
impl Scoped for agent::Entity {
    fn push_scope(sql: &mut Sql, scope: &Scope, row: &str) {
        push_exists(
            sql,
            scope,
            &format!("agent_configuration AS seen WHERE seen.agent_id = {row}.id"),
        );
    }
}

fn push_exists(sql: &mut Sql, scope: &Scope, owner: &str) {
    if *scope == Scope::All {
        return;
    }
    sql.push(&format!(" AND EXISTS (SELECT 1 FROM {owner}"));
    scope.push(sql, "seen.configuration_id");
    sql.push(")");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_never_widens_a_scope() {
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let of_a = Scope::only([a, a]);
        assert!(of_a.sees(Some(a)) && !of_a.sees(Some(b)) && !of_a.sees(None));
        assert_eq!(of_a.narrowed(None), of_a);
        assert_eq!(of_a.narrowed(Some(a)), of_a);
        assert_eq!(of_a.narrowed(Some(b)), Scope::only([]));
        assert_eq!(Scope::All.narrowed(Some(b)), Scope::only([b]));
        assert_eq!(Scope::only([a, b]).within(&of_a), of_a);
        assert_eq!(Scope::All.within(&of_a), of_a);
        assert_eq!(of_a.within(&Scope::only([b])), Scope::only([]));
        assert!(Scope::All.sees(None) && !Scope::only([]).sees(Some(a)));
    }
}
