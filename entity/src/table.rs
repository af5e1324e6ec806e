//! What is known of a table beyond its `Model`: each column's [`Field`], and reading only some
//! of the columns.

use std::fmt;
use std::marker::PhantomData;

use sea_orm::sea_query::{ArrayType, ColumnType, Value};
use sea_orm::{
    ColumnTrait, DbErr, EntityTrait, IdenStatic, Iterable, ModelTrait, QueryResult, TryGetable,
};
use uuid::Uuid;

use crate::{Long, Millis, Timestamp};

/// What a column holds, whatever the database calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Uuid,
    Text,
    Bool,
    Integer,
    Float,
    /// A moment in UTC.
    Timestamp,
    /// A 64-bit count.
    Count,
    /// A length of time, in milliseconds.
    Duration,
    /// A [`JobState`](crate::JobState).
    JobState,
    /// A [`ProcessingState`](crate::ProcessingState).
    ProcessingState,
}

impl Kind {
    fn of(column_type: &ColumnType) -> Self {
        match column_type {
            ColumnType::Uuid => Self::Uuid,
            ColumnType::Boolean => Self::Bool,
            ColumnType::Integer => Self::Integer,
            ColumnType::Double => Self::Float,
            ColumnType::TimestampWithTimeZone => Self::Timestamp,
            ColumnType::BigInteger => Self::Count,
            ColumnType::Interval(..) => Self::Duration,
            ColumnType::Custom(name) if name.to_string() == "JobState" => Self::JobState,
            ColumnType::Custom(name) if name.to_string() == "ProcessingState" => {
                Self::ProcessingState
            }
            _ => Self::Text,
        }
    }

    /// The array that holds such values, for statements that bind one array per column.
    pub fn array_type(self) -> ArrayType {
        match self {
            Self::Uuid => ArrayType::Uuid,
            Self::Bool => ArrayType::Bool,
            Self::Integer => ArrayType::Int,
            Self::Float => ArrayType::Double,
            Self::Timestamp => ArrayType::ChronoDateTimeUtc,
            Self::Count | Self::Duration => ArrayType::BigInt,
            Self::Text | Self::JobState | Self::ProcessingState => ArrayType::String,
        }
    }

    /// PostgreSQL's name of the type.
    pub fn postgres_type(self) -> &'static str {
        match self {
            Self::Uuid => "uuid",
            Self::Bool => "boolean",
            Self::Integer => "integer",
            Self::Float => "double precision",
            Self::Timestamp => "timestamptz",
            Self::Count | Self::Duration => "bigint",
            Self::Text | Self::JobState | Self::ProcessingState => "text",
        }
    }

    /// The null of this kind.
    pub fn null(self) -> Value {
        match self {
            Self::Uuid => Value::Uuid(None),
            Self::Bool => Value::Bool(None),
            Self::Integer => Value::Int(None),
            Self::Float => Value::Double(None),
            Self::Timestamp => Value::ChronoDateTimeUtc(None),
            Self::Count | Self::Duration => Value::BigInt(None),
            Self::Text | Self::JobState | Self::ProcessingState => Value::String(None),
        }
    }

    /// The value at `index` of a row.
    pub fn read(self, row: &QueryResult, index: usize) -> Result<Value, DbErr> {
        fn get<T: TryGetable>(row: &QueryResult, index: usize) -> Result<Value, DbErr>
        where
            Option<T>: Into<Value>,
        {
            Ok(Option::<T>::try_get_by_index(row, index)?.into())
        }
        match self {
            Self::Uuid => get::<Uuid>(row, index),
            Self::Bool => get::<bool>(row, index),
            Self::Integer => get::<i32>(row, index),
            Self::Float => get::<f64>(row, index),
            Self::Timestamp => get::<Timestamp>(row, index),
            Self::Count => get::<Long>(row, index),
            Self::Duration => get::<Millis>(row, index),
            Self::Text | Self::JobState | Self::ProcessingState => get::<String>(row, index),
        }
    }
}

/// A column, with its names everywhere.
#[derive(Debug)]
pub struct Field<E: EntityTrait> {
    pub column: E::Column,
    /// In the database: `agent_state`.
    pub name: &'static str,
    /// In GraphQL: `agentState`.
    pub graphql: String,
    /// The name on the platform, in import and export files and in REST: `AgentState`.
    pub external_name: String,
    pub kind: Kind,
    pub nullable: bool,
    /// Only for the service itself: in no API and no file.
    pub internal: bool,
}

/// A table whose columns can be enumerated and picked from. At most 64 columns.
pub trait Table: EntityTrait<Model: Default + Sync> {
    /// The table's name in the database.
    const NAME: &'static str;

    /// Every column, in the order of the table; internal ones come last.
    fn fields() -> &'static [Field<Self>];

    /// The columns that APIs and files have.
    fn public() -> impl Iterator<Item = &'static Field<Self>> {
        Self::fields().iter().filter(|field| !field.internal)
    }

    /// Where the column of this name stands among the fields.
    ///
    /// # Panics
    /// If the table has no such column.
    fn place(name: &str) -> usize {
        let place = Self::fields().iter().position(|field| field.name == name);
        place.unwrap_or_else(|| panic!("{} has no column {name}", Self::NAME))
    }
}

