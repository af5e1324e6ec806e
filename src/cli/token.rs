use std::io;
use std::time::Duration;

use clap::{Args, Subcommand};
use entity::{Timestamp, access_token};
use uuid::Uuid;

use super::database_options::DatabaseOptions;
use super::failure::{Failure, print};
use crate::access::Role;
use crate::access::token::{self, NewToken};
use crate::clock;
use crate::db::Db;
use crate::jobs::scope::Scope;
use crate::output;

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    database: DatabaseOptions,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Make a token and print it: it is shown this once.
    Create(Create),
    /// List the tokens, the newest first.
    List,
    /// End tokens. Requests with them are refused within seconds.
    Revoke {
        /// The token's id, or the name of one or several.
        token: String,
    },
}

#[derive(Args)]
struct Create {
    /// Whose it is, or what it is for.
    name: String,
    /// What it allows.
    #[arg(long, value_enum)]
    role: Role,
    /// Limit it to this configuration; may be repeated.
    #[arg(long, value_name = "ID")]
    configuration_id: Vec<Uuid>,
    /// After how long it ends, or `never`.
    #[arg(long, value_name = "TIME", default_value = "90d", value_parser = length)]
    expires: Length,
    /// The agent that a token with the role `agent` is for: it reports on this one's runs alone.
    #[arg(long, value_name = "ID")]
    agent_id: Option<Uuid>,
    /// Let a token with the role `agent` speak for any agent, as a platform's gateway or pipeline
    /// does.
    #[arg(long, conflicts_with = "agent_id")]
    any_agent: bool,
}

#[derive(Clone, Copy, Debug)]
struct Length(Option<Duration>);

fn length(text: &str) -> Result<Length, String> {
    if text == "never" {
        return Ok(Length(None));
    }
    match humantime::parse_duration(text) {
        Ok(length) if !length.is_zero() => Ok(Length(Some(length))),
        _ => Err("expected a time such as 90d or 12h, or never".to_owned()),
    }
}

pub async fn run(options: Options) -> Result<(), Failure> {
    let db = options.database.open().await?;
    match options.action {
        Action::Create(create) => {
            let (id, text) = token::create(&db, create.into_token()?, clock::now()).await?;
            output::note(format_args!(
                "made the token {id}; this is the only time that it is shown:"
            ));
            // Here a closed pipe is a failure, too: the token in it cannot be read any more.
            if let Err(error) = output::print(text) {
                return Err(take_back(&db, id, &error).await);
            }
        }
        Action::List => {
            let tokens = token::list(db.reader()).await?;
            print_all(&tokens, clock::now())?;
        }
        Action::Revoke { token } => {
            let revoked = token::revoke(&db, &token, clock::now()).await?;
            if revoked.is_empty() {
                let message = format!("there is no valid token with the id or name {token}");
                return Err(Failure::new(Failure::CHECK, message));
            }
            for each in revoked {
                print(format_args!("revoked {} {}", each.id, each.name))?;
            }
        }
    }
    db.close().await;
    Ok(())
}

/// Revokes a token that could not be shown. Returns the command's failure.
async fn take_back(db: &Db, id: Uuid, error: &io::Error) -> Failure {
    let outcome = match token::revoke(db, &id.to_string(), clock::now()).await {
        Ok(_) => "it is revoked".to_owned(),
        Err(error) => format!("revoking it failed, too: {error}"),
    };
    let message = format!("cannot show the token {id}: {error}; {outcome}");
    Failure::new(Failure::OUTPUT, message)
}

impl Create {
    fn into_token(self) -> Result<NewToken, Failure> {
        let is_agent = self.role == Role::Agent;
        let says_which = self.agent_id.is_some() || self.any_agent;
        if is_agent != says_which {
            let message = if is_agent {
                "a token with the role agent takes `--agent-id`, or `--any-agent`"
            } else {
                "`--agent-id` and `--any-agent` are for the role agent"
            };
            return Err(Failure::new(Failure::USAGE, message));
        }
        if self.name.trim().is_empty() || self.name.chars().any(char::is_control) {
            return Err(Failure::new(Failure::USAGE, "NAME: expected a name"));
        }
        let now = clock::now();
        let expires = match self.expires.0 {
            None => None,
            Some(length) => {
                let micros = i64::try_from(length.as_micros()).ok();
                let end = micros.and_then(|micros| now.micros().checked_add(micros));
                let end = end.and_then(Timestamp::from_micros);
                Some(end.ok_or_else(|| Failure::new(Failure::USAGE, "--expires: too long"))?)
            }
        };
        Ok(NewToken {
            name: self.name,
            role: self.role,
            scope: match self.configuration_id.as_slice() {
                [] => Scope::All,
                ids => Scope::only(ids.iter().copied()),
            },
            agent_id: self.agent_id,
            expires,
        })
    }
}

fn print_all(tokens: &[access_token::Model], now: Timestamp) -> Result<(), Failure> {
    for token in tokens {
        let state = if token.revoked_date.is_some() {
            "revoked"
        } else if token.expires_date.is_some_and(|expires| expires <= now) {
            "expired"
        } else {
            "valid"
        };
        let date = |date: Option<Timestamp>| {
            date.map_or_else(|| "never".to_owned(), |date| date.utc().format("%F %R").to_string())
        };
        let configurations = token.configurations.as_deref().unwrap_or("all configurations");
        let agent = token.agent_id.map_or_else(String::new, |id| format!(", agent {id}"));
        print(format_args!(
            "{} {:<7} {:<8} {}\n    {configurations}{agent}; made {}, expires {}, last used {}",
            token.id,
            state,
            token.role,
            token.name,
            date(Some(token.created_date)),
            date(token.expires_date),
            date(token.last_used_date),
        ))?;
    }
    Ok(())
}
