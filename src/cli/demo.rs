use clap::Args;
use entity::job;

use super::serve::{self, ListenOptions};
use super::{DatabaseOptions, Failure};
use crate::clock;
use crate::jobs::{counts, rows};
use crate::reports::Patience;
use crate::synth::{History, Shape, fill};

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    database: DatabaseOptions,
    #[command(flatten)]
    listen: ListenOptions,
}

pub async fn run(options: Options) -> Result<(), Failure> {
    let db = options.database.open().await?;
    if rows::is_empty::<job::Entity>(db.reader()).await? {
        let mut history = History::new(Shape::default(), clock::now());
        eprintln!("filling the empty database with a made-up history of {} jobs", history.len());
        // In one transaction: a history is there as a whole or not at all.
        let transaction = db.begin_write().await?;
        fill(&transaction, &mut history, usize::MAX).await?;
        transaction.commit().await?;
        counts::fold(&db).await?;
    }
    serve::serve(db, &options.listen, Patience::default()).await
}
