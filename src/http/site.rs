//! The state that all routes share.

use std::sync::Arc;

use axum::extract::FromRef;

use super::limits::ClientLimiter;
use super::options::HttpOptions;
use crate::graphql::Api;

/// The state that all routes share.
#[derive(Clone)]
pub struct Site {
    pub api: Api,
    pub options: Arc<HttpOptions>,
    pub limiter: Arc<ClientLimiter>,
}

impl FromRef<Site> for Api {
    fn from_ref(site: &Site) -> Self {
        site.api.clone()
    }
}
