//! What the tests stand on: databases of their own, servers over them, and the program.

mod access;
mod agents;
mod client;
mod cluster;
mod counts;
mod database;
mod errors;
mod folded;
mod foreign;
mod lists;
mod program;
mod property;
mod rows;
mod server;
mod small_disk;
pub mod socket;
pub mod source;
mod watching;

pub use agents::Attempt;
pub use client::{client, client_builder};
pub use cluster::Cluster;
pub use counts::{Numbers, assert_right, counts_of, start_counting};
pub use database::{Kind, TestDatabase};
pub use errors::errors_of;
pub use folded::Folded;
pub use foreign::ForeignWriter;
pub use lists::ids;
pub use program::{Output, Program, agent_jobs, command, piped};
pub use property::property;
pub use rows::{Rows, agent, configuration, id, job, job_run, second};
pub use server::TestServer;
pub use small_disk::SmallDisk;
pub use watching::{Body, PROTOCOL, Said, Socket, Transport, Update, Watch, soon};

/// Whether the tests run as root.
pub fn is_root() -> bool {
    let id = std::process::Command::new("id").arg("-u").output().expect("there is `id`");
    id.stdout == b"0\n"
}

/// Makes of each `async fn name(database: TestDatabase)` one test for each database:
/// `name::sqlite` and `name::postgres`.
macro_rules! on_both_databases {
    ($( $(#[$meta:meta])* async fn $name:ident($database:ident: TestDatabase) $body:block )*) => {
        $(
            mod $name {
                #[allow(unused_imports, reason = "not every test needs all of its module")]
                use super::*;

                $(#[$meta])*
                async fn run($database: $crate::support::TestDatabase) $body

                #[tokio::test(flavor = "multi_thread")]
                async fn sqlite() {
                    let kind = $crate::support::Kind::Sqlite;
                    run($crate::support::TestDatabase::create(kind).await).await;
                }

                #[tokio::test(flavor = "multi_thread")]
                async fn postgres() {
                    let kind = $crate::support::Kind::Postgres;
                    run($crate::support::TestDatabase::create(kind).await).await;
                }
            }
        )*
    };
}
pub(crate) use on_both_databases;
