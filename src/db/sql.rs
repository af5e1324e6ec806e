//! Building a statement for either database.

use sea_orm::sea_query::ArrayType;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement, Value};
use uuid::Uuid;

/// A builder of statements: text and parameters grow together, so that values never become text.
#[derive(Debug, Clone)]
pub struct Sql {
    backend: DbBackend,
    text: String,
    values: Vec<Value>,
}

impl Sql {
    pub fn new(backend: DbBackend) -> Self {
        Self { backend, text: String::with_capacity(512), values: Vec::new() }
    }

    pub fn is_postgres(&self) -> bool {
        self.backend == DbBackend::Postgres
    }

    pub fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds the text for this database.
    pub fn push_either(&mut self, sqlite: &str, postgres: &str) -> &mut Self {
        let text = if self.is_postgres() { postgres } else { sqlite };
        self.push(text)
    }

    /// Adds a parameter.
    pub fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        let mut value = value.into();
        // SQLite stores dates as integers (see `entity::Timestamp`).
        if !self.is_postgres()
            && let Value::ChronoDateTimeUtc(moment) = value
        {
            value = Value::BigInt(moment.map(|moment| moment.timestamp_micros()));
        }
        self.values.push(value);
        if self.is_postgres() {
            self.text.push('$');
            self.text.push_str(&self.values.len().to_string());
        } else {
            // Without a number: SQLite looks up a numbered parameter among all before it, which
            // makes statements with thousands of them slow.
            self.text.push('?');
        }
        self
    }

    /// Adds ` = ANY(ids)`, as one parameter whatever their number, so that lists of all lengths
    /// share one prepared statement.
    pub fn any_uuid(&mut self, ids: &[Uuid]) -> &mut Self {
        if self.is_postgres() {
            self.push(" = ANY(");
            self.bind_uuids(ids).push(")")
        } else {
            self.push(" IN (SELECT unhex(value) FROM json_each(");
            self.bind_uuids(ids).push("))")
        }
    }

    /// Adds a parameter that holds ids: an array on PostgreSQL, a JSON array of hexadecimal
    /// texts on SQLite.
    pub fn bind_uuids(&mut self, ids: &[Uuid]) -> &mut Self {
        if self.is_postgres() {
            let ids = ids.iter().map(|id| Value::Uuid(Some(*id))).collect();
            return self.bind(Value::Array(ArrayType::Uuid, Some(Box::new(ids))));
        }
        let mut json = String::with_capacity(ids.len() * 35 + 2);
        json.push('[');
        for id in ids {
            if json.len() > 1 {
                json.push(',');
            }
            json.push('"');
            json.push_str(id.simple().encode_lower(&mut Uuid::encode_buffer()));
            json.push('"');
        }
        json.push(']');
        self.bind(json)
    }

    /// Adds ` = ANY(texts)`, as one parameter.
    pub fn any_text(&mut self, texts: &[String]) -> &mut Self {
        if self.is_postgres() {
            let texts = texts.iter().map(|text| text.as_str().into()).collect();
            self.push(" = ANY(");
            self.bind(Value::Array(ArrayType::String, Some(Box::new(texts)))).push(")")
        } else {
            let json = serde_json::to_string(texts).expect("texts are JSON");
            self.push(" IN (SELECT value FROM json_each(").bind(json).push("))")
        }
    }

    fn into_statement(self) -> Statement {
        Statement::from_sql_and_values(self.backend, self.text, self.values)
    }

    pub async fn all(self, db: &impl ConnectionTrait) -> Result<Vec<QueryResult>, DbErr> {
        db.query_all_raw(self.into_statement()).await
    }

    pub async fn one(self, db: &impl ConnectionTrait) -> Result<Option<QueryResult>, DbErr> {
        db.query_one_raw(self.into_statement()).await
    }

    pub async fn execute(self, db: &impl ConnectionTrait) -> Result<ExecResult, DbErr> {
        db.execute_raw(self.into_statement()).await
    }
}
