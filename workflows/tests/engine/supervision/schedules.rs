//! A schedule that cannot start its run. The others fire, and everything else that is due goes on.

use std::{collections::HashMap, time::Duration};

use serde::{Serialize, Serializer};
use workflows::{Attempt, Done, Engine, NextOnError, Step, StepError, StepSettings, Workflow};

use crate::world::{World, config, quick, step};

const SECOND: Duration = Duration::from_secs(1);

step!(Tick "tick": u32 => u32, quick(3), |_cx, n| Ok(Done::new(n)));

/// A tick of a workflow whose input is an `I`.
struct TickOf<I>(std::marker::PhantomData<fn(I)>);

impl<I: serde::de::DeserializeOwned + Send + 'static> Step for TickOf<I> {
    const NAME: &'static str = "tick";
    type Context = ();
    type Input = I;
    type Output = ();
    async fn run(_: &Attempt, _: I) -> Result<Done<()>, StepError> {
        Ok(Done::new(()))
    }
}

fn ticking<I>(name: &'static str) -> Workflow<I>
where
    I: Serialize + serde::de::DeserializeOwned + Send + 'static,
{
    Workflow::named(name, 1).step::<TickOf<I>>().build()
}

/// Keys of JSON are text.
type NoJson = HashMap<Vec<u8>, u8>;

#[derive(serde::Deserialize)]
struct Panics;

impl Serialize for Panics {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("this input panics")
    }
}

fn soon() -> StepSettings {
    quick(5)
}
step!(Again "again": u32 => u32, soon(), |cx, n| match cx.attempt {
    1 => Err("not yet").or_retry(),
    _ => Ok(Done::new(n)),
});

/// Runs in the database refuse to be started, of this workflow.
async fn refuse_in_the_database(world: &World) {
    world
        .execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN RAISE EXCEPTION 'this one is refused'; END $$;
             CREATE TRIGGER refuse BEFORE INSERT ON workflows.runs FOR EACH ROW
             WHEN (NEW.workflow = 'refused') EXECUTE FUNCTION refuse()",
        )
        .await;
}

fn engine(world: &World) -> Engine {
    let (good, refused) = (ticking::<u32>("good"), ticking::<u32>("refused"));
    let (no_json, panics) = (ticking::<NoJson>("no-json"), ticking::<Panics>("panics"));
    let again = Workflow::named("again", 1).step::<Again>().build();
    let last = Workflow::named("last", 1).step::<Tick>().build();
    // In order of their names, and of their being added.
    Engine::new(&world.pool, config())
        .register(&good)
        .register(&refused)
        .register(&no_json)
        .register(&panics)
        .register(&again)
        .register(&last)
        .schedule("a good one", SECOND, &good.starter(), 1)
        .schedule(
            "b without a JSON form",
            SECOND,
            &no_json.starter(),
            [(vec![1], 1)].into(),
        )
        .schedule("c that panics", SECOND, &panics.starter(), Panics)
        .schedule("d refused by the database", SECOND, &refused.starter(), 1)
        .schedule("e good one", SECOND, &last.starter(), 1)
}

#[tokio::test]
async fn a_schedule_that_cannot_start_holds_up_nothing() {
    let world = World::new().await;
    refuse_in_the_database(&world).await;
    let engine = World::run(engine(&world));
    // Before and after the bad ones, again and again.
    let patience = Duration::from_secs(20);
    world.succeed("good", 4, patience).await;
    world.succeed("last", 4, patience).await;
    for bad in ["no-json", "panics", "refused"] {
        let sql = "SELECT count(*) FROM workflows.runs WHERE workflow = $1";
        let runs: i64 = sqlx::query_scalar(sql)
            .bind(bad)
            .fetch_one(&world.pool)
            .await
            .unwrap();
        assert_eq!(runs, 0, "{bad}");
    }
    // Retries.
    let again = Workflow::named("again", 1).step::<Again>().build();
    world.start(&again, &1).await;
    world.succeed("again", 1, patience).await;
    assert_eq!(world.attempts_of("again").await, ["error", "done"]);
    // Retention.
    world
        .execute("UPDATE workflows.schedules SET next_at = now() WHERE name = 'workflows.upkeep'")
        .await;
    world.succeed("workflows.upkeep", 1, patience).await;
    assert!(engine.is_running());
    engine.stop().await;
}
