//! A filtered list of jobs as a CSV file for spreadsheets.
//!
//! It starts with a byte order mark: without one Excel on Windows decodes UTF-8 as the system's code
//! page.

use axum::body::{Body, Bytes};
use axum::extract::{Extension, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use entity::{Columns, Kind, Table as _, job};
use futures_util::future::ready;
use futures_util::stream::{self, StreamExt as _};
use serde_json::Value as Json;

use super::filter;
use super::jobs::list_cost;
use super::parameters::RawParameters;
use super::problem::Problem;
use super::request::{Authenticated, within};
use super::{route_parameters, values};
use crate::db::Db;
use crate::http::limits::{Client, Permit, cpu_pool};
use crate::http::site::Site;
use crate::jobs::conditions::Conditions;
use crate::jobs::cursor::Cursor;
use crate::jobs::list::JobList;
use crate::jobs::order::Order;
use crate::jobs::page::{Bounds, KeysetPage, ListedJob, Selection};
use crate::jobs::scope::Scope;

/// Jobs that are read at once. Between pages no database connection is held, and the next page is read
/// only when the client has received the last one.
const PAGE: i64 = 250;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The matching jobs, in the order of the list. The first page is read before the response starts, so that a
/// database error has a status.
pub async fn jobs(
    State(site): State<Site>,
    Extension(client): Extension<Client>,
    Authenticated(principal): Authenticated,
    raw: RawParameters,
) -> Result<Response, Problem> {
    let given = raw.read(&route_parameters::FILE)?;
    let conditions = filter::conditions(&site, &given)?;
    let scope = principal.scope().narrowed(given.uuid("configurationId")?);
    let columns = given.columns("fields")?.unwrap_or_else(Columns::<job::Entity>::public);
    let permit = site.limiter.stream(&client)?;
    let file = File {
        db: site.api.db().for_long_queries(site.limiter.queue(&client).statements()),
        scope,
        conditions,
        order: given.order()?,
        columns,
        after: None,
        permit,
    };
    let (start, file) = within(&site, file.chunk(true)).await?;
    let rest = stream::try_unfold(file, async |file| {
        let Some(file) = file else { return Ok(None) };
        // On an error the connection is aborted, so that the client does not take the file for complete.
        file.chunk(false).await.map(Some).map_err(|problem| problem.0.error)
    });
    let chunks = stream::once(ready(Ok(start))).chain(rest);
    let mut response = Body::from_stream(chunks).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"jobs.csv\""),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

struct File {
    db: Db,
    scope: Scope,
    conditions: Conditions,
    order: Order,
    columns: Columns<job::Entity>,
    after: Option<Cursor>,
    permit: Permit,
}

impl File {
    /// The next jobs as text, and the rest of the file if there may be more.
    async fn chunk(mut self, is_first: bool) -> Result<(Bytes, Option<Self>), Problem> {
        let cost = list_cost(PAGE, self.selection(), &self.conditions, self.order, &self.scope);
        cpu_pool::run(self.permit.queue(), cost, async move {
            let permit = self.db.long_query_permit().await;
            let page = self.page().await?;
            drop(permit);
            let chunk = self.write(&page.items, is_first)?;
            Ok((chunk, page.has_more.then_some(self)))
        })
        .await
    }

    /// The next jobs; none after the last.
    async fn page(&mut self) -> Result<KeysetPage, sea_orm::DbErr> {
        let list = JobList::new(&self.scope, &self.conditions, self.order);
        let bounds =
            Bounds { after: self.after.take(), before: None, limit: PAGE, from_end: false };
        let found = list.keyset_page(self.db.reader(), &bounds, self.selection()).await?;
        let end = found.items.last().map(|listed| Cursor::of(&listed.job, list.order.field));
        self.after = found.end.clone().or(end);
        Ok(found)
    }

    fn selection(&self) -> Selection {
        Selection { job: self.columns, run: None }
    }

    fn write(&self, page: &[ListedJob], with_headers: bool) -> Result<Bytes, Problem> {
        let failed = |error: csv::Error| {
            tracing::error!(%error, "failed to write CSV");
            Problem::from(crate::error::ApiError::internal())
        };
        let start = if with_headers { BYTE_ORDER_MARK.to_vec() } else { Vec::new() };
        let mut writer =
            csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(start);
        if with_headers {
            writer
                .write_record(self.columns.fields().map(|field| &field.external_name))
                .map_err(failed)?;
        }
        for listed in page {
            let cells = self
                .columns
                .fields()
                .map(|field| cell(field.kind, values::value(&listed.job, field)));
            writer.write_record(cells).map_err(failed)?;
        }
        writer.into_inner().map(Bytes::from).map_err(|error| failed(error.into_error().into()))
    }
}

/// A value for a spreadsheet. A text that starts like a formula would be executed as one, so it gets an
/// apostrophe in front.
fn cell(kind: Kind, value: Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text)
            if kind == Kind::Text && text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) =>
        {
            format!("'{text}")
        }
        Json::String(text) => text,
        other => other.to_string(),
    }
}

/// The names of all columns, for the documentation.
pub fn header_line() -> String {
    let names: Vec<_> = job::Entity::public().map(|field| field.external_name.as_str()).collect();
    names.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_not_formulas() {
        for (text, expected) in [
            ("HubSpot", "HubSpot"),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("a=1", "a=1"),
            ("", ""),
        ] {
            assert_eq!(cell(Kind::Text, Json::from(text)), expected);
        }
        assert_eq!(cell(Kind::Integer, Json::from(-5)), "-5");
        assert_eq!(cell(Kind::Text, Json::Null), "");
    }
}
