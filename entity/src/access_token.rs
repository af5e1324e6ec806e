//! API tokens: who may use the service, without what they show to do so.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

#[derive(Clone, Debug, Default, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "access_token")]
pub struct Model {
    /// The token's id, which is no secret.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is, or what it is for.
    pub name: String,
    /// Its role, in lower case.
    pub role: String,
    /// The ids of the configurations that it is limited to, with commas between them. Null for all.
    pub configurations: Option<String>,
    /// The agent that it speaks for. Null unless its role is that of an agent, and for an agent's
    /// token that speaks for all of them.
    pub agent_id: Option<Uuid>,
    /// The SHA-256 of the token, in hexadecimal digits.
    pub hash: String,
    /// When it was made.
    pub created_date: Timestamp,
    /// When it ends. Null: never.
    pub expires_date: Option<Timestamp>,
    /// When it was last used, to about a minute. Null if it never was.
    pub last_used_date: Option<Timestamp>,
    /// When it was revoked. Null while it is not.
    pub revoked_date: Option<Timestamp>,
}

crate::table::table!("access_token", internal: [
    "id", "name", "role", "configurations", "agent_id", "hash",
    "created_date", "expires_date", "last_used_date", "revoked_date",
]);

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
