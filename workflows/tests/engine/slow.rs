//! A database that is far away.

use std::{path::Path, time::Duration};

use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{UnixListener, UnixStream},
};
use workflows::{
    Done, Workflow,
    admin::{
        dead_letters::LetterFilter,
        redrive::{self, Pace},
    },
};

use crate::{
    planted::Planted,
    world::{BY, World, config, quick, step},
};

/// Each way of a round trip.
const WAY: Duration = Duration::from_millis(10);

/// A pool on the world's database whose every answer takes two [`WAY`]s longer, and the folder of its
/// socket.
async fn from_afar(world: &World) -> (PgPool, tempfile::TempDir) {
    let options = (*world.pool.connect_options()).clone();
    let folder = tempfile::tempdir().expect("a folder");
    let name = format!(".s.PGSQL.{}", options.get_port());
    let upstream = options.get_socket().expect("a socket").join(&name);
    let listener = UnixListener::bind(folder.path().join(&name)).expect("a socket");
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            tokio::spawn(join(near, upstream.clone()));
        }
    });
    let pool = PgPoolOptions::new()
        .connect_with(options.socket(folder.path()))
        .await;
    (pool.expect("a pool"), folder)
}

async fn join(near: UnixStream, upstream: impl AsRef<Path>) {
    let Ok(far) = UnixStream::connect(upstream).await else {
        return;
    };
    let (near_in, near_out) = near.into_split();
    let (far_in, far_out) = far.into_split();
    tokio::join!(carry(near_in, far_out), carry(far_in, near_out));
}

async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) {
    let mut bytes = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        tokio::time::sleep(WAY).await;
        if to.write_all(&bytes[..count]).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}

step!(Well "well": i64 => i64, quick(1), |_cx, n| Ok(Done::new(n)));

#[tokio::test]
async fn a_fast_re_drive_makes_progress_over_a_slow_connection() {
    let world = World::new().await;
    Planted::of("planted", "well").plant(&world, 2000).await;
    let route = Workflow::named("planted", 1).step::<Well>().build();
    let (pool, _folder) = from_afar(&world).await;
    let engine = World::run(workflows::Engine::new(&pool, config()).register(&route));
    let pace = Pace {
        per_second: 1000.0,
        cap: 10_000,
    };
    let any = LetterFilter::default();
    let job = redrive::request(&world.pool, &any, None, pace, BY).await;
    let job = job.unwrap().redrive_id;
    let done = world
        .until("the re-drive to end", async || {
            let job = redrive::get(&world.pool, job).await.ok()?;
            job.ended_at.is_some().then_some(job)
        })
        .await;
    assert_eq!(done.redriven, 2000);
    let took = done.ended_at.unwrap() - done.created_at;
    assert!(took.num_seconds() < 8, "it took {took}");
    engine.stop().await;
}
