//! What every error has in common.

use serde_json::Value;

/// The errors of an answer, each with a code and a message fit for strangers.
#[track_caller]
pub fn errors_of(answer: &Value) -> Vec<Value> {
    let errors = answer["errors"].as_array().cloned().unwrap_or_default();
    for error in &errors {
        let message = error["message"].as_str().expect("a message");
        let code = error["extensions"]["code"].as_str().unwrap_or_default();
        assert!(!code.is_empty() && code != "INTERNAL", "{answer:#}");
        assert!(!message.is_empty() && message.len() < 500, "{message}");
        for inside in [
            "SELECT", "FROM job", "sqlx", "sqlite", "postgres", "job_run", ".rs", "struct ",
            "/src", "panicked",
        ] {
            assert!(!message.contains(inside), "{inside}: {message}");
        }
    }
    errors
}
