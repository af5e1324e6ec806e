//! The server that a command is a client of.

use clap::Args;
use reqwest::Url;
use reqwest::header::{HeaderValue, InvalidHeaderValue};

use super::failure::Failure;

/// The server that a command is a client of.
#[derive(Args)]
pub struct ServerOptions {
    /// The server.
    #[arg(long, env = "AGENT_JOBS_URL", default_value = "http://127.0.0.1:8080")]
    pub url: Url,
    /// The token to show the server, if it asks for one.
    #[arg(long, value_name = "TOKEN", env = "AGENT_JOBS_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

impl ServerOptions {
    /// The header that shows the token.
    pub fn authorization(&self) -> Result<Option<HeaderValue>, Failure> {
        if !matches!(self.url.scheme(), "http" | "https") {
            return Err(Failure::new(Failure::USAGE, "--url: expected http:// or https://"));
        }
        let Some(token) = &self.token else { return Ok(None) };
        let wrong = |_| Failure::new(Failure::USAGE, "--token: expected a token, as it was shown");
        bearer(token).map_err(wrong).map(Some)
    }
}

/// The header that shows a token.
pub fn bearer(token: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    let mut header = HeaderValue::try_from(format!("Bearer {token}"))?;
    header.set_sensitive(true);
    Ok(header)
}
