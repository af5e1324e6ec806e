//! What access control needs: API tokens, the service's own secret, which agents have worked for
//! which configurations, and names of requests that are each configuration's own.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::sql::Null::{No, Yes};
use crate::sql::Type::{Text, Time, Uuid};
use crate::sql::{create_table, current_schema, run};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_table(
            manager,
            "access_token",
            &[
                ("id", Uuid, No),
                ("name", Text, No),
                ("role", Text, No),
                ("configurations", Text, Yes),
                ("agent_id", Uuid, Yes),
                ("hash", Text, No),
                ("created_date", Time, No),
                ("expires_date", Time, Yes),
                ("last_used_date", Time, Yes),
                ("revoked_date", Time, Yes),
            ],
            &["PRIMARY KEY (id)", "UNIQUE (hash)"],
            "",
        )
        .await?;
        create_table(
            manager,
            "secret",
            &[("name", Text, No), ("value", Text, No)],
            &["PRIMARY KEY (name)"],
            "",
        )
        .await?;

        run(manager, "DROP INDEX job_by_client_request").await?;
        run(
            manager,
            "CREATE UNIQUE INDEX job_by_client_request ON job \
             (client_request_id, configuration_id) WHERE client_request_id IS NOT NULL",
        )
        .await?;

        create_table(
            manager,
            "agent_configuration",
            &[("agent_id", Uuid, No), ("configuration_id", Uuid, No)],
            &[
                "PRIMARY KEY (agent_id, configuration_id)",
                "FOREIGN KEY (agent_id) REFERENCES agent (id) ON DELETE CASCADE",
                "FOREIGN KEY (configuration_id) REFERENCES configuration (id) ON DELETE CASCADE",
            ],
            "",
        )
        .await?;
        match manager.get_database_backend() {
            DbBackend::Postgres => postgres(manager).await?,
            _ => run(manager, SQLITE).await?,
        }
        // Making the triggers has locked the tables, so no run is missed.
        run(
            manager,
            "INSERT INTO agent_configuration (agent_id, configuration_id) \
             SELECT DISTINCT r.agent_id, j.configuration_id FROM job_run AS r \
             JOIN job AS j ON j.id = r.job_id WHERE j.configuration_id IS NOT NULL",
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let drop = if manager.get_database_backend() == DbBackend::Postgres {
            "DROP TRIGGER agent_configuration_inserted ON job_run;
             DROP TRIGGER agent_configuration_updated ON job_run;
             DROP TRIGGER agent_configuration_moved ON job;
             DROP FUNCTION agent_configuration_inserted;
             DROP FUNCTION agent_configuration_updated;
             DROP FUNCTION agent_configuration_moved;"
        } else {
            "DROP TRIGGER agent_configuration_inserted;
             DROP TRIGGER agent_configuration_updated;
             DROP TRIGGER agent_configuration_moved;"
        };
        run(manager, drop).await?;
        run(manager, "DROP TABLE agent_configuration").await?;
        run(manager, "DROP INDEX job_by_client_request").await?;
        run(
            manager,
            "CREATE UNIQUE INDEX job_by_client_request ON job (client_request_id) \
             WHERE client_request_id IS NOT NULL",
        )
        .await?;
        run(manager, "DROP TABLE secret").await?;
        run(manager, "DROP TABLE access_token").await
    }
}

/// Without upserts, whose conflict clauses a trigger's statements would take from the statement that
/// fires them. An insertion that reads its own table makes SQLite build a temporary one, so for new
/// runs, since nearly all have a pair that exists, the condition looks it up.
const SQLITE: &str = "
CREATE TRIGGER agent_configuration_inserted AFTER INSERT ON job_run
WHEN NOT EXISTS (SELECT 1 FROM job AS j JOIN agent_configuration AS a
  ON a.agent_id = NEW.agent_id AND a.configuration_id = j.configuration_id
  WHERE j.id = NEW.job_id) BEGIN
  INSERT INTO agent_configuration (agent_id, configuration_id)
  SELECT NEW.agent_id, j.configuration_id FROM job AS j
  WHERE j.id = NEW.job_id AND j.configuration_id IS NOT NULL;
