//! Building a statement for either database.

use entity::Timestamp;
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

/// A statement from its text, in which `:name` is a value, and `IN (:names)` any of a list of ids or texts:
/// `sql!(db, "SELECT name FROM agent WHERE id IN (:ids)", ids = &ids)`.
macro_rules! sql {
    ($db:expr, $text:expr $(, $name:ident = $value:expr)* $(,)?) => {{
        let mut sql = $crate::db::Sql::new($db.get_database_backend());
        sql.text(&$text, &[$((stringify!($name), $crate::db::Parameter::from($value))),*]);
        sql
    }};
}
pub(crate) use sql;

/// A value that a statement's text names.
#[derive(Debug)]
pub enum Parameter<'a> {
    Value(Value),
    Uuids(&'a [Uuid]),
    Texts(&'a [String]),
}

impl From<Timestamp> for Parameter<'_> {
    fn from(moment: Timestamp) -> Self {
        Self::Value(moment.into())
    }
}

impl From<Option<Uuid>> for Parameter<'_> {
    fn from(id: Option<Uuid>) -> Self {
        Self::Value(id.into())
    }
}

impl<'a> From<&'a Vec<Uuid>> for Parameter<'a> {
    fn from(ids: &'a Vec<Uuid>) -> Self {
        Self::Uuids(ids)
    }
}

impl<'a> From<&'a [Uuid]> for Parameter<'a> {
    fn from(ids: &'a [Uuid]) -> Self {
        Self::Uuids(ids)
    }
}

impl<'a> From<&'a Vec<String>> for Parameter<'a> {
    fn from(texts: &'a Vec<String>) -> Self {
        Self::Texts(texts)
    }
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

    /// Adds a text with its values.
    ///
    /// # Panics
    /// If the text names a value that is not given: a defect of the statement.
    pub fn text(&mut self, text: &str, values: &[(&str, Parameter<'_>)]) -> &mut Self {
        let mut rest = text;
        while let Some((before, name, after)) = next_parameter(rest) {
            let value = values.iter().find(|(each, _)| *each == name);
            let (_, value) = value.unwrap_or_else(|| panic!("no value {name} for {text}"));
            // A list has the operator of the database's own.
            let list = before.strip_suffix(" IN (").zip(after.strip_prefix(')'));
            rest = match (value, list) {
                (Parameter::Value(value), _) => {
                    self.push(before).bind(value.clone());
                    after
                }
                (Parameter::Uuids(ids), Some((before, after))) => {
                    self.push(before).any_uuid(ids);
                    after
                }
                (Parameter::Texts(texts), Some((before, after))) => {
                    self.push(before).any_text(texts);
                    after
                }
                (Parameter::Uuids(_) | Parameter::Texts(_), None) => {
                    panic!("expected IN (:{name}) in {text}")
                }
            };
        }
        self.push(rest)
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

/// Splits a text at its first `:name`. `::type` is a cast of PostgreSQL's.
fn next_parameter(text: &str) -> Option<(&str, &str, &str)> {
    let is_name = |byte: u8| byte == b'_' || byte.is_ascii_alphanumeric();
    let bytes = text.as_bytes();
    let starts = |at: usize| {
        bytes[at] == b':'
            && (at == 0 || bytes[at - 1] != b':')
            && bytes.get(at + 1).is_some_and(u8::is_ascii_lowercase)
    };
    let start = (0..bytes.len()).find(|at| starts(*at))?;
    let length = bytes[start + 1..].iter().take_while(|byte| is_name(**byte)).count();
    let end = start + 1 + length;
    Some((&text[..start], &text[start + 1..end], &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_values_become_parameters_of_either_database() {
        let (id, names) = (Uuid::nil(), vec!["a".to_owned()]);
        let ids = vec![id];
        for (backend, expected) in [
            (
                DbBackend::Postgres,
                "SELECT x::text FROM t WHERE a = $1 AND id = ANY($2) AND name = ANY($3) AND b = $4",
            ),
            (
                DbBackend::Sqlite,
                "SELECT x::text FROM t WHERE a = ? AND id IN (SELECT unhex(value) FROM json_each(?)) \
                 AND name IN (SELECT value FROM json_each(?)) AND b = ?",
            ),
        ] {
            let mut sql = Sql::new(backend);
            let text = "SELECT x::text FROM t WHERE a = :a AND id IN (:ids) AND name IN (:names) AND b = :a";
            let values: [(&str, Parameter<'_>); 3] =
                [("a", Some(id).into()), ("ids", (&ids).into()), ("names", (&names).into())];
            sql.text(text, &values);
            assert_eq!(sql.text, expected);
            assert_eq!(sql.values.len(), 4);
        }
    }
}
