//! A fan-out of four and its join: ours and apalis-workflow's graph in turn.

use anyhow::Result;
use serde_json::json;

use crate::{
    Bench,
    ours::{self, Load},
    peers::apalis,
    report::Samples,
    routes,
};

pub async fn measure(bench: &mut Bench) -> Result<()> {
    let [mut ours, mut apalis] = [Samples::of("ours"), Samples::of("apalis-workflow graph")];
    let load = Load {
        route: routes::fanning,
        steps: routes::NODES,
        runs: bench.options.fan_outs,
    };
    let setting = apalis::best_setting(bench, apalis::Route::Graph).await?;
    for _ in 0..bench.options.rounds {
        ours.push(ours::drain(bench, &load).await?.steps_per_second);
        apalis.push(apalis::drain(bench, apalis::Route::Graph, setting).await?);
    }
    ours.print("nodes/s");
    apalis.print("nodes/s");
    let details = json!({
        "rounds": bench.options.rounds, "runs": load.runs, "nodes": load.steps,
        "engines": bench.options.engines, "slots": bench.options.slots,
        "ours": ours.median().round(), "apalis_graph": apalis.median().round(),
        "apalis_setting": setting.to_string(),
    });
    let ratio = ours.median() / apalis.median();
    bench
        .report
        .add("fanout_ratio_apalis_graph", ratio, "ratio", details);
    Ok(())
}