END;
CREATE TRIGGER agent_configuration_updated AFTER UPDATE OF agent_id, job_id ON job_run
WHEN OLD.agent_id IS NOT NEW.agent_id OR OLD.job_id IS NOT NEW.job_id BEGIN
  INSERT INTO agent_configuration (agent_id, configuration_id)
  SELECT NEW.agent_id, j.configuration_id FROM job AS j
  WHERE j.id = NEW.job_id AND j.configuration_id IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM agent_configuration AS a
      WHERE a.agent_id = NEW.agent_id AND a.configuration_id = j.configuration_id);
END;
CREATE TRIGGER agent_configuration_moved AFTER UPDATE OF configuration_id ON job
WHEN OLD.configuration_id IS NOT NEW.configuration_id AND NEW.configuration_id IS NOT NULL BEGIN
  INSERT INTO agent_configuration (agent_id, configuration_id)
  SELECT DISTINCT r.agent_id, NEW.configuration_id FROM job_run AS r
  WHERE r.job_id = NEW.id AND NOT EXISTS (SELECT 1 FROM agent_configuration AS a
    WHERE a.agent_id = r.agent_id AND a.configuration_id = NEW.configuration_id);
END;";

async fn postgres(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    // Other writers may have another search path, so the functions name the schema.
    let schema = current_schema(manager).await?;
    // Pairs that are known already, nearly all, are only looked up, by a query that costs a fifth of
    // an insertion of none. In order, so that two writers of new ones do not wait for each other in
    // a circle.
    let insert = |pairs: &str| {
        let unknown = format!(
            "FROM ({pairs}) AS p WHERE p.configuration_id IS NOT NULL AND NOT EXISTS (\
               SELECT 1 FROM {schema}.agent_configuration AS a \
               WHERE a.agent_id = p.agent_id AND a.configuration_id = p.configuration_id)"
        );
        format!(
            "IF EXISTS (SELECT 1 {unknown}) THEN \
             INSERT INTO {schema}.agent_configuration (agent_id, configuration_id) \
             SELECT DISTINCT p.agent_id, p.configuration_id {unknown} \
             ORDER BY 1, 2 ON CONFLICT DO NOTHING; END IF;"
        )
    };
    for (trigger, when, body) in [
        (
            "inserted",
            "AFTER INSERT ON job_run REFERENCING NEW TABLE AS added FOR EACH STATEMENT",
            insert(&format!(
                "SELECT n.agent_id, j.configuration_id FROM added AS n \
                 JOIN {schema}.job AS j ON j.id = n.job_id"
            )),
        ),
        (
            "updated",
            "AFTER UPDATE OF agent_id, job_id ON job_run FOR EACH ROW WHEN \
             (OLD.agent_id IS DISTINCT FROM NEW.agent_id OR OLD.job_id IS DISTINCT FROM NEW.job_id)",
            insert(&format!(
                "SELECT NEW.agent_id, j.configuration_id FROM {schema}.job AS j \
                 WHERE j.id = NEW.job_id"
            )),
        ),
        (
            "moved",
            "AFTER UPDATE OF configuration_id ON job FOR EACH ROW WHEN \
             (OLD.configuration_id IS DISTINCT FROM NEW.configuration_id)",
            insert(&format!(
                "SELECT r.agent_id, NEW.configuration_id FROM {schema}.job_run AS r \
                 WHERE r.job_id = NEW.id"
            )),
        ),
    ] {
        run(
            manager,
            &format!(
                "CREATE FUNCTION agent_configuration_{trigger}() RETURNS trigger LANGUAGE plpgsql \
                 AS $$ BEGIN {body} RETURN NULL; END $$;\n\
                 CREATE TRIGGER agent_configuration_{trigger} {when} \
                 EXECUTE FUNCTION agent_configuration_{trigger}()"
            ),
        )
        .await?;
    }
    Ok(())
}
