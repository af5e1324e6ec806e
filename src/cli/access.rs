use clap::{Args, ValueEnum};

use super::failure::Failure;
use super::listen_address::ListenAddress;
use crate::access::{Access, oidc};
use crate::db::Db;

/// Who is let in.
///
/// The rule: with `--auth tokens` or `--oidc-issuer` only who has a token. With neither everyone, as
/// an admin, which is refused where others than this machine's own users could connect, unless
/// `--insecure-no-auth` says that it is meant.
#[derive(Args)]
pub struct AccessOptions {
    /// Let in only who has an API token, which `agent-jobs token create` makes.
    #[arg(long, value_enum, env = "AGENT_JOBS_AUTH", help_heading = "Access")]
    auth: Option<Auth>,
    /// Let everyone in as an admin, on whatever address.
    #[arg(
        long,
        env = "AGENT_JOBS_INSECURE_NO_AUTH",
        conflicts_with_all = ["auth", "oidc_issuer"],
        help_heading = "Access"
    )]
    insecure_no_auth: bool,
    /// Let in who has a token of this OpenID Connect issuer, too: its https:// URL, as its tokens
    /// have it.
    #[arg(
        long,
        value_name = "URL",
        env = "AGENT_JOBS_OIDC_ISSUER",
        requires = "oidc_audience",
        value_parser = issuer,
        help_heading = "Access"
    )]
    oidc_issuer: Option<String>,
    /// What the issuer's tokens for this service name as their audience.
    #[arg(
        long,
        value_name = "NAME",
        env = "AGENT_JOBS_OIDC_AUDIENCE",
        requires = "oidc_issuer",
        help_heading = "Access"
    )]
    oidc_audience: Option<String>,
    /// The claim with the role: viewer, agent, operator or admin. Dots lead into objects.
    #[arg(
        long,
        value_name = "CLAIM",
        env = "AGENT_JOBS_OIDC_ROLE_CLAIM",
        default_value = "role",
        help_heading = "Access"
    )]
    oidc_role_claim: String,
    /// The claim with the ids of the configurations that a token is limited to, or `*`. A token
    /// without the claim sees none. Without this option the issuer's tokens are not limited.
    #[arg(
        long,
        value_name = "CLAIM",
        env = "AGENT_JOBS_OIDC_CONFIGURATIONS_CLAIM",
        help_heading = "Access"
    )]
    oidc_configurations_claim: Option<String>,
    /// The claim with the id of the agent that a token with the role `agent` is for.
    #[arg(
        long,
        value_name = "CLAIM",
        env = "AGENT_JOBS_OIDC_AGENT_CLAIM",
        default_value = "agent_id",
        help_heading = "Access"
    )]
    oidc_agent_claim: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Auth {
    /// API tokens, of the issuer too if there is one.
    Tokens,
}

/// Tokens are only as safe as the way on which the issuer's keys come.
fn issuer(text: &str) -> Result<String, String> {
    let url = reqwest::Url::parse(text).map_err(|error| error.to_string())?;
    let is_this_machine = || matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    match url.scheme() {
        "https" => Ok(text.to_owned()),
        "http" if is_this_machine() => Ok(text.to_owned()),
        _ => Err("expected an https:// URL".to_owned()),
    }
}

impl AccessOptions {
    /// Refuses to let everyone in from everywhere.
    pub fn check(&self, listen: &ListenAddress) -> Result<(), Failure> {
        let is_controlled = self.auth.is_some() || self.oidc_issuer.is_some();
        // The command line's own checks do not see what the environment and the file say.
        if is_controlled && self.insecure_no_auth {
            let message = "--insecure-no-auth: expected neither --auth nor --oidc-issuer beside it";
            return Err(Failure::new(Failure::USAGE, message));
        }
        if self.oidc_issuer.is_some() != self.oidc_audience.is_some() {
            let message = "--oidc-issuer and --oidc-audience: expected both or neither";
            return Err(Failure::new(Failure::USAGE, message));
        }
        if is_controlled || self.insecure_no_auth || listen.is_loopback() {
            return Ok(());
        }
        Err(Failure::new(
            Failure::USAGE,
            format!(
                "{listen} can be reached from other machines, and everyone would be let in. Let in \
                 only who has a token with `--auth tokens` (and `agent-jobs token create`) or \
                 `--oidc-issuer`; or say `--insecure-no-auth` if it is meant so"
            ),
        ))
    }

    /// Whom these options let in.
    pub async fn access(&self, db: &Db) -> Result<Access, Failure> {
        let issuer = self.oidc_issuer.clone().zip(self.oidc_audience.clone());
        let issuer = issuer.map(|(issuer, audience)| oidc::Options {
            role_claim: self.oidc_role_claim.clone(),
            configurations_claim: self.oidc_configurations_claim.clone(),
            agent_claim: self.oidc_agent_claim.clone(),
            ..oidc::Options::new(issuer, audience)
        });
        if self.auth.is_none() && issuer.is_none() {
            return Ok(Access::open());
        }
        Ok(Access::controlled(db, issuer).await?)
    }
}
