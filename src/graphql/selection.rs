//! The columns that a selection needs.

use async_graphql::{Context, SelectionField};
use entity::{Columns, Table};
use sea_orm::EntityTrait;

/// An object type of a table's rows.
pub trait Selectable {
    type Entity: Table;

    /// The fields that are not columns, with the columns that their resolvers read.
    const DERIVED: &'static [(&'static str, &'static [<Self::Entity as EntityTrait>::Column])];
}

/// The columns to read for the selection of the current field, of type `T`.
pub fn columns<T: Selectable>(context: &Context<'_>) -> Columns<T::Entity> {
    columns_at::<T>(context, &[])
}

/// The same for the fields at the end of `path` below the current one: `items`, `edges.node`.
pub fn columns_at<T: Selectable>(context: &Context<'_>, path: &[&str]) -> Columns<T::Entity> {
    let mut columns = Columns::none();
    collect::<T>(&context.field(), path, &mut columns);
    columns
}

fn collect<T: Selectable>(
    field: &SelectionField<'_>,
    path: &[&str],
    columns: &mut Columns<T::Entity>,
) {
    if let [next, rest @ ..] = path {
        for child in field.selection_set().filter(|child| child.name() == *next) {
            collect::<T>(&child, rest, columns);
        }
        return;
    }
    for child in field.selection_set() {
        let name = child.name();
        if let Some(ordinal) =
            T::Entity::fields().iter().position(|field| field.graphql == name && !field.internal)
        {
            columns.insert_at(ordinal);
        } else if let Some((_, needed)) = T::DERIVED.iter().find(|(derived, _)| *derived == name) {
            needed.iter().for_each(|column| columns.insert(*column));
        }
    }
}

/// Whether the field at the end of `path` is selected.
pub fn is_selected(context: &Context<'_>, path: &[&str]) -> bool {
    fn contains(field: &SelectionField<'_>, path: &[&str]) -> bool {
        let [next, rest @ ..] = path else { return true };
        field.selection_set().any(|child| child.name() == *next && contains(&child, rest))
    }
    contains(&context.field(), path)
}
