//! A client that shows every byte: interim responses as they come, and bodies that stop where the test says.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long any answer may take.
const LIMIT: Duration = Duration::from_secs(30);

/// Who asks a server.
#[derive(Clone)]
pub struct Client {
    pub address: SocketAddr,
    pub key: String,
}

/// The head of a response.
#[derive(Debug, Clone)]
pub struct Head {
    pub status: u16,
    headers: Vec<(String, String)>,
}

/// A final response, with what came before it.
#[derive(Debug)]
pub struct Answer {
    pub head: Head,
    pub interim: Vec<Head>,
    pub body: Vec<u8>,
}

/// A request that is being sent.
pub struct Exchange {
    stream: BufReader<TcpStream>,
    head_only: bool,
}

impl Client {
    pub fn new(address: SocketAddr, key: &str) -> Self {
        let key = key.to_owned();
        Self { address, key }
    }

    pub fn with_key(&self, key: &str) -> Self {
        Self::new(self.address, key)
    }

    /// Sends the head of a request.
    pub async fn begin(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Exchange {
        let (version, headers): (Vec<_>, Vec<_>) = headers
            .iter()
            .partition(|(name, _)| *name == "http-version");
        let version = version.first().map_or("1.1", |(_, version)| *version);
        let mut head = format!(
            "{method} {path} HTTP/{version}\r\nhost: {}\r\n",
            self.address
        );
        let key = &self.key;
        let _ = write!(head, "authorization: Bearer {key}\r\nconnection: close\r\n");
        for (name, value) in headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        head += "\r\n";
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        Exchange {
            stream: BufReader::new(stream),
            head_only: method == "HEAD",
        }
    }

    /// A whole request.
    pub async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let length = body.len().to_string();
        let mut headers = headers.to_vec();
        let has_length = headers.iter().any(|(name, _)| *name == "content-length");
        if matches!(method, "POST" | "PATCH") && !has_length {
            headers.push(("content-length", &length));
        }
        let mut exchange = self.begin(method, path, &headers).await;
        exchange.send(body).await;
        exchange.answer().await
    }
}

impl Exchange {
    /// Sends bytes of the body. A server that has answered may take no more of them.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.get_mut().write_all(bytes).await;
    }

    /// The next head, interim or final.
    pub async fn head(&mut self) -> Head {
        let read = timeout(LIMIT, self.read_head()).await;
        read.expect("a response in time")
    }

    async fn read_head(&mut self) -> Head {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).await.unwrap();
            assert!(
                line.ends_with("\r\n"),
                "the connection ended after {lines:?} {line:?}"
            );
            let line = line.trim_end().to_owned();
            if line.is_empty() {
                break;
            }
            lines.push(line);
        }
        let status = lines[0].strip_prefix("HTTP/1.1 ").expect(&lines[0]);
        let header = |line: &String| {
            let (name, value) = line.split_once(": ").expect(line);
            (name.to_ascii_lowercase(), value.to_owned())
        };
        Head {
            status: status[..3].parse().unwrap(),
            headers: lines[1..].iter().map(header).collect(),
        }
    }

    /// The final response. The connection ends with it.
    pub async fn answer(mut self) -> Answer {
        let mut interim = Vec::new();
        let head = loop {
            let head = self.head().await;
            if head.status >= 200 {
                break head;
            }
            interim.push(head);
        };
        let mut body = Vec::new();
        let length: usize = head
            .find("content-length")
            .map_or(0, |length| length.parse().unwrap());
        if !self.head_only {
            body.resize(length, 0);
            let read = timeout(LIMIT, self.stream.read_exact(&mut body)).await;
            read.expect("a body in time").unwrap();
        }
        Answer {
            head,
            interim,
            body,
        }
    }

    /// All that the server says until it ends the connection.
    pub async fn all_within(mut self, limit: Duration) -> String {
        let mut said = String::new();
        let read = timeout(limit, self.stream.read_to_string(&mut said)).await;
        read.expect("an end in time").unwrap();
        said
    }
}

impl Head {
    pub fn find(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(n, _)| n == name);
        let value = found.next().map(|(_, value)| &**value);
        assert!(found.next().is_none(), "{name} is there twice: {self:?}");
        value
    }

    pub fn header(&self, name: &str) -> &str {
        self.find(name)
            .unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }
}

impl Answer {
    pub fn status(&self) -> u16 {
        self.head.status
    }

    pub fn find(&self, name: &str) -> Option<&str> {
        self.head.find(name)
    }

    pub fn header(&self, name: &str) -> &str {
        self.head.header(name)
    }

    /// The status, or a failure that shows the answer.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        let body = String::from_utf8_lossy(&self.body);
        assert_eq!(self.head.status, status, "{:?} {body}", self.head);
        self
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}
