//! Durable steps per second: ours, the limit and the peers in turn; and what a step of ours costs.

use anyhow::Result;
use serde_json::json;

use crate::{
    Bench,
    ours::{self, Load},
    peers::{Setting, apalis, awa, dbos, raw, underway},
    report::Samples,
    routes,
};

/// The setting of each peer.
struct Best {
    apalis: Setting,
    underway: Setting,
    awa: awa::Setting,
    dbos: dbos::Setting,
}

impl Best {
    async fn find(bench: &Bench) -> Result<Self> {
        Ok(Self {
            apalis: apalis::best_setting(bench, apalis::Route::Linear).await?,
            underway: underway::best_setting(bench).await?,
            awa: awa::best_setting(bench, awa::Route::Chain).await?,
            dbos: dbos::best_setting(bench).await?,
        })
    }
}

pub async fn measure(bench: &mut Bench) -> Result<()> {
    let [mut ours, mut raw] = [Samples::of("ours"), Samples::of("raw SQL")];
    let [mut apalis, mut underway] = [Samples::of("apalis-workflow"), Samples::of("underway")];
    let [mut awa, mut dbos] = [Samples::of("awa, chained jobs"), Samples::of("DBOS")];
    let [mut commits, mut wal] = [Samples::of("commits"), Samples::of("WAL")];
    let load = Load {
        route: routes::linear,
        steps: routes::STEPS,
        runs: bench.options.runs,
    };
    let best = Best::find(bench).await?;
    for _ in 0..bench.options.rounds {
        let drained = ours::drain(bench, &load).await?;
        ours.push(drained.steps_per_second);
        commits.push(drained.commits_per_step);
        wal.push(drained.wal_bytes_per_step);
        raw.push(raw::drain(bench).await?);
        apalis.push(apalis::drain(bench, apalis::Route::Linear, best.apalis).await?);
        underway.push(underway::drain(bench, best.underway).await?);
        awa.push(awa::drain(bench, awa::Route::Chain, best.awa).await?);
        dbos.push(dbos::drain(bench, best.dbos).await?);
    }

    for samples in [&ours, &raw, &apalis, &underway, &awa, &dbos] {
        samples.print("steps/s");
    }
    let ratio = |peer: &Samples| ours.median() / peer.median();
    let details = json!({
        "rounds": bench.options.rounds, "runs": load.runs,
        "engines": bench.options.engines, "slots": bench.options.slots,
        "ours": ours.median().round(), "raw": raw.median().round(),
        "apalis_workflow": apalis.median().round(), "apalis_setting": best.apalis.to_string(),
        "underway": underway.median().round(), "underway_setting": best.underway.to_string(),
        "awa": awa.median().round(), "awa_setting": best.awa.to_string(),
        "dbos": dbos.median().round(), "dbos_setting": best.dbos.to_string(),
    });
    for (name, value, unit) in [
        ("steps_ratio_apalis_workflow", ratio(&apalis), "ratio"),
        ("steps_ratio_underway", ratio(&underway), "ratio"),
        ("steps_ratio_awa", ratio(&awa), "ratio"),
        ("steps_ratio_dbos", ratio(&dbos), "ratio"),
        ("steps_ratio_raw", ratio(&raw), "ratio"),
        ("commits_per_step", commits.median(), "commits"),
        ("wal_bytes_per_step", wal.median(), "bytes"),
    ] {
        bench.report.add(name, value, unit, details.clone());
    }
    Ok(())
}
