//! A process that stands still at any commit boundary holds up nobody, and so does one that is cut off
//! from the network there. What it held is done by others, and when it comes back it does nothing twice.

use std::{
    os::unix::process::ExitStatusExt,
    time::{Duration, Instant},
};

use devkit::{TcpProxy, proxy::Which};
use futures::{StreamExt, stream};
use workflows::failpoints::{Failpoint, Side};

use crate::{
    process::Process,
    scenario::{Point, STAGES, assert_as_without, other, points, prepare, role, role_until},
    world::World,
};

const LEASE: Duration = Duration::from_secs(3);
/// In which runs are done that have nothing to do with it.
const OTHERS: Duration = Duration::from_secs(3);
/// [`OTHERS`], as many times longer as more wants to run on this machine than it has processors.
fn others() -> Duration {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: f64 = load
        .split(' ')
        .next()
        .unwrap_or_default()
        .parse()
        .unwrap_or(0.0);
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    #[expect(clippy::cast_precision_loss, reason = "few")]
    OTHERS.mul_f64((load / processors as f64).max(1.0))
}

/// In which everything is done.
const HELD: Duration = LEASE.saturating_add(Duration::from_secs(10));
/// For what takes as long as a busy machine takes.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blow {
    Freeze,
    /// Nothing comes through any more, and nobody is told.
    Part,
}

/// A process that stands still or is cut off.
struct Victim {
    process: Process,
    proxy: TcpProxy,
    blow: Blow,
}

impl Victim {
    async fn start(world: &World, blow: Blow, point: Point) -> Self {
        let proxy = TcpProxy::to_database(world.url()).await.expect("a proxy");
        let (what, url) = match blow {
            Blow::Freeze => ("freeze", world.url().to_owned()),
            Blow::Part => ("wait", proxy.url(world.url())),
        };
        Self {
            process: Process::start(&role_until(LEASE, what, point), &url),
            proxy,
            blow,
        }
    }

    /// It has come to its point, and is struck there.
    fn is_struck(&mut self) -> bool {
        if self.blow == Blow::Freeze {
            return self.process.is_frozen();
        }
        let waits = self.process.is_waiting();
        if waits {
            self.proxy.partition(true);
            self.process.let_go();
        }
        waits
    }

    /// It comes back, and goes on or ends with an error.
    async fn comes_back(mut self, point: Point) {
        self.proxy.partition(false);
        self.process.thaw();
        let status = self.process.end(PATIENCE).await;
        let status = status.unwrap_or_else(|| panic!("{point:?}: it hangs when it is back"));
        let signal = status.signal();
        assert_eq!(signal, None, "{point:?}: it ended in another way: {status}");
    }
}

/// Where it is tried.
struct Stage {
    world: World,
    point: Point,
}

impl Stage {
    /// Waits for what `look` sees, and returns how long it took.
    async fn within(
        &self,
        limit: Duration,
        what: &str,
        mut look: impl AsyncFnMut() -> bool,
    ) -> Duration {
        let began = Instant::now();
        while !look().await {
            if began.elapsed() > limit {
                self.give_up(&format!("waited {limit:?} for {what}")).await;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        began.elapsed()
    }

    async fn give_up(&self, why: &str) -> ! {
        let waits = "SELECT coalesce(string_agg(format(
                        '%s %s, %s, since %s, blocked by %s: %s', pid, application_name, state, xact_start,
                        pg_blocking_pids(pid), left(query, 200)), E'\\n'), 'nobody')
                     FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'";
        let waits = sqlx::query_scalar(waits).fetch_one(&self.world.pool).await;
        let waits: String = waits.unwrap_or_default();
        let state = self.world.state().await;
        panic!("{:?}: {why}; {state}; at work: {waits}", self.point)
    }

    async fn runs_that_have_nothing_to_do_with_it(&self) -> Duration {
        for _ in 0..5 {
            self.world.start(&other(), &1).await;
        }
        let done = "SELECT count(*) = 5 FROM workflows.runs WHERE workflow = 'other' AND state = 'succeeded'";
        self.within(
            others(),
            "runs that have nothing to do with it",
            async || {
                let done = sqlx::query_scalar(done).fetch_one(&self.world.pool);
                done.await.expect("an answer")
            },
        )
        .await
    }
}

/// How long it took others.
#[derive(Clone, Copy)]
struct Took {
    point: Point,
    others: Duration,
    all: Duration,
}

