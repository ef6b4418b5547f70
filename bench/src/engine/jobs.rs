//! Jobs per second: our runs of a single step, and the jobs of peers that know no workflows.

use anyhow::Result;
use serde_json::json;

use crate::{
    Bench,
    ours::{self, Load},
    peers::{awa, graphile},
    report::Samples,
    routes,
};

pub async fn measure(bench: &mut Bench) -> Result<()> {
    let [mut ours, mut graphile, mut awa] = [
        Samples::of("ours"),
        Samples::of("graphile_worker"),
        Samples::of("awa"),
    ];
    let load = Load {
        route: routes::single,
        steps: 1,
        runs: bench.options.jobs,
    };
    let graphile_setting = graphile::best_setting(bench).await?;
    let awa_setting = awa::best_setting(bench, awa::Route::Single).await?;
    for _ in 0..bench.options.rounds {
        ours.push(ours::drain(bench, &load).await?.steps_per_second);
        graphile.push(graphile::drain(bench, graphile_setting).await?);
        awa.push(awa::drain(bench, awa::Route::Single, awa_setting).await?);
    }
    for samples in [&ours, &graphile, &awa] {
        samples.print("jobs/s");
    }
    let ratio = |peer: &Samples| ours.median() / peer.median();
    let details = json!({
        "rounds": bench.options.rounds, "runs": load.runs,
        "engines": bench.options.engines, "slots": bench.options.slots,
        "ours": ours.median().round(),
        "graphile": graphile.median().round(), "graphile_setting": graphile_setting.to_string(),
        "awa": awa.median().round(), "awa_setting": awa_setting.to_string(),
    });
    for (name, value) in [
        ("jobs_ratio_graphile", ratio(&graphile)),
        ("jobs_ratio_awa", ratio(&awa)),
    ] {
        bench.report.add(name, value, "ratio", details.clone());
    }
    Ok(())
}
