//! A cache of the API tokens in use. All of them are refreshed every two seconds by one statement, so
//! that a request with a cached token costs no statement, and a revoked token ends on all replicas
//! within seconds, subscriptions included.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use entity::{Timestamp, access_token};
use ring::hmac;
use sea_orm::DbErr;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::error::invalid_token;
use super::principal::{Principal, Role};
use super::token::{self, read_scope};
use crate::clock;
use crate::db::Db;
use crate::error::ApiError;

/// How often the cached tokens are read again.
const REFRESH_EVERY: Duration = Duration::from_secs(2);

/// How often the last use of a token is written.
const RECORD_USE_EVERY: Duration = Duration::from_mins(1);

/// The tokens in use.
#[derive(Debug)]
pub struct TokenCache {
    db: Db,
    fingerprints: Arc<hmac::Key>,
    tokens: Mutex<Tokens>,
}

#[derive(Debug, Default)]
struct Tokens {
    by_id: HashMap<Uuid, Arc<Token>>,
    /// The ids by the tokens' texts. Only valid tokens are cached, so there are few.
    by_text: HashMap<String, Uuid>,
}

#[derive(Debug)]
struct Token {
    row: access_token::Model,
    principal: Principal,
    revoked: CancellationToken,
    is_used: AtomicBool,
}

impl TokenCache {
    pub fn new(db: Db, fingerprints: Arc<hmac::Key>) -> Self {
        Self { db, fingerprints, tokens: Mutex::default() }
    }

    fn tokens(&self) -> MutexGuard<'_, Tokens> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The principal of the token with this text.
    pub async fn by_text(&self, text: &str, now: Timestamp) -> Result<Principal, ApiError> {
        let cached = {
            let tokens = self.tokens();
            tokens.by_text.get(text).and_then(|id| tokens.by_id.get(id)).cloned()
        };
        if let Some(token) = cached {
            return Ok(token.used());
        }
        let row = token::by_text(self.db.reader(), text).await?.ok_or_else(invalid_token)?;
        self.insert(row, Some(text), now)
    }

    /// The principal of the token with this id.
    pub async fn by_id(&self, id: Uuid, now: Timestamp) -> Result<Principal, ApiError> {
        let cached = self.tokens().by_id.get(&id).cloned();
        if let Some(token) = cached {
            return Ok(token.used());
        }
        let rows = token::by_ids(self.db.reader(), &[id]).await?;
        self.insert(rows.into_iter().next().ok_or_else(invalid_token)?, None, now)
    }

    fn insert(
        &self,
        row: access_token::Model,
        text: Option<&str>,
        now: Timestamp,
    ) -> Result<Principal, ApiError> {
        let id = row.id;
        // A role that this version does not have grants nothing.
        let role = Role::from_name(&row.role).ok_or_else(invalid_token)?;
        let revoked = CancellationToken::new();
        let scope = read_scope(row.configurations.as_deref());
        let principal = Principal::new(&row.name, role, scope, Arc::clone(&self.fingerprints))
            .with_agent(row.agent_id)
            .until(row.expires_date)
            .with_token(id)
            .until_revoked(revoked.clone());
        if principal.has_expired(now) {
            return Err(invalid_token());
        }
        let mut tokens = self.tokens();
        let new = || Arc::new(Token { row, principal, revoked, is_used: AtomicBool::new(true) });
        // Another request may have inserted it meanwhile.
        let token = Arc::clone(tokens.by_id.entry(id).or_insert_with(new));
        if let Some(text) = text {
            tokens.by_text.insert(text.to_owned(), id);
        }
        Ok(token.used())
    }

    /// Refreshes the cache until it is dropped.
    pub async fn run(&self) {
        let mut ticks = interval(REFRESH_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Err(error) = self.refresh(clock::now()).await {
                tracing::warn!(%error, "failed to refresh the cached tokens");
            }
        }
    }

    async fn refresh(&self, now: Timestamp) -> Result<(), DbErr> {
        let cached: Vec<_> = self.tokens().by_id.values().cloned().collect();
        if cached.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = cached.iter().map(|token| token.row.id).collect();
        let rows = token::by_ids(self.db.reader(), &ids).await?;
        let rows: HashMap<_, _> = rows.into_iter().map(|row| (row.id, row)).collect();
        let ended: HashSet<_> = cached
            .iter()
            .filter(|token| {
                let is_unchanged =
                    rows.get(&token.row.id).is_some_and(|row| token.grants_same_as(row));
                !is_unchanged || token.principal.has_expired(now)
            })
            .map(|token| {
                token.revoked.cancel();
                token.row.id
            })
            .collect();
        if !ended.is_empty() {
            let mut tokens = self.tokens();
            tokens.by_id.retain(|id, _| !ended.contains(id));
            tokens.by_text.retain(|_, id| !ended.contains(id));
        }
        let used: Vec<_> = cached
            .iter()
            .filter(|token| token.is_used.swap(false, Ordering::Relaxed))
            .map(|token| token.row.id)
            .collect();
        if !used.is_empty() {
            token::record_use(&self.db, &used, now, RECORD_USE_EVERY).await?;
        }
        Ok(())
    }
}

impl Token {
    fn used(&self) -> Principal {
        self.is_used.store(true, Ordering::Relaxed);
        self.principal.clone()
    }

    /// Whether the row differs in its last use only.
    fn grants_same_as(&self, row: &access_token::Model) -> bool {
        let last_used_date = self.row.last_used_date;
        self.row == access_token::Model { last_used_date, ..row.clone() }
    }
}
