//! Servers with access control, and requests with tokens.

use agent_jobs::access::token::{self, NewToken};
use agent_jobs::access::{Access, Role, oidc};
use agent_jobs::clock;
use agent_jobs::jobs::scope::Scope;
use entity::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{TestDatabase, TestServer};

impl TestServer {
    /// A server that lets in only who has a token, of its own or of this issuer.
    pub async fn controlled(database: &TestDatabase, issuer: Option<oidc::Options>) -> Self {
        let db = database.open().await;
        let access = Access::controlled(&db, issuer).await.expect("access control");
        Self::start_over(db, Self::lease_policy(), access)
    }

    /// Makes a token. Returns its id and what it is.
    pub async fn token(
        &self,
        role: Role,
        scope: Scope,
        agent_id: Option<Uuid>,
        expires: Option<Timestamp>,
    ) -> (Uuid, String) {
        let name = format!("a test's {}", role.name());
        let new = NewToken { name, role, scope, agent_id, expires };
        token::create(self.db(), new, clock::now()).await.expect("making a token")
    }

    /// The whole response to a request with this token; the first one of a subscription.
    pub async fn answer_as(&self, token: &str, query: &str, variables: Value) -> Value {
        let request = self
            .client
            .post(format!("{}/graphql", self.url))
            .bearer_auth(token)
            .json(&json!({ "query": query, "variables": variables }));
        if !query.starts_with("subscription") {
            let response = request.send().await.expect("an answer");
            return response.json().await.expect("JSON");
        }
        let request = request.header("Accept", "text/event-stream");
        let mut response = request.send().await.expect("an answer");
        let mut text = String::new();
        while let Some(chunk) = response.chunk().await.expect("it goes on") {
            text.push_str(&String::from_utf8_lossy(&chunk));
            let data = text
                .split("\n\n")
                .find_map(|event| event.lines().find_map(|line| line.strip_prefix("data: ")));
            if let Some(data) = data
                && text.ends_with("\n\n")
            {
                return serde_json::from_str(data).expect("JSON");
            }
        }
        panic!("the subscription ended: {text}")
    }
}
