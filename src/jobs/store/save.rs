//! Saving single agents and configurations.

use entity::{Columns, Table, Timestamp, agent, configuration};
use sea_orm::{ConnectionTrait, DbErr};
use uuid::Uuid;

use super::row_set::RowSet;
use super::write::{Null, insert, push_update};
use crate::db::Sql;
use crate::jobs::scope::{Scope, Scoped as _};

/// Creates an agent, or changes what is not null.
pub async fn save_agent(db: &impl ConnectionTrait, row: &agent::Model) -> Result<(), DbErr> {
    save::<agent::Entity>(db, row, &["name", "agent_key", "last_seen"]).await
}

/// Writes when agents were last seen, unless a later moment is known. Agents that another writer has
/// locked are passed over, so that nothing waits for it: the next sighting of them is soon.
pub async fn save_last_seen(
    db: &impl ConnectionTrait,
    seen: &[(Uuid, Timestamp)],
) -> Result<(), DbErr> {
    if seen.is_empty() {
        return Ok(());
    }
    let [id, last_seen] = ["id", "last_seen"].map(agent::Entity::place);
    let nulls: Vec<_> = agent::Entity::fields().iter().map(|field| field.kind.null()).collect();
    let row = |(agent, moment): &(Uuid, Timestamp)| {
        let mut row = nulls.clone();
        (row[id], row[last_seen]) = ((*agent).into(), (*moment).into());
        row
    };
    let columns = [agent::Column::Id, agent::Column::LastSeen].into_iter().collect();
    let mut set = RowSet::<agent::Entity> { columns, rows: seen.iter().map(row).collect() };
    let ids = set.ids("id");
    for rows in set.chunks(db.get_database_backend()) {
        let mut sql = Sql::new(db.get_database_backend());
        push_update(&mut sql, columns, Columns::none(), rows, Null::Keeps);
        sql.push(" AND (agent.last_seen IS NULL OR agent.last_seen < v.last_seen)");
        if sql.is_postgres() {
            sql.push(" AND agent.id IN (SELECT t.id FROM agent AS t WHERE t.id").any_uuid(&ids);
            sql.push(" ORDER BY t.id FOR NO KEY UPDATE OF t SKIP LOCKED)");
        }
        sql.execute(db).await?;
    }
    Ok(())
}

/// Lets the scope's configurations know an agent, as if it had worked for them.
pub async fn introduce_agent(
    db: &impl ConnectionTrait,
    agent_id: Uuid,
    scope: &Scope,
) -> Result<(), DbErr> {
    if *scope == Scope::All {
        return Ok(());
    }
    let mut sql = Sql::new(db.get_database_backend());
    sql.push("INSERT INTO agent_configuration (agent_id, configuration_id) SELECT ");
    // PostgreSQL takes a parameter in a select list for a text.
    sql.bind(agent_id).push_either("", "::uuid").push(", t.id FROM configuration AS t WHERE true");
    configuration::Entity::push_scope(&mut sql, scope, "t");
    sql.push(" ON CONFLICT DO NOTHING");
    sql.execute(db).await?;
    Ok(())
}

/// Creates a configuration, or changes what is not null.
pub async fn save_configuration(
    db: &impl ConnectionTrait,
    row: &configuration::Model,
) -> Result<(), DbErr> {
    save::<configuration::Entity>(db, row, &["name", "provider"]).await
}

async fn save<E: Table>(
    db: &impl ConnectionTrait,
    row: &E::Model,
    changeable: &[&str],
) -> Result<(), DbErr> {
    let table = E::NAME;
    let mut conflict =
        " ON CONFLICT (id) DO UPDATE SET update_date = excluded.update_date".to_owned();
    for name in changeable {
        conflict.push_str(&format!(", {name} = coalesce(excluded.{name}, {table}.{name})"));
    }
    insert(db, RowSet::<E>::whole([row]), &conflict).await?;
    Ok(())
}
