//! The API, when its connections to the database have fallen silent: no answer, no error, no end.

use std::time::Duration;

use devkit::{TcpProxy, proxy::Which};
use reqwest::Client;
use tokio::{task::JoinSet, time::Instant};

use crate::{process::Process, stack::Stack};

/// More than the pool has places.
const MANY: usize = 40;
const PLACES: i64 = 20;

struct Api {
    stack: Stack,
    proxy: TcpProxy,
    process: Process,
}

impl Api {
    /// With a proxy between it and the database, and little time for a request.
    async fn start() -> Self {
        let stack = Stack::new().await;
        let proxy = TcpProxy::to_database(stack.database_url()).await.unwrap();
        let url = proxy.url(stack.database_url());
        let settings = [
            ("MEDIAMILL_DATABASE_URL", &*url),
            ("MEDIAMILL_REQUEST_SECONDS", "3"),
        ];
        let process = stack.api_with(&settings).await;
        Self {
            stack,
            proxy,
            process,
        }
    }

    /// The status of an answer.
    fn get(&self) -> impl Future<Output = u16> + Send + use<> {
        let request = Client::new().get(format!("{}/v1/files", self.process.ready));
        let request = request.bearer_auth(&self.stack.key);
        async move { request.send().await.unwrap().status().as_u16() }
    }

    fn get_many(&self) -> JoinSet<u16> {
        (0..MANY).map(|_| self.get()).collect()
    }

    /// A request after the other, each answered soon.
    async fn assert_well(&self) {
        for number in 0..MANY {
            let asked = Instant::now();
            let status = self.get().await;
            let took = asked.elapsed();
            assert_eq!(status, 200, "request {number} after {took:?}");
            let limit = Duration::from_secs(3);
            assert!(took < limit, "request {number} took {took:?}");
        }
    }

    /// Every place of the pool is taken by a request in the middle of a statement; what `meanwhile`
    /// does then, and what becomes of the requests.
    async fn with_all_places_taken(&self, meanwhile: impl FnOnce()) -> Vec<u16> {
        let mut lock = self.stack.pool.begin().await.unwrap();
        sqlx::query("LOCK TABLE media_files IN ACCESS EXCLUSIVE MODE")
            .execute(&mut *lock)
            .await
            .unwrap();
        let requests = self.get_many();
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'
            AND application_name = 'mediamill' AND datname = current_database()";
        let began = Instant::now();
        while sqlx::query_scalar::<_, i64>(waiting)
            .fetch_one(&self.stack.pool)
            .await
            .unwrap()
            < PLACES
        {
            assert!(
                began.elapsed() < Duration::from_secs(3),
                "not all places of the pool can be taken: {:?}",
                self.proxy
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        meanwhile();
        lock.rollback().await.unwrap();
        requests.join_all().await
    }
}

#[tokio::test]
async fn silent_connections_cost_one_request_a_second() {
    let api = Api::start().await;
    assert_eq!(api.get_many().join_all().await, [200; MANY]);
    let silenced = api.proxy.silence(Which::All);
    assert!(silenced > 5, "the pool has grown: {silenced}");
    api.assert_well().await;
}

/// A statement that gets no answer cannot be told from one that takes its time: its request ends at
/// its deadline. Its place in the pool is free again soon after.
#[tokio::test]
async fn requests_on_silent_connections_end_and_give_their_places_back() {
    let api = Api::start().await;
    let statuses = api
        .with_all_places_taken(|| {
            api.proxy.silence(Which::All);
        })
        .await;
    assert!(statuses.contains(&503), "{statuses:?}");
    api.assert_well().await;
    let statuses = api.with_all_places_taken(|| {}).await;
    assert_eq!(statuses, [200; MANY]);
}

/// At any moment some connections are on their way back into the pool, and are asked how they are.
#[tokio::test]
async fn silence_under_load_costs_no_places() {
    let api = Api::start().await;
    for _ in 0..3 {
        let mut load = api.get_many();
        let until = Instant::now() + Duration::from_millis(700);
        while let Ok(Some(_)) = tokio::time::timeout_at(until, load.join_next()).await {
            load.spawn(api.get());
        }
        api.proxy.silence(Which::All);
        load.join_all().await;
        // The last ones are back, or their places are.
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(api.get().await, 200);
        let statuses = api.with_all_places_taken(|| {}).await;
        assert_eq!(statuses, [200; MANY]);
    }
}
