//! A server over a test's database, on a socket of its own.

use std::sync::Arc;
use std::time::Duration;

use agent_jobs::access::Access;
use agent_jobs::app::{App, Running};
use agent_jobs::db::Db;
use agent_jobs::graphql::Rules;
use agent_jobs::http::{self, HttpOptions};
use agent_jobs::live::Live;
use agent_jobs::reports::{LeasePolicy, WriteQueue};
use serde_json::{Value, json};

use super::{Kind, TestDatabase, client_builder};

/// Serves until it is dropped.
pub struct TestServer {
    db: Db,
    pub url: String,
    pub client: reqwest::Client,
    /// Where ops are told without GraphQL.
    pub write_queue: WriteQueue,
    pub live: Arc<Live>,
    _running: Running,
}

impl TestServer {
    pub async fn start(database: &TestDatabase) -> Self {
        // No lease expires during a test.
        Self::start_with(database, Self::lease_policy()).await
    }

    /// A policy by which no lease expires.
    pub fn lease_policy() -> LeasePolicy {
        LeasePolicy { lease: None, cancel_after: None, ..LeasePolicy::default() }
    }

    /// A server that waits for agents no longer than this.
    pub async fn start_with(database: &TestDatabase, lease_policy: LeasePolicy) -> Self {
        Self::start_ticking(database, lease_policy, Duration::from_millis(100)).await
    }

    /// A server whose subscriptions show something at most this often.
    pub async fn start_ticking(
        database: &TestDatabase,
        lease_policy: LeasePolicy,
        tick: Duration,
    ) -> Self {
        let guard = (Rules::default(), HttpOptions::default());
        Self::serve(database.open().await, lease_policy, tick, Access::open(), guard)
    }

    /// A server over an open database, which lets in whom `access` does.
    pub fn start_over(db: Db, lease_policy: LeasePolicy, access: Access) -> Self {
        let guard = (Rules::default(), HttpOptions::default());
        Self::serve(db, lease_policy, Duration::from_millis(100), access, guard)
    }

    /// A server that treats its clients by these options.
    pub async fn start_with_options(database: &TestDatabase, options: HttpOptions) -> Self {
        let guard = (Rules::default(), options);
        let tick = Duration::from_millis(100);
        Self::serve(database.open().await, Self::lease_policy(), tick, Access::open(), guard)
    }

    /// A server with rules of its own, over SQLite.
    pub async fn start_guarded(rules: Rules, options: HttpOptions) -> (Self, TestDatabase) {
        let database = TestDatabase::create(Kind::Sqlite).await;
        let tick = Duration::from_millis(100);
        let (db, guard) = (database.open().await, (rules, options));
        (Self::serve(db, Self::lease_policy(), tick, Access::open(), guard), database)
    }

    fn serve(
        db: Db,
        lease_policy: LeasePolicy,
        tick: Duration,
        access: Access,
        (rules, options): (Rules, HttpOptions),
    ) -> Self {
        let listener = http::listen(([127, 0, 0, 1], 0).into()).expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let app = App { access, rules, http: options, lease_policy, tick, ..App::new(db.clone()) };
        let running = app.start(listener);
        let (write_queue, live) =
            (running.api().write_queue().clone(), Arc::clone(running.api().live()));
        // Where clients have little time, the server may close an idle connection as it is used.
        let client = client_builder().pool_max_idle_per_host(0).build().expect("a client");
        Self { db, url, client, write_queue, live, _running: running }
    }

    /// The server's own database handle.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// The whole answer to a query.
    pub async fn answer(&self, query: &str, variables: Value) -> Value {
        self.client
            .post(format!("{}/graphql", self.url))
            .json(&json!({ "query": query, "variables": variables }))
            .send()
            .await
            .expect("an answer")
            .json()
            .await
            .expect("the answer is JSON")
    }

    /// The whole answer to a GET with these parameters.
    pub async fn get(&self, parameters: &[(&str, &str)]) -> Value {
        let mut url: reqwest::Url = format!("{}/graphql", self.url).parse().expect("a URL");
        url.query_pairs_mut().extend_pairs(parameters);
        self.client.get(url).send().await.expect("an answer").json().await.expect("JSON")
    }

    /// The data of an answer without errors.
    #[track_caller]
    pub fn query(&self, query: &str, variables: Value) -> impl Future<Output = Value> {
        let query = query.to_owned();
        async move {
            let mut answer = self.answer(&query, variables).await;
            assert!(answer.get("errors").is_none(), "{query}\n{answer:#}");
            answer["data"].take()
        }
    }
}
