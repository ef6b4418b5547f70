//! What strangers may hold, and for how long; and requests that are hardly HTTP.

use std::time::{Duration, Instant};

use media::api_keys::Scope;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::service::Service;

/// More than the server waits for the head of a request, and less than it keeps an idle connection.
const SOON: Duration = Duration::from_secs(30);

async fn connect(service: &Service) -> TcpStream {
    let address = service.base.strip_prefix("http://").unwrap();
    TcpStream::connect(address).await.unwrap()
}

/// What the server says to these bytes until it hangs up.
async fn say(service: &Service, bytes: &[u8]) -> String {
    let mut stream = connect(service).await;
    // It may hang up before it has read all, and has said why then.
    let _ = stream.write_all(bytes).await;
    let mut said = Vec::new();
    let read = timeout(SOON, stream.read_to_end(&mut said)).await;
    let _ = read.expect("the server hangs up in time");
    String::from_utf8_lossy(&said).into_owned()
}

/// The problem in an answer.
fn problem(answer: &str) -> Value {
    let (head, body) = answer.split_once("\r\n\r\n").expect(answer);
    assert!(
        head.contains("content-type: application/problem+json"),
        "{head}"
    );
    assert!(head.contains("x-request-id: "), "{head}");
    serde_json::from_str(body).expect(body)
}

