//! Steps that block their threads, for longer than the lease.

use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use workflows::{Attempt, Done, Engine, Step, StepError, StepSettings, Workflow};

use super::outages::with_lease;
use crate::{
    evidence::Executions,
    world::{World, quick},
};

const LEASE: Duration = Duration::from_secs(5);

/// Blocks a thread of the runtime, as a step must not do.
struct Blocks;

impl Step for Blocks {
    const NAME: &'static str = "blocks";
    type Context = Executions;
    type Input = u32;
    type Output = u32;

    fn settings() -> StepSettings {
        quick(1)
    }

    async fn run(cx: &Attempt<Executions>, n: u32) -> Result<Done<u32>, StepError> {
        cx.context.note(cx);
        std::thread::sleep(LEASE * 2);
        Ok(Done::new(n))
    }
}

#[test]
fn steps_that_block_all_threads_are_not_taken_for_lost() {
    let observer = Runtime::new().unwrap();
    let blocked = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let world = observer.block_on(World::new());
    let executions = Executions::default();
    let route = Workflow::named("blocking", 1)
        .step::<Blocks>()
        .build()
        .with_context(executions.clone());
    let engine = {
        let _guard = blocked.enter();
        world.engine_with(&route, with_lease(3, LEASE))
    };
    observer.block_on(async {
        let claimed = async || (world.count("leases").await == 3).then_some(());
        // No more than there are slots: a claim whose answer nobody can read for that long is given to others, at no
        // charge, and that is another matter.
        for n in 0..3 {
            world.start(&route, &n).await;
        }
        world
            .within(Duration::from_secs(20), "a claim", claimed)
            .await;
        // It sees to lost tasks, and would run them.
        let idle = Engine::new(&world.pool, with_lease(0, LEASE)).register(&route);
        let idle = World::run(idle);
        world.succeed("blocking", 3, Duration::from_mins(1)).await;
        world.assert_each_done_once(3).await;
        executions.assert_once_each(3);
        idle.stop().await;
        engine.stop().await;
    });
}
