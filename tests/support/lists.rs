//! Reading lists to their ends.

use serde_json::{Value, json};
use uuid::Uuid;

use super::TestServer;

/// The ids of a list of objects.
#[track_caller]
pub fn ids(list: &Value) -> Vec<Uuid> {
    let objects = list.as_array().expect("a list");
    objects.iter().map(|object| object["id"].as_str().expect("an id").parse().unwrap()).collect()
}

/// As arguments to add to others: empty, or with a comma before them.
fn more(arguments: &str) -> String {
    if arguments.is_empty() { String::new() } else { format!(", {arguments}") }
}

impl TestServer {
    /// One page of `jobs` with all that is said of it.
    pub async fn jobs(&self, arguments: &str) -> Value {
        let arguments = if arguments.is_empty() { "page: 0" } else { arguments };
        let query = format!(
            "{{ jobs({arguments}) {{ items {{ id }} page take totalCount totalCountIsExact \
             pageCount hasNextPage }} }}"
        );
        self.query(&query, json!({})).await["jobs"].take()
    }

    /// The ids on all pages of `jobs`, one page after the other until there is no next one.
    pub async fn all_jobs(&self, take: usize, arguments: &str) -> Vec<Uuid> {
        let mut found = Vec::new();
        for page in 0.. {
            let arguments = format!("page: {page}, take: {take}{}", more(arguments));
            let page = self.jobs(&arguments).await;
            let ids = ids(&page["items"]);
            let has_next = page["hasNextPage"] == true;
            assert!(ids.len() == take || !has_next, "{arguments}: a page that is not full");
            found.extend(ids);
            if !has_next {
                break;
            }
        }
        found
    }

    /// One stretch of `jobsConnection`.
    pub async fn jobs_connection(&self, arguments: &str) -> Value {
        let arguments = if arguments.is_empty() { "after: null" } else { arguments };
        let query = format!(
            "{{ jobsConnection({arguments}) {{ edges {{ cursor node {{ id }} }} nodes {{ id }} \
             pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"
        );
        self.query(&query, json!({})).await["jobsConnection"].take()
    }

    /// The ids of the whole `jobsConnection`, from its start forwards.
    pub async fn forwards(&self, first: usize, arguments: &str) -> Vec<Uuid> {
        let mut found = Vec::new();
        let mut place = String::new();
        loop {
            let arguments = format!("first: {first}{place}{}", more(arguments));
            let stretch = self.jobs_connection(&arguments).await;
            found.extend(ids(&stretch["nodes"]));
            if stretch["pageInfo"]["hasNextPage"] == false {
                return found;
            }
            place = format!(", after: {}", stretch["pageInfo"]["endCursor"]);
        }
    }

    /// The same from its end backwards; the ids are in the list's order all the same.
    pub async fn backwards(&self, last: usize, arguments: &str) -> Vec<Uuid> {
        let mut found = Vec::new();
        let mut place = String::new();
        loop {
            let arguments = format!("last: {last}{place}{}", more(arguments));
            let stretch = self.jobs_connection(&arguments).await;
            found.splice(0..0, ids(&stretch["nodes"]));
            if stretch["pageInfo"]["hasPreviousPage"] == false {
                return found;
            }
            place = format!(", before: {}", stretch["pageInfo"]["startCursor"]);
        }
    }
}
