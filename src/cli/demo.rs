use clap::Args;
use entity::job;
use synth::{History, Shape};

use super::access::AccessOptions;
use super::database_options::DatabaseOptions;
use super::failure::Failure;
use super::serve::{self, ListenOptions, ProtectionOptions, Served};
use crate::jobs::{counts, rows};
use crate::output;
use crate::reports::LeasePolicy;
use crate::samples::{fill, hand_over};
use crate::{clock, db};

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    database: DatabaseOptions,
    #[command(flatten)]
    listen: ListenOptions,
    /// How many agents to play, so that there is always something executing; 0: none.
    #[arg(long, value_name = "NUMBER", default_value_t = 6, value_parser = clap::value_parser!(u32).range(0..=1000))]
    agents: u32,
    #[command(flatten)]
    protection: ProtectionOptions,
    #[command(flatten)]
    access: AccessOptions,
}

/// How many times as fast as in life the agents work: something ends every few seconds.
const SPEED: f64 = 6.0;

pub async fn run(options: Options) -> Result<(), Failure> {
    options.access.check(&options.listen.listen)?;
    if options.listen.listen.is_unix() {
        let message =
            "--listen: expected a host and a port, since the demo's agents connect by TCP";
        return Err(Failure::new(Failure::USAGE, message));
    }
    let rules = options.protection.rules()?;
    let db = options.database.connect_within(options.protection.http.request_timeout).await?;
    db::migrate::up(&db).await?;
    let mut under_way = Vec::new();
    if rows::is_empty::<job::Entity>(db.reader()).await? {
        let now = clock::now();
        let mut history = History::new(Shape::default(), now);
        output::note(format_args!(
            "filling the empty database with a made-up history of {} jobs",
            history.len()
        ));
        // In one transaction: a history is there as a whole or not at all.
        let transaction = db.begin_write().await?;
        fill(&transaction, &mut history, usize::MAX).await?;
        if options.agents > 0 {
            under_way = History::new(Shape::default(), now).under_way();
            hand_over(&transaction, under_way.iter().map(|plan| plan.id)).await?;
        }
        transaction.commit().await?;
        counts::fold(&db).await?;
    }
    // What ends of the runs that are under way, others take the place of.
    let runs = 2 + under_way.len().div_ceil(options.agents.max(1) as usize);
    let agents = (options.agents > 0).then(|| simulate::Options {
        agents: options.agents as usize,
        runs,
        // On each run every other second.
        rate: Some(f64::from(options.agents) * f64::from(u32::try_from(runs).unwrap_or(1)) / 2.0),
        speed: SPEED,
        vanish: 0.01,
        late: 0.01,
        double: 0.01,
        seed: 1,
        under_way,
    });
    let served = Served {
        listen: &options.listen,
        access: &options.access,
        http: &options.protection.http,
        rules,
    };
    serve::serve(db, served, LeasePolicy::default(), None, agents).await
}
