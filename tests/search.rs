//! Searching for jobs by name.

use std::collections::BTreeSet;

use agent_jobs::db::{Db, Sql};
use agent_jobs::jobs::conditions::Conditions;
use agent_jobs::jobs::filter::JobFilter;
use agent_jobs::jobs::scope::Scope;
use agent_jobs::jobs::search::fold;
use agent_jobs::jobs::store;

use entity::job;
use proptest::prelude::*;
use uuid::Uuid;

use crate::support::{TestServer, agent_jobs, id, job, on_both_databases, property};

/// Replaces the jobs by some with these names.
async fn name_jobs(db: &Db, names: &[String]) {
    let mut sql = Sql::new(db.backend());
    sql.push("DELETE FROM job");
    sql.execute(db.writer()).await.expect("the statement is right");
    let jobs: Vec<_> = (0..)
        .zip(names)
        .map(|(n, name)| job::Model { name: Some(name.clone()), ..job(n) })
        .collect();
    store::models::<job::Entity>(db.writer(), &jobs).await.expect("inserting rows");
}

/// The number of a job with this id.
fn number(job: Uuid) -> u32 {
    u32::try_from(job.as_u128() - id(0).as_u128()).expect("a job of the test")
}

/// The numbers of the jobs that a search finds.
async fn find(db: &Db, search: &str) -> BTreeSet<u32> {
    let filter = JobFilter { search: Some(search.to_owned()), ..JobFilter::default() };
    let conditions = Conditions::new(filter, None).expect("a short text");
    let mut sql = Sql::new(db.backend());
    sql.push("SELECT id FROM job");
    conditions.push_where(&mut sql, &Scope::All);
    let rows = sql.all(db.reader()).await.expect("the statement is right");
    let ids = rows.iter().map(|row| row.try_get_by_index::<Uuid>(0).expect("an id"));
    ids.map(number).collect()
}

fn contains(name: &str, search: &str) -> bool {
    let folded = |text: &str| text.chars().map(fold).collect::<String>();
    folded(name).contains(&folded(search.trim()))
}

on_both_databases! {
    async fn finds_names_in_any_case_of_any_script(database: TestDatabase) {
        let db = database.open().await;
        let names = ["Größe", "ЗАГРУЗКА", "ΟΔΥΣΣΕΥΣ", "Οδυσσεύς", "STRAẞE", "ısı", "ISI", "İstanbul", "ö*[x]?.(a)"];
        name_jobs(&db, &names.map(str::to_owned)).await;
        for (search, expected) in [
            ("GRÖSSE", [].as_slice()),
            ("GRÖẞE", &[0]),
            ("größe", &[0]),
            ("загрузка", &[1]),
            ("ГРУЗ", &[1]),
            ("οδυσσευς", &[2]),
            ("ΟΔΥΣΣΕΎΣ", &[3]),
            ("οδυσ", &[2, 3]),
            ("straße", &[4]),
            ("isi", &[6]),
            ("ısı", &[5]),
            ("İST", &[7]),
            ("Ö*[X", &[8]),
            ("Ö*[X]?.(A)", &[8]),
            ("ö.*", &[]),
            ("ö?", &[]),
        ] {
            assert_eq!(find(&db, search).await, expected.iter().copied().collect(), "{search}");
        }
        db.close().await;
    }

    async fn every_search_folds_alike(database: TestDatabase) {
        let db = database.open().await;
        name_jobs(&db, &["Größe".to_owned(), "other".to_owned()]).await;
        db.close().await;
        let exported = agent_jobs(
            &["export", "jobs", "--search", "GRÖẞE", "--database-url", database.url()],
            b"",
        );
        assert_eq!(exported.ok().stdout.lines().count(), 2);
        let server = TestServer::start(&database).await;
        let data = server.query(
            r#"{ jobs(filter: { search: "GRÖẞE" }) { totalCount } jobsConnection(filter: { search: "GRÖẞE" }) { edges { node { name } } } }"#,
            serde_json::json!(null),
        ).await;
        assert_eq!(data["jobs"]["totalCount"], 1);
        assert_eq!(data["jobsConnection"]["edges"][0]["node"]["name"], "Größe");
    }

    async fn finds_what_folding_finds(database: TestDatabase) {
        let db = database.open().await;
        // Few letters, so that texts often contain each other.
        let text = "[aAßẞöÖσςΣжЖıIiİ\u{212a}kſsǅǆ𐐨𐐀漢%_*?\\[\\]\\\\.(){}^$|+\\- ]{1,4}";
        let name = "[aAßẞöÖσςΣжЖıIiİ\u{212a}kſsǅǆ𐐨𐐀漢%_*?\\[\\]\\\\.(){}^$|+\\- ]{0,12}";
        let cases = (prop::collection::vec(name, 20), prop::collection::vec(text, 20));
        property(12, &cases, async |(names, searches)| {
            name_jobs(&db, &names).await;
            for search in searches.iter().filter(|search| !search.trim().is_empty()) {
                // What is the beginning of an id finds jobs by that, too.
                if search.trim().replace('-', "").bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    continue;
                }
                let expected: BTreeSet<u32> = (0..)
                    .zip(&names)
                    .filter(|(_, name)| contains(name, search))
                    .map(|(n, _)| n)
                    .collect();
                assert_eq!(find(&db, search).await, expected, "{search:?} in {names:?}");
            }
        });
        db.close().await;
    }
}