async fn strike(blow: Blow, point: Point) -> Took {
    let _stage = STAGES.acquire().await;
    let world = World::new().await;
    prepare(&world).await;
    let stage = Stage { world, point };
    let world = &stage.world;
    let mut victim = Victim::start(world, blow, point).await;
    let there = "the victim to get there";
    stage
        .within(PATIENCE, there, async || victim.is_struck())
        .await;
    let struck = Instant::now();
    let mut next = Process::start(&role(LEASE), world.url());
    let registered = "SELECT EXISTS (SELECT FROM workflows.workers WHERE name = $1)";
    stage
        .within(PATIENCE, "the next process to begin", async || {
            let registered = sqlx::query_scalar(registered).bind(next.name());
            registered.fetch_one(&world.pool).await.expect("an answer")
        })
        .await;
    let others = stage.runs_that_have_nothing_to_do_with_it().await;
    let rest = HELD.saturating_sub(struck.elapsed());
    let Some(status) = next.end(rest).await else {
        stage
            .give_up(&format!("{HELD:?} later not all is done"))
            .await
    };
    assert!(status.success(), "{point:?}: the next process: {status}");
    let all = struck.elapsed();
    victim.comes_back(point).await;
    assert_as_without(world, point).await;
    Took { point, others, all }
}

/// Strikes at all of the points, as many at a time as there are stages, and says what took longest.
async fn strike_at(blow: Blow, at: Side) {
    let points = points().filter(|(_, moment)| *moment == at);
    let took = stream::iter(points).map(|point| strike(blow, point));
    let took: Vec<Took> = took.buffer_unordered(usize::MAX).collect().await;
    let others = took.iter().max_by_key(|took| took.others).expect("points");
    let all = took.iter().max_by_key(|took| took.all).expect("points");
    println!(
        "{blow:?} {at:?}: others done after {:?} at most ({}), all after {:?} ({})",
        others.others, others.point.0, all.all, all.point.0
    );
}

/// Before a commit all locks are in hand.
#[tokio::test]
async fn who_stands_still_before_a_commit_holds_up_nobody() {
    strike_at(Blow::Freeze, Side::Before).await;
}

#[tokio::test]
async fn who_is_cut_off_before_a_commit_holds_up_nobody() {
    strike_at(Blow::Part, Side::Before).await;
}

/// After a commit nobody has heard of it.
#[tokio::test]
#[ignore = "half a minute more; `just chaos` runs it"]
async fn who_stands_still_after_a_commit_holds_up_nobody() {
    strike_at(Blow::Freeze, Side::After).await;
}

#[tokio::test]
#[ignore = "half a minute more; `just chaos` runs it"]
async fn who_is_cut_off_after_a_commit_holds_up_nobody() {
    strike_at(Blow::Part, Side::After).await;
}

/// Long enough that whoever waits for one to run out is late.
const LONG_LEASE: Duration = Duration::from_secs(30);

/// Whoever goes on with the next step and does not hear of it asks, and finds out.
#[tokio::test]
async fn the_answer_of_a_commit_is_lost() {
    let point = (Failpoint::Continue, Side::Before);
    let _stage = STAGES.acquire().await;
    let world = World::new().await;
    prepare(&world).await;
    let stage = Stage { world, point };
    let world = &stage.world;
    let proxy = TcpProxy::to_database(world.url()).await.expect("a proxy");
    let role = role_until(LONG_LEASE, "wait", point);
    let mut process = Process::start(&role, &proxy.url(world.url()));
    let there = "the process to get there";
    stage
        .within(PATIENCE, there, async || process.is_waiting())
        .await;
    // The commit gets to the server, and the answer does not come back.
    let delay = Duration::from_millis(200);
    proxy.latency(delay);
    process.let_go();
    tokio::time::sleep(delay.mul_f64(1.5)).await;
    assert!(
        proxy.cut(Which::Named("workflows committer")) > 0,
        "it is connected"
    );
    proxy.latency(Duration::ZERO);
    let done =
        "SELECT count(*) = 1 FROM workflows.runs WHERE workflow = 'chain' AND state = 'succeeded'";
    stage
        .within(LONG_LEASE / 3, "the run to go on", async || {
            let done = sqlx::query_scalar(done).fetch_one(&world.pool);
            done.await.expect("an answer")
        })
        .await;
    let status = process.end(PATIENCE).await.expect("an end");
    assert!(status.success(), "{status}");
}
