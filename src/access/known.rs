//! The API tokens in use: looked up in the database once, and again every two seconds, all of them
//! in one statement. So a request with a known token costs no statement, and a revoked one ends
//! everywhere within seconds, subscriptions included.

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

use super::Denied;
use super::token::{self, read_scope};
use super::viewer::{Role, Viewer};
use crate::clock;
use crate::db::Db;

/// How often tokens are looked at again.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How often it is written that a token is in use.
const NOTE_EVERY: Duration = Duration::from_mins(1);

/// The tokens in use.
#[derive(Debug)]
pub struct Known {
    db: Db,
    fingerprints: Arc<hmac::Key>,
    tokens: Mutex<Tokens>,
}

#[derive(Debug, Default)]
struct Tokens {
    by_id: HashMap<Uuid, Arc<Token>>,
    /// The ids of those that were shown. Only valid tokens are kept, so they are not many.
    by_text: HashMap<String, Uuid>,
}

#[derive(Debug)]
struct Token {
    row: access_token::Model,
    viewer: Viewer,
    revoked: CancellationToken,
    is_used: AtomicBool,
}

impl Known {
    pub fn new(db: Db, fingerprints: Arc<hmac::Key>) -> Self {
        Self { db, fingerprints, tokens: Mutex::default() }
    }

    fn tokens(&self) -> MutexGuard<'_, Tokens> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose token this is.
    pub async fn by_text(&self, text: &str, now: Timestamp) -> Result<Viewer, Denied> {
        let known = {
            let tokens = self.tokens();
            tokens.by_text.get(text).and_then(|id| tokens.by_id.get(id)).cloned()
        };
        if let Some(token) = known {
            return Ok(token.seen());
        }
        let row = token::by_text(self.db.reader(), text).await?.ok_or(Denied::Invalid)?;
        self.keep(row, Some(text), now)
    }

    /// Whose token has this id.
    pub async fn by_id(&self, id: Uuid, now: Timestamp) -> Result<Viewer, Denied> {
        let known = self.tokens().by_id.get(&id).cloned();
        if let Some(token) = known {
            return Ok(token.seen());
        }
        let rows = token::by_ids(self.db.reader(), &[id]).await?;
        self.keep(rows.into_iter().next().ok_or(Denied::Invalid)?, None, now)
    }

    fn keep(
        &self,
        row: access_token::Model,
        text: Option<&str>,
        now: Timestamp,
    ) -> Result<Viewer, Denied> {
        let id = row.id;
        // A role that this version does not know may nothing.
        let role = Role::from_name(&row.role).ok_or(Denied::Invalid)?;
        let revoked = CancellationToken::new();
        let scope = read_scope(row.configurations.as_deref());
        let viewer = Viewer::new(&row.name, role, scope, Arc::clone(&self.fingerprints))
            .with_agent(row.agent_id)
            .until(row.expires_date)
            .with_token(id)
            .until_revoked(revoked.clone());
        if viewer.is_over(now) {
            return Err(Denied::Invalid);
        }
        let mut tokens = self.tokens();
        let new = || Arc::new(Token { row, viewer, revoked, is_used: AtomicBool::new(true) });
        // Another request may have kept it meanwhile.
        let token = Arc::clone(tokens.by_id.entry(id).or_insert_with(new));
        if let Some(text) = text {
            tokens.by_text.insert(text.to_owned(), id);
        }
        Ok(token.seen())
    }

    /// Looks at the tokens in use again and again.
    pub async fn run(&self) {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            if let Err(error) = self.look(clock::now()).await {
                tracing::warn!(%error, "looking at the tokens in use");
            }
        }
    }

    async fn look(&self, now: Timestamp) -> Result<(), DbErr> {
        let known: Vec<_> = self.tokens().by_id.values().cloned().collect();
        if known.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = known.iter().map(|token| token.row.id).collect();
        let rows = token::by_ids(self.db.reader(), &ids).await?;
        let rows: HashMap<_, _> = rows.into_iter().map(|row| (row.id, row)).collect();
        let over: HashSet<_> = known
            .iter()
            .filter(|token| {
                let is_same = rows.get(&token.row.id).is_some_and(|row| token.is_as(row));
                !is_same || token.viewer.is_over(now)
            })
            .map(|token| {
                token.revoked.cancel();
                token.row.id
            })
            .collect();
        if !over.is_empty() {
            let mut tokens = self.tokens();
            tokens.by_id.retain(|id, _| !over.contains(id));
            tokens.by_text.retain(|_, id| !over.contains(id));
        }
        let used: Vec<_> = known
            .iter()
            .filter(|token| token.is_used.swap(false, Ordering::Relaxed))
            .map(|token| token.row.id)
            .collect();
        if !used.is_empty() {
            token::note_use(&self.db, &used, now, NOTE_EVERY).await?;
        }
        Ok(())
    }
}

impl Token {
    fn seen(&self) -> Viewer {
        self.is_used.store(true, Ordering::Relaxed);
        self.viewer.clone()
    }

    /// Whether it allows the same as the row does.
    fn is_as(&self, row: &access_token::Model) -> bool {
        let last_used_date = self.row.last_used_date;
        self.row == access_token::Model { last_used_date, ..row.clone() }
    }
}
