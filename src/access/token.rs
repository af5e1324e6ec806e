//! API tokens: creating, listing and revoking them.
//!
//! A token is `ajt_` and 256 random bits. The database stores only its SHA-256. A slow hash, as for
//! passwords, protects secrets that people choose: 2^256 random tokens cannot be guessed however fast
//! the hash is, and authenticating a request must stay cheap.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entity::{Columns, Table as _, Timestamp, access_token};
use ring::digest;
use ring::rand::{SecureRandom as _, SystemRandom};
use sea_orm::{ConnectionTrait, DbErr};
use uuid::Uuid;

use super::principal::Role;
use crate::db::{Db, Sql};
use crate::jobs::scope::Scope;
use crate::jobs::store;

/// What a token begins with, so that people and scanners of leaked secrets recognise it.
pub const PREFIX: &str = "ajt_";

const RANDOM_BYTES: usize = 32;

/// A token to create.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Its owner or purpose.
    pub name: String,
    pub role: Role,
    /// The configurations that it is limited to.
    pub scope: Scope,
    /// The only agent that it may report as.
    pub agent_id: Option<Uuid>,
    /// Until when it is valid.
    pub expires: Option<Timestamp>,
}

/// Creates a token. Returns its id and the token itself, which is not stored.
pub async fn create(db: &Db, new: NewToken, now: Timestamp) -> Result<(Uuid, String), DbErr> {
    let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random()?));
    let row = access_token::Model {
        id: Uuid::now_v7(),
        name: new.name,
        role: new.role.name().to_owned(),
        configurations: write_scope(&new.scope),
        agent_id: new.agent_id,
        hash: hash(&text),
        created_date: now,
        expires_date: new.expires,
        ..access_token::Model::default()
    };
    let id = row.id;
    store::models::<access_token::Entity>(db.writer(), &[row]).await?;
    Ok((id, text))
}

/// All tokens, the newest first.
pub async fn list(db: &impl ConnectionTrait) -> Result<Vec<access_token::Model>, DbErr> {
    let mut sql = select(db);
    sql.push(" ORDER BY t.id DESC");
    read(db, sql).await
}

/// Revokes tokens by id or name. Returns those that were not revoked before.
pub async fn revoke(
    db: &Db,
    token: &str,
    now: Timestamp,
) -> Result<Vec<access_token::Model>, DbErr> {
    let mut sql = select(db.reader());
    sql.push(" WHERE t.revoked_date IS NULL AND ");
    match Uuid::parse_str(token) {
        Ok(id) => sql.push("t.id = ").bind(id),
        Err(_) => sql.push("t.name = ").bind(token),
    };
    let found = read(db.reader(), sql).await?;
    let ids: Vec<_> = found.iter().map(|row| row.id).collect();
    let mut sql = Sql::new(db.backend());
    sql.push("UPDATE access_token SET revoked_date = ").bind(now).push(" WHERE id").any_uuid(&ids);
    sql.execute(db.writer()).await?;
    Ok(found)
}

/// The tokens with these ids that are not revoked.
pub(super) async fn by_ids(
    db: &impl ConnectionTrait,
    ids: &[Uuid],
) -> Result<Vec<access_token::Model>, DbErr> {
    let mut sql = select(db);
    sql.push(" WHERE t.revoked_date IS NULL AND t.id").any_uuid(ids);
    read(db, sql).await
}

/// The token with this text, unless it is revoked.
pub(super) async fn by_text(
    db: &impl ConnectionTrait,
    text: &str,
) -> Result<Option<access_token::Model>, DbErr> {
    let mut sql = select(db);
    // The time that the index takes to compare hashes reveals nothing about the token.
    sql.push(" WHERE t.revoked_date IS NULL AND t.hash = ").bind(hash(text));
    Ok(read(db, sql).await?.pop())
}

/// Records that tokens were used, each at most once per interval.
pub(super) async fn record_use(
    db: &Db,
    ids: &[Uuid],
    now: Timestamp,
    every: Duration,
) -> Result<(), DbErr> {
    let micros = i64::try_from(every.as_micros()).unwrap_or(i64::MAX);
    let before = Timestamp::from_micros(now.micros().saturating_sub(micros)).unwrap_or_default();
    let mut sql = Sql::new(db.backend());
    sql.push("UPDATE access_token SET last_used_date = ").bind(now);
    sql.push(" WHERE (last_used_date IS NULL OR last_used_date < ").bind(before);
    sql.push(") AND id").any_uuid(ids);
    sql.execute(db.writer()).await?;
    Ok(())
}

fn select(db: &impl ConnectionTrait) -> Sql {
    let columns = Columns::<access_token::Entity>::all();
    let mut sql = Sql::new(db.get_database_backend());
    sql.push(&format!("SELECT {} FROM {} AS t", columns.select("t"), access_token::Entity::NAME));
    sql
}

async fn read(db: &impl ConnectionTrait, sql: Sql) -> Result<Vec<access_token::Model>, DbErr> {
    let columns = Columns::<access_token::Entity>::all();
    sql.all(db).await?.iter().map(|row| columns.read(row, 0)).collect()
}

/// The hash of a token, as stored.
fn hash(text: &str) -> String {
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    hash.as_ref().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

fn write_scope(scope: &Scope) -> Option<String> {
    match scope {
        Scope::All => None,
        Scope::Only(ids) => Some(ids.iter().map(Uuid::to_string).collect::<Vec<_>>().join(",")),
    }
}

/// The scope that [`write_scope`] wrote. Ids that cannot be parsed are left out.
pub fn read_scope(configurations: Option<&str>) -> Scope {
    let Some(ids) = configurations else { return Scope::All };
    Scope::only(ids.split(',').filter_map(|id| Uuid::parse_str(id).ok()))
}

fn random() -> Result<[u8; RANDOM_BYTES], DbErr> {
    let mut bytes = [0; RANDOM_BYTES];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| DbErr::Custom("the system's random number generator failed".to_owned()))?;
    Ok(bytes)
}

/// The secret from which the service derives its keys. It is generated on first use and stored in the
/// database, so that all replicas have the same.
pub(super) async fn secret(db: &Db) -> Result<Vec<u8>, DbErr> {
    let mut sql = Sql::new(db.backend());
    sql.push("INSERT INTO secret (name, value) VALUES ('service', ");
    sql.bind(URL_SAFE_NO_PAD.encode(random()?)).push(") ON CONFLICT (name) DO NOTHING");
    sql.execute(db.writer()).await?;
    let mut sql = Sql::new(db.backend());
    sql.push("SELECT value FROM secret WHERE name = 'service'");
    let row = sql.one(db.writer()).await?;
    let row = row.ok_or_else(|| DbErr::Custom("the database has no secret".to_owned()))?;
    Ok(row.try_get_by_index::<String>(0)?.into_bytes())
}