/// Sends a line now and then; whether the server has hung up.
async fn drip(stream: &mut TcpStream, line: &str) -> bool {
    let started = Instant::now();
    while started.elapsed() < SOON {
        let mut said = [0; 1024];
        match timeout(Duration::from_secs(1), stream.read(&mut said)).await {
            Ok(Ok(0) | Err(_)) => return true,
            Ok(Ok(_)) => {}
            Err(_) => drop(stream.write_all(line.as_bytes()).await),
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn the_head_of_a_request_comes_in_time_or_not_at_all() {
    let service = Service::start().await;
    let (mut half, mut dripping) = (connect(&service).await, connect(&service).await);
    let (mut ahead, mut later) = (connect(&service).await, connect(&service).await);
    half.write_all(b"GET /v1/he").await.unwrap();
    let whole = "GET /v1/livez HTTP/1.1\r\nhost: a\r\n\r\n";
    // Half a second request: in the same breath as the first, and after its answer.
    let both = format!("{whole}GET /v1/he");
    ahead.write_all(both.as_bytes()).await.unwrap();
    later.write_all(whole.as_bytes()).await.unwrap();
    let mut answer = [0; 4096];
    timeout(SOON, later.read(&mut answer))
        .await
        .expect("an answer in time")
        .unwrap();
    later.write_all(b"GET /v1/he").await.unwrap();
    dripping
        .write_all(b"GET /v1/health HTTP/1.1\r\n")
        .await
        .unwrap();
    let gone = tokio::join!(
        drip(&mut half, ""),
        drip(&mut dripping, "x-some: header\r\n"),
        drip(&mut ahead, ""),
        drip(&mut later, "")
    );
    assert_eq!(gone, (true, true, true, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_is_kept_for_as_long_as_proxies_keep_theirs() {
    let service = Service::start().await;
    let mut stream = connect(&service).await;
    let request = b"GET /v1/health HTTP/1.1\r\nhost: a\r\n\r\n";
    for pause in [20, 0] {
        stream.write_all(request).await.unwrap();
        let mut answer = [0; 4096];
        let read = timeout(SOON, stream.read(&mut answer))
            .await
            .unwrap()
            .unwrap();
        assert!(answer[..read].starts_with(b"HTTP/1.1 200"), "after a pause");
        // Longer than the head of a request may take.
        sleep(Duration::from_secs(pause)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_arrive_is_refused() {
    let service = Service::start_with(&[("MEDIAMILL_REQUEST_SECONDS", "4")]).await;
    let key = service.key("a", &[Scope::UploadsWrite]).await;
    let head = format!(
        "POST /v1/uploads HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\ncontent-length: 1000\r\n\r\n{{"
    );
    let problem = problem(&say(&service, head.as_bytes()).await);
    assert_eq!(problem["status"], 400);
    assert_eq!(problem["detail"], "the body took too long to arrive");
    // Without a key it is not waited for at all.
    let head = "POST /v1/uploads HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n{";
    let asked = Instant::now();
    let answer = say(&service, head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert!(asked.elapsed() < Duration::from_secs(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_house_has_a_place_for_who_has_a_request() {
    let service = Service::start_with(&[("MEDIAMILL_MAX_CONNECTIONS", "4")]).await;
    let mut strangers = Vec::new();
    for _ in 0..40 {
        let mut stream = connect(&service).await;
        stream.write_all(b"GET /v1/he").await.unwrap();
        strangers.push(stream);
    }
    for _ in 0..8 {
        let asked = Instant::now();
        let answer = service.http.get(format!("{}/v1/health", service.base));
        assert_eq!(answer.send().await.unwrap().status(), StatusCode::OK);
        let took = asked.elapsed();
        assert!(took < Duration::from_secs(5), "took {took:?}");
    }
    let mut left = 0;
    for mut stream in strangers {
        let mut said = [0; 1];
        left += usize::from(
            timeout(Duration::from_millis(50), stream.read(&mut said))
                .await
                .is_err(),
        );
    }
    assert!(left <= 4, "{left} connections are held");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_silent_is_an_outage_and_soon_known() {
    let service = Service::start_with(&[("MEDIAMILL_REQUEST_SECONDS", "5")]).await;
    let key = service.key("a", &[Scope::UploadsWrite]).await;
    let upload = service.initiate(&key, 20_000_000).await;
    let given_up = service.initiate(&key, 20_000_000).await;
    let path_of = |upload: &Value| format!("/v1/uploads/{}", upload["upload_id"].as_str().unwrap());
    let (path, given_up) = (path_of(&upload), path_of(&given_up));
    let open = json!({ "filename": "a", "content_type": "image/png", "size_bytes": 20_000_000 });
    service.s3.partition(true);
    let ask = async |method: Method, path: String, body: Option<&Value>| {
        let mut request = service.request(method, &path, &key);
        if let Some(body) = body {
            request = request.json(body);
        }
        let asked = Instant::now();
        let answer = request.send().await.unwrap();
        let took = asked.elapsed();
        assert_eq!(answer.status(), 503, "{path}");
        assert!(answer.headers().contains_key("retry-after"), "{path}");
        assert!(took < Duration::from_secs(25), "{path} took {took:?}");
    };
    tokio::join!(
        ask(Method::POST, "/v1/uploads".into(), Some(&open)),
        ask(Method::GET, format!("{path}/parts"), None),
        ask(Method::POST, format!("{path}/complete"), None),
        ask(Method::DELETE, given_up, None),
    );
    service.s3.partition(false);
    service.initiate(&key, 20_000_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_gets_a_problem_too() {
    let service = Service::start().await;
    let many = "x: y\r\n".repeat(200);
    for (request, status, code) in [
        (
            "GET / HTTP/1.1\r\nno colon\r\n\r\n".to_owned(),
            400,
            "bad_request",
        ),
        ("GET / HTTP/9.9\r\n\r\n".to_owned(), 400, "bad_request"),
        (
            format!("GET / HTTP/1.1\r\nhost: a\r\n{many}\r\n"),
            431,
            "headers_too_large",
        ),
        (
            format!(
                "GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n",
                "y".repeat(200_000)
            ),
            431,
            "headers_too_large",
        ),
    ] {
        let answer = say(&service, request.as_bytes()).await;
        let problem = problem(&answer);
        assert_eq!(
            (&problem["status"], &problem["code"]),
            (&json!(status), &json!(code))
        );
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        assert!(answer.contains("connection: close"), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_host_one_protocol_and_any_line_end() {
    let service = Service::start().await;
    for (version, hosts, status) in [
        ("1.1", "host: a\r\nhost: b\r\n", "400"),
        ("1.1", "", "400"),
        ("1.1", "host:\r\n", "400"),
        ("1.1", "host: a b\r\n", "400"),
        ("1.1", "host: me@a\r\n", "400"),
        ("1.1", "host: a/b\r\n", "400"),
        ("1.1", "host: a:99999\r\n", "400"),
        ("1.1", "host: a:+80\r\n", "400"),
        ("1.1", "host: a.example:8080\r\n", "200"),
        ("1.1", "host: [::1]:8080\r\n", "200"),
        ("1.0", "", "200"),
    ] {
        let request = format!("GET /v1/livez HTTP/{version}\r\n{hosts}connection: close\r\n\r\n");
        let answer = say(&service, request.as_bytes()).await;
        assert_eq!(&answer[9..12], status, "{hosts:?}: {answer}");
        if status == "400" {
            assert_eq!(problem(&answer)["code"], "bad_request");
        }
    }

    // HTTP/2 by prior knowledge: no frame comes back. Proxies that speak it do so to clients.
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let answer = say(&service, preface).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 400"),
        "{answer:?}"
    );

    // A bare line feed may end a line (RFC 9112 §2.2).
    let bare = b"GET /v1/livez HTTP/1.1\nhost: a\nconnection: close\n\n";
    assert!(say(&service, bare).await.starts_with("HTTP/1.1 200"));
}