/// Builds what [`Table::fields`] keeps.
pub(crate) fn describe<E: EntityTrait>(internal: &[&str]) -> Vec<Field<E>> {
    E::Column::iter()
        .map(|column| {
            let definition = column.def();
            let name = column.as_str();
            Field {
                column,
                name,
                graphql: camel_case(name),
                external_name: pascal_case(name),
                kind: Kind::of(definition.get_column_type()),
                nullable: definition.is_null(),
                internal: internal.contains(&name),
            }
        })
        .collect()
}

macro_rules! table {
    ($name:literal $(, internal: [$($internal:literal),* $(,)?])?) => {
        impl crate::Table for Entity {
            const NAME: &'static str = $name;

            fn fields() -> &'static [crate::Field<Self>] {
                static FIELDS: std::sync::LazyLock<Vec<crate::Field<Entity>>> =
                    std::sync::LazyLock::new(|| {
                        crate::table::describe::<Entity>(&[$($($internal),*)?])
                    });
                &FIELDS
            }
        }
    };
}
pub(crate) use table;

/// A set of a table's columns, kept in the order of the table so that equal sets make equal
/// statements.
pub struct Columns<E>(u64, PhantomData<fn() -> E>);

impl<E: Table> Columns<E> {
    pub fn none() -> Self {
        Self(0, PhantomData)
    }

    pub fn all() -> Self {
        E::fields().iter().map(|field| field.column).collect()
    }

    /// Those that APIs and files have.
    pub fn public() -> Self {
        E::public().map(|field| field.column).collect()
    }

    pub fn with(mut self, column: E::Column) -> Self {
        self.insert(column);
        self
    }

    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0, PhantomData)
    }

    pub fn insert(&mut self, column: E::Column) {
        self.insert_at(E::place(column.as_str()));
    }

    /// Adds the column at this place of [`Table::fields`].
    pub fn insert_at(&mut self, place: usize) {
        self.0 |= 1 << place;
    }

    pub fn contains(self, column: E::Column) -> bool {
        self.0 & (1 << E::place(column.as_str())) != 0
    }

    /// The places of the set's columns in [`Table::fields`].
    pub fn places(self) -> impl Iterator<Item = usize> + Clone {
        (0..E::fields().len()).filter(move |place| self.0 & (1 << place) != 0)
    }

    /// The columns in the set.
    pub fn fields(self) -> impl Iterator<Item = &'static Field<E>> {
        self.places().map(|place| &E::fields()[place])
    }

    /// The set as a select list: `alias."id", alias."agent_state"`; a constant for the empty set,
    /// since a statement must select something.
    pub fn select(self, alias: &str) -> String {
        if self.0 == 0 {
            return "1".to_owned();
        }
        let mut list = String::with_capacity(self.0.count_ones() as usize * 32);
        for field in self.fields() {
            if !list.is_empty() {
                list.push_str(", ");
            }
            list.push_str(alias);
            list.push_str(".\"");
            list.push_str(field.name);
            list.push('"');
        }
        list
    }

    /// Reads a row whose columns from `first` on are this set's. The model's other fields keep
    /// their defaults: code that picks the columns reads no others.
    pub fn read(self, row: &QueryResult, first: usize) -> Result<E::Model, DbErr> {
        let mut model = E::Model::default();
        for (index, field) in self.fields().enumerate() {
            model.try_set(field.column, field.kind.read(row, first + index)?)?;
        }
        Ok(model)
    }
}

impl<E: Table> FromIterator<E::Column> for Columns<E> {
    fn from_iter<I: IntoIterator<Item = E::Column>>(columns: I) -> Self {
        columns.into_iter().fold(Self::none(), Self::with)
    }
}

impl<E> Clone for Columns<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Columns<E> {}

impl<E> PartialEq for Columns<E> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<E> Eq for Columns<E> {}

impl<E> std::hash::Hash for Columns<E> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<E: Table> fmt::Debug for Columns<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.fields().map(|field| field.name)).finish()
    }
}

/// `agent_state` as `agentState`.
pub fn camel_case(name: &str) -> String {
    let mut pascal = pascal_case(name);
    if let Some(first) = pascal.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    pascal
}

/// `agent_state` as `AgentState`.
pub fn pascal_case(name: &str) -> String {
    name.split('_')
        .flat_map(|word| {
            word.char_indices().map(
                |(index, letter)| {
                    if index == 0 { letter.to_ascii_uppercase() } else { letter }
                },
            )
        })
        .collect()
}

/// `AgentState`, `agentState` and `agent_state` as `agent_state`; `ID` as `id`.
pub fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 8);
    let mut previous_is_lower = false;
    for letter in name.trim().chars() {
        if letter.is_ascii_uppercase() && previous_is_lower {
            snake.push('_');
        }
        previous_is_lower = letter.is_ascii_lowercase() || letter.is_ascii_digit();
        snake.push(match letter {
            ' ' | '-' => '_',
            letter => letter.to_ascii_lowercase(),
        });
    }
    snake
}
