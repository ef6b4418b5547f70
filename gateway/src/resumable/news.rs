//! `104 (Upload Resumption Supported)`: tells a client where to go on if the connection breaks, and how far it is.

use api::http::Interim;
use api::http::problem::{Code, Problem};
use poem::Request;

use super::answers::{self, Limits};
use super::protocol::Protocol;

const REASON: &str = "Upload Resumption Supported";

/// The interim responses to one request. There are none in tus, nor before HTTP/1.1.
#[derive(Debug)]
pub struct News {
    interim: Option<Interim>,
    protocol: Protocol,
}

impl News {
    /// For this request.
    pub fn of(request: &Request, protocol: Protocol) -> Self {
        let interim = match protocol {
            Protocol::Tus => None,
            Protocol::Draft(_) => request.data::<Interim>().cloned(),
        };
        Self { interim, protocol }
    }

    /// The upload is there: `location` is its path, `max_age` its life in seconds.
    pub async fn created(&self, location: String, limits: Limits, max_age: i64) {
        let limit = answers::upload_limit(self.protocol, limits, Some(max_age));
        self.send(vec![("Location", location), ("Upload-Limit", limit)])
            .await;
    }

    /// So many bytes are confirmed.
    pub async fn progress(&self, offset: u64) {
        self.send(vec![("Upload-Offset", offset.to_string())]).await;
    }

    /// The bytes could not be received. A system that resumes uploads by itself does so when the connection breaks, and
    /// takes an answer for the end: it gets none where it can go on. Such systems name the version that they speak.
    pub fn failed(&self, problem: &Problem) {
        let goes_on = [Code::UploadDisplaced, Code::BadRequest, Code::Unavailable];
        if let (Some(interim), Protocol::Draft(Some(_))) = (&self.interim, self.protocol)
            && goes_on.contains(&problem.code())
        {
            interim.cut();
        }
    }

    async fn send(&self, mut headers: Vec<(&str, String)>) {
        let Some(interim) = &self.interim else {
            return;
        };
        // A client of a draft ignores a 104 that does not name its version.
        if let Protocol::Draft(Some(version)) = self.protocol {
            headers.push(("Upload-Draft-Interop-Version", version.to_string()));
        }
        interim.send(104, REASON, &headers).await;
    }
}
