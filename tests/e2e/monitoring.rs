//! What monitors and operators find out about processes that run.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    fixtures::phone_photo,
    process::{Process, mediamill},
    stack::Stack,
};

/// A free port for monitors.
fn port() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

async fn worker(stack: &Stack, monitors: &str) -> Process {
    let mut command = stack.command(&["worker"]).await;
    command.env("MEDIAMILL_METRICS_LISTEN", monitors);
    Process::start(command, &stack.folder.path().join("worker.log")).await
}

async fn get(address: &str, path: &str) -> (u16, String) {
    let answer = reqwest::get(format!("http://{address}{path}"))
        .await
        .unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// The sum of all samples with this name and these labels.
fn sum(metrics: &[String], name: &str, label: &str) -> f64 {
    let lines = metrics.iter().flat_map(|text| text.lines());
    let samples = lines.filter(|line| {
        line.starts_with(&format!("{name}{{")) && line.contains(label)
            || line.starts_with(&format!("{name} ")) && label.is_empty()
    });
    let values = samples.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
    values.sum()
}

async fn until(what: &str, mut found: impl AsyncFnMut() -> bool) {
    let asked = tokio::time::Instant::now();
    while !found().await {
        assert!(
            asked.elapsed() < Duration::from_secs(40),
            "waited for {what}"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The samples that must be there, in all processes together, and how much of each at least.
const SAMPLES: [(&str, &str, f64); 11] = [
    (
        "workflows_step_seconds_bucket",
        "step=\"scan\",le=\"+Inf\"",
        2.0,
    ),
    ("workflows_run_seconds_count", "state=\"succeeded\"", 1.0),
    (
        "workflows_rejections_total",
        "code=\"unsupported_type\"",
        1.0,
    ),
    ("workflows_attempts_total", "outcome=\"rejected\"", 1.0),
    ("workflows_slots", "queue=\"scan\"", 8.0),
    ("mediamill_uploads_completed_total", "", 2.0),
    ("mediamill_build_info", "version=", 3.0),
    ("process_resident_memory_bytes", "", 1.0),
    ("mediamill_database_connections", "state=\"most\"", 3.0),
    ("mediamill_scanner_up", "", 2.0),
    (
        "http_server_request_duration_seconds_count",
        "http_route=\"/v1/uploads/{upload_id}/complete\"",
        2.0,
    ),
];

#[tokio::test]
async fn probes_and_metrics_tell_what_is_there() {
    let stack = Stack::new().await;
    let ports = [port(), port(), port()];
    let api = stack
        .api_with(&[("MEDIAMILL_METRICS_LISTEN", &ports[0])])
        .await;
    let _workers = [
        worker(&stack, &ports[1]).await,
        worker(&stack, &ports[2]).await,
    ];
    probes(&ports, &api).await;
    let photo = stack.file("photo.jpg", &phone_photo(300, 200));
    let (well, printed) = stack.upload(&api, &photo).await;
    assert!(well, "{printed}");
    stack
        .upload(&api, &stack.file("notes.bin", b"no picture at all"))
        .await;

    let all = async || {
        let mut texts = Vec::new();
        for port in &ports {
            texts.push(get(port, "/metrics").await.1);
        }
        texts
    };
    until("one process to count for all", async || {
        sum(&all().await, "workflows_workers_alive", "") > 0.0
    })
    .await;
    let texts = all().await;
    let alive = sum(&texts, "workflows_workers_alive", "");
    assert!((alive - 2.0).abs() < 0.1, "counted once, not {alive}");
    for (name, label, least) in SAMPLES {
        let found = sum(&texts, name, label);
        let texts = texts.join("\n---\n");
        assert!(found >= least, "{name}{{{label}}} is {found}\n{texts}");
    }
    for text in &texts {
        for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
            let name = line.split(' ').next().unwrap();
            assert!(
                text.contains(&format!("# HELP {name} ")),
                "{name} has no help"
            );
            assert!(!line.ends_with("summary"), "{line} cannot be added up");
        }
    }
}

async fn probes(ports: &[String], api: &Process) {
    for port in ports {
        assert_eq!(get(port, "/livez").await.0, 200);
        let (status, ready) = get(port, "/readyz").await;
        let ready: Value = serde_json::from_str(&ready).unwrap();
        assert_eq!(
            (status, &ready["status"]),
            (200, &"ready".into()),
            "{ready}"
        );
        assert!(ready["schema"]["media"].is_i64(), "{ready}");
        assert_eq!(get(port, "/health").await.0, 404);
    }
    let (_, ready) = get(&ports[1], "/readyz").await;
    let ready: Value = serde_json::from_str(&ready).unwrap();
    assert!(ready["scanner"]["engine"].is_string(), "{ready}");
    let ready = reqwest::get(format!("{}/v1/readyz", api.ready)).await;
    let ready: Value = ready.unwrap().json().await.unwrap();
    assert_eq!(ready["workers_alive"], 2, "{ready}");
}

#[tokio::test]
async fn alive_and_ready_are_two_things() {
    let mut stack = Stack::new().await;
    let api = stack.api().await;
    let status = async |path: &str| {
        let answer = reqwest::get(format!("{}{path}", api.ready)).await.unwrap();
        answer.status().as_u16()
    };
    for path in ["/v1/livez", "/v1/readyz", "/v1/health"] {
        assert_eq!(status(path).await, 200, "{path}");
    }
    stack.stop_s3().await;
    until(
        "the API to notice that nothing can be written",
        async || status("/v1/readyz").await == 503,
    )
    .await;
    assert_eq!(
        (status("/v1/livez").await, status("/v1/health").await),
        (200, 503)
    );
}

#[tokio::test]
async fn a_worker_without_its_store_is_not_ready_and_is_again() {
    let mut stack = Stack::new().await;
    let monitors = port();
    let _worker = worker(&stack, &monitors).await;
    let ready = async || get(&monitors, "/readyz").await.0;
    until("the worker to be ready", async || ready().await == 200).await;
    stack.stop_s3().await;
    until("the worker to miss its store", async || {
        ready().await == 503
    })
    .await;
    assert_eq!(get(&monitors, "/livez").await.0, 200);
    let (_, told) = get(&monitors, "/readyz").await;
    assert!(told.contains("store"), "{told}");
    stack.start_s3().await;
    until("the worker to have its store back", async || {
        ready().await == 200
    })
    .await;
}

#[tokio::test]
async fn a_line_for_machines_has_the_causes() {
    let mut stack = Stack::new().await;
    let api = stack.api_with(&[("MEDIAMILL_LOG", "json")]).await;
    stack.stop_s3().await;
    let body = json!({ "filename": "a", "content_type": "image/png", "size_bytes": 20_000_000 });
    let request = reqwest::Client::new().post(format!("{}/v1/uploads", api.ready));
    let answer = request.bearer_auth(&stack.key).json(&body).send().await;
    assert_eq!(answer.unwrap().status(), 503);
    let logs = stack.logs();
    let line = logs.lines().find(|line| line.contains("request failed"));
    let line: Value = serde_json::from_str(line.expect("a line")).unwrap();
    let fields = line["fields"].to_string();
    assert!(fields.contains("CreateMultipartUpload"), "{line}");
    assert!(fields.contains("Connection refused"), "{line}");
}

#[tokio::test]
async fn a_fault_is_logged_under_the_requests_id_at_any_level() {
    let stack = Stack::new().await;
    let api = stack.api_with(&[("RUST_LOG", "warn")]).await;
    let broken = sqlx::query("ALTER TABLE api_keys RENAME COLUMN scopes TO scope");
    broken.execute(&stack.pool).await.unwrap();
    let request = reqwest::Client::new().get(format!("{}/v1/files", api.ready));
    let request = request.header("X-Request-Id", "given-by-a-proxy");
    let answer = request.bearer_auth(&stack.key).send().await.unwrap();
    assert_eq!(answer.status(), 500);
    let logs = stack.logs();
    let line = logs.lines().find(|line| line.contains("request failed"));
    assert!(
        line.is_some_and(|line| line.contains("given-by-a-proxy")),
        "{logs}"
    );
}

#[tokio::test]
async fn a_scanner_that_knows_nothing_is_told_or_refused() {
    let stack = Stack::new().await;
    let worker = stack.worker().await;
    until("a warning", async || {
        stack.logs().contains("HAS NO OFFICIAL SIGNATURES")
    })
    .await;
    drop(worker);
    let mut command = stack.command(&["worker"]).await;
    command.env("MEDIAMILL_REQUIRE_SIGNATURES", "true");
    let output = command.output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("no official signatures") && said.contains("freshclam"),
        "{said}"
    );
}

#[tokio::test]
async fn a_death_is_one_line_at_error_with_the_file_and_the_request() {
    let stack = Stack::new().await;
    let (api, _worker) = (stack.api().await, stack.worker().await);
    let pause = stack.run("queues pause light --reason test").await;
    assert!(pause.status.success());
    let mut command = mediamill(&["upload", "--api", &api.ready]);
    let photo = stack.file("photo.jpg", &phone_photo(64, 64));
    let sent = command
        .env("MEDIAMILL_KEY", &stack.key)
        .arg(photo)
        .output()
        .await
        .unwrap();
    let sent = String::from_utf8(sent.stdout).unwrap();
    let file_id = sent.trim().rsplit(' ').next().unwrap();
    // What no build can read is nobody's passing trouble: it dies at once.
    let spoilt = sqlx::query("UPDATE workflows.tasks SET input = '{\"nonsense\":1}'");
    spoilt.execute(&stack.pool).await.unwrap();
    stack.run("queues resume light --reason test").await;
    stack
        .until("SELECT count(*) = 1 FROM workflows.dead_letters")
        .await;
    until("the line", async || stack.logs().contains("a task died")).await;
    let logs = stack.logs();
    let (api_log, worker_log) = logs.split_once("--- worker").unwrap();
    let errors: Vec<&str> = worker_log
        .lines()
        .filter(|line| line.contains("ERROR"))
        .collect();
    let [died] = errors[..] else {
        panic!("{errors:#?}")
    };
    assert!(
        died.contains(file_id) && died.contains("does not decode"),
        "{died}"
    );
    let request = api_log
        .lines()
        .find(|line| line.contains("upload completed"))
        .unwrap();
    let trace = died.split("trace.id=").nth(1).unwrap();
    let trace = &trace.trim_start_matches('"')[..32];
    assert!(request.contains(trace), "{request}\n{died}");

    // Support has the file's id, and nothing else.
    let why = stack.run(&format!("runs explain {file_id}")).await;
    let why = String::from_utf8(why.stdout).unwrap();
    assert!(
        why.starts_with("assemble died (the task's input does not decode"),
        "{why}"
    );
}

#[tokio::test]
async fn a_refused_file_is_explained_by_its_own_id() {
    let stack = Stack::new().await;
    let (api, _worker) = (stack.api().await, stack.worker().await);
    let notes = stack.file("notes.bin", b"no picture at all");
    let (_, printed) = stack.upload(&api, &notes).await;
    let file_id = printed["file_id"].as_str().unwrap();
    let why = stack.run(&format!("runs explain {file_id}")).await;
    let why = String::from_utf8(why.stdout).unwrap();
    let message = printed["file"]["rejection"]["message"].as_str().unwrap();
    assert!(
        why.starts_with("it is over: rejected since ") && why.contains(message),
        "{why}"
    );
}

#[tokio::test]
async fn keys_are_listed_and_audited_and_end_by_themselves() {
    let stack = Stack::new().await;
    let api = stack.api().await;
    let files = async |key: &str| {
        let client = reqwest::Client::new();
        let request = client
            .get(format!("{}/v1/files", api.ready))
            .bearer_auth(key);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(files(&stack.key).await, 200);
    let listed = stack.run("keys list --owner tester --json").await;
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let entry = &listed["items"][0];
    assert!(entry["last_used_at"].is_string(), "{listed}");
    assert!(!listed.to_string().contains(&stack.key));

    let made = stack
        .run("keys create --owner brief --scope files:read --expires-in 2s")
        .await;
    let brief = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    assert_eq!(files(&brief).await, 200);
    until("the key to end", async || files(&brief).await == 401).await;
    let left = stack.run("keys list --owner brief").await;
    assert_eq!(
        String::from_utf8_lossy(&left.stdout).lines().count(),
        1,
        "only the head"
    );

    // A key that was found somewhere.
    let mut command = stack.command(&["keys", "identify"]).await;
    let mut child = command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stdin, stack.key.as_bytes())
        .await
        .unwrap();
    drop(stdin);
    let id = child.wait_with_output().await.unwrap().stdout;
    let id = String::from_utf8(id).unwrap().trim().to_owned();
    assert_eq!(entry["api_key_id"], id);
    let revoked = stack
        .run(&format!("keys revoke {id} --reason leaked"))
        .await;
    assert!(revoked.status.success());
    assert_eq!(files(&stack.key).await, 401);
    let audit = stack.run(&format!("audit list --target {id}")).await;
    let audit = String::from_utf8(audit.stdout).unwrap();
    assert!(
        audit.contains("key.create") && audit.contains("key.revoke") && audit.contains("leaked"),
        "{audit}"
    );
}

#[tokio::test]
async fn an_operator_needs_only_the_folder_of_dev() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut command = mediamill(&["dev", "--listen", "127.0.0.1:0", "--data-dir"]);
    command.arg(&data);
    let log = folder.path().join("log");
    let dev = Process::start(command, &log).await;
    let mut command = mediamill(&["workers", "list", "--data-dir"]);
    let output = command.arg(&data).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        said.contains("light 8"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let log = std::fs::read_to_string(log).unwrap();
    assert!(
        !log.contains("postgres://"),
        "the password stands in a file: {log}"
    );
    let metrics = log
        .lines()
        .find_map(|line| line.trim().strip_prefix("metrics"))
        .unwrap()
        .trim();
    assert!(
        reqwest::get(metrics)
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
            .contains("workflows_present 1")
    );
    dev.kill_9().await;
}
