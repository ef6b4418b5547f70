//! Many runs write the same few rows, in two processes at once.

use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use super::{Declared, adding};
use crate::{
    evidence::Executions,
    world::{World, config},
};

const RUNS: i32 = 400;
const ROWS: i32 = 8;

/// Two engines in two runtimes, as processes are, that begin together.
fn two_engines_share_rows(declared: Declared) {
    let observer = Runtime::new().unwrap();
    let world = observer.block_on(World::new());
    let executions = Executions::default();
    let route = adding(declared, &executions);
    observer.block_on(async {
        world.app_table(ROWS).await;
        for n in 0..RUNS {
            world.start(&route, &(n % ROWS + 1)).await;
        }
    });
    let began = Instant::now();
    let runtimes = [Runtime::new().unwrap(), Runtime::new().unwrap()];
    let engines = runtimes.each_ref().map(|runtime| {
        let _guard = runtime.enter();
        world.engine_with(&route, config())
    });
    observer.block_on(async {
        let patience = Duration::from_mins(1);
        world.succeed("adding", i64::from(RUNS), patience).await;
        eprintln!(
            "{RUNS} runs on {ROWS} rows, {declared:?}: {:?}",
            began.elapsed()
        );
        assert_eq!(world.app_sum().await, i64::from(RUNS));
        world.assert_each_done_once(i64::from(RUNS)).await;
        executions.assert_once_each(400);
        for engine in engines {
            engine.stop().await;
        }
    });
}

#[test]
fn runs_that_write_the_same_rows_come_through_in_two_processes() {
    two_engines_share_rows(Declared::Any);
}

#[test]
fn so_do_those_that_wrongly_say_that_their_rows_are_their_own() {
    two_engines_share_rows(Declared::OwnRows);
}
