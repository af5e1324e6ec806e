//! The routes for failure groups.

use axum::extract::{Extension, Path, State};
use axum::response::Response;
use entity::Timestamp;
use sea_orm::ConnectionTrait;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::filter;
use super::parameters::RawParameters;
use super::problem::Problem;
use super::request::{Authenticated, respond};
use super::route_parameters;
use super::values;
use crate::clock;
use crate::db::Db;
use crate::error::{ApiError, ErrorCode};
use crate::http::limits::Client;
use crate::http::site::Site;
use crate::jobs::failures::cursor::Cursor;
use crate::jobs::failures::list::{COST, GroupList};
use crate::jobs::failures::parts::{self, Group};
use crate::jobs::scope::Scope;

/// How many days the trend of a group has.
const DAYS: i64 = 30;

/// Microseconds.
const DAY: i64 = 86_400_000_000;

/// The values of a group.
const VALUES: u64 = 20;

/// A page of the list of failure groups.
pub async fn list(
    State(site): State<Site>,
    Extension(client): Extension<Client>,
    Authenticated(principal): Authenticated,
    raw: RawParameters,
) -> Result<Response, Problem> {
    let given = raw.read(&route_parameters::FAILURES)?;
    let filter = filter::failure_groups(&given)?;
    let order = given.one_of("orderBy")?.unwrap_or_default();
    let take = given.page()?.size;
    let after = given.get("after").map(|text| Cursor::decode(text, order, "after")).transpose()?;
    let scope = principal.scope().clone();
    let make = async move |db: Db| {
        let list = GroupList::new(db.reader(), &scope, filter, order).await?;
        let found = list.keyset_page(db.reader(), after, take).await?;
        let total = list.count(db.reader()).await?;
        let ids: Vec<_> = found.cursors.iter().map(|cursor| cursor.id).collect();
        let groups = groups(db.reader(), list.scope(), &ids).await?;
        values::json(&json!({
            "Items": groups,
            "TotalCount": total,
            "HasNextPage": found.has_more,
            "EndCursor": found.cursors.last().map(Cursor::encode),
        }))
    };
    respond(&site, &client, COST + take.unsigned_abs() * VALUES, make).await
}

/// One failure group.
pub async fn one(
    State(site): State<Site>,
    Extension(client): Extension<Client>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
    raw: RawParameters,
) -> Result<Response, Problem> {
    raw.read(&[])?;
    let id = Uuid::parse_str(&id)
        .map_err(|_| Problem::parameter("id", "expected the UUID of a failure group"))?;
    let scope = principal.scope().clone();
    let make = async move |db: Db| {
        let group = groups(db.reader(), &scope, &[id]).await?.pop();
        let missing =
            || Problem::new(ErrorCode::NotFound, "there is no failure group with this id");
        values::json(&group.ok_or_else(missing)?)
    };
    respond(&site, &client, VALUES, make).await
}

/// The groups with these ids, in their order.
async fn groups(
    db: &impl ConnectionTrait,
    scope: &Scope,
    ids: &[Uuid],
) -> Result<Vec<Json>, ApiError> {
    let now = clock::now().micros();
    let from = Timestamp::from_micros(now - now.rem_euclid(DAY) - (DAYS - 1) * DAY);
    let groups = parts::by_ids(db, scope, ids).await?;
    let days = parts::days(db, scope, ids, from.unwrap_or_default()).await?;
    let samples = parts::samples(db, scope, ids).await?;
    let found = ids.iter().filter_map(|id| groups.get(id));
    Ok(found
        .map(|group| {
            let sample = samples.get(&group.id).map(String::as_str);
            object(group, sample, days.get(&group.id).map_or(&[], Vec::as_slice))
        })
        .collect())
}

/// A group by the names of REST.
pub fn object(group: &Group, sample: Option<&str>, days: &[(Timestamp, i64)]) -> Json {
    let moment = |moment: Option<Timestamp>| moment.map(|moment| moment.to_string());
    let parts = group.parts.iter().filter(|part| part.jobs > 0);
    let parts: Vec<_> = parts
        .map(|part| json!({ "ConfigurationId": part.configuration_id, "Count": part.jobs }))
        .collect();
    let days: Vec<_> =
        days.iter().map(|(day, n)| json!({ "Day": day.to_string(), "Count": n })).collect();
    let acknowledgement = group
        .acknowledgement()
        .map(|known| json!({ "At": known.at.to_string(), "By": known.by, "Note": known.note }));
    json!({
        "Id": group.id,
        "Title": group.title,
        "SampleMessage": sample,
        "FirstSeen": moment(group.first_seen()),
        "LastSeen": moment(group.last_seen()),
        "JobCount": group.jobs(),
        "ByConfiguration": parts,
        "PerDay": days,
        "Acknowledgement": acknowledgement,
    })
}
