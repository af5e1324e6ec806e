//! What a watcher of `executingJobs` knows, put together from what it was sent.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::{TestServer, Update, Watch, soon};

/// The jobs that execute, by their ids, each as it was sent last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Folded {
    pub jobs: BTreeMap<String, Value>,
    /// The states that jobs removed to.
    pub removed: BTreeMap<String, String>,
    pub snapshots: usize,
    pub updates: usize,
}

impl Folded {
    /// Takes over an update.
    pub fn fold(&mut self, data: &Value) {
        let update = &data["executingJobs"];
        let is_snapshot = update["isSnapshot"].as_bool().expect("a boolean");
        let jobs = update["jobs"].as_array().expect("jobs");
        let removed = update["removed"].as_array().expect("removed jobs");
        self.updates += 1;
        if is_snapshot {
            self.snapshots += 1;
            self.jobs.clear();
            assert!(removed.is_empty(), "a snapshot removes none: {data:#}");
        } else {
            assert!(self.updates > 1, "a snapshot comes first: {data:#}");
        }
        let id = |value: &Value| value["id"].as_str().expect("an id").to_owned();
        let mut met = HashSet::new();
        for job in removed {
            assert!(met.insert(id(job)), "twice in an update: {data:#}");
            self.jobs.remove(&id(job));
            let state = job["state"].as_str().expect("a state");
            self.removed.insert(id(job), state.to_owned());
        }
        for job in jobs {
            assert!(met.insert(id(job)), "twice in an update: {data:#}");
            self.jobs.insert(id(job), job.clone());
            self.removed.remove(&id(job));
        }
    }

    /// Reads on until what was sent is this.
    pub async fn read_until(&mut self, watch: &mut Watch, expected: &BTreeMap<String, Value>) {
        self.try_read_until(watch, expected).await.expect("the connection holds");
    }

    /// The same, unless the connection ends before.
    pub async fn try_read_until(
        &mut self,
        watch: &mut Watch,
        expected: &BTreeMap<String, Value>,
    ) -> Option<()> {
        let read = async {
            while self.jobs != *expected || self.updates == 0 {
                match watch.read().await {
                    Update::Payload(mut payload) => {
                        assert!(payload.get("errors").is_none(), "{payload:#}");
                        self.fold(&payload["data"].take());
                    }
                    Update::Complete => panic!("it is never over"),
                    Update::Closed => return None,
                }
            }
            Some(())
        };
        let read = tokio::time::timeout(Duration::from_secs(30), read).await;
        read.unwrap_or_else(|_| {
            assert_eq!(self.jobs, *expected, "removed: {:?}", self.removed);
            Some(())
        })
    }
}

impl TestServer {
    /// The jobs that execute, by their ids, as a query tells it.
    pub async fn executing(&self, arguments: &str, fields: &str) -> BTreeMap<String, Value> {
        let query = format!("{{ executingJobs{arguments} {{ {fields} }} }}");
        let data = soon(self.query(&query, json!({}))).await;
        let jobs = data["executingJobs"].as_array().expect("a list").clone();
        let id = |job: &Value| job["id"].as_str().expect("an id").to_owned();
        jobs.into_iter().map(|job| (id(&job), job)).collect()
    }
}
