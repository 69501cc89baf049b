//! One request to a collector.

use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, RETRY_AFTER};
use hyper::{Method, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::policy::{Failure, FailureKind};

/// A collector's answer is a few bytes; more than this is not read.
const ANSWER_BYTES_MAX: usize = 64 << 10;

pub(super) struct Collector {
    client: Client<HttpConnector, Full<Bytes>>,
    endpoint: Box<str>,
}

/// Why a collector did not take what it was sent. No text of its answer is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Untaken {
    #[error("the collector cannot be reached")]
    Unreachable,
    #[error("the collector answered with status {status}")]
    Status {
        status: u16,
        retry_after: Option<Duration>,
    },
    #[error("the request cannot be made")]
    Request,
}

impl Failure for Untaken {
    fn kind(&self) -> FailureKind {
        match self {
            Self::Unreachable => FailureKind::ServiceUnavailable,
            // Those that the protocol calls retryable.
            Self::Status { status: 429, .. } => FailureKind::RateLimiting,
            Self::Status {
                status: 502..=504, ..
            } => FailureKind::ServiceUnavailable,
            Self::Status {
                status: 401 | 403, ..
            } => FailureKind::Authentication,
            Self::Status { .. } | Self::Request => FailureKind::InvalidInput,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl Collector {
    /// A collector; in words, what is wrong with its address.
    pub(super) fn at(endpoint: &str) -> Result<Self, &'static str> {
        let uri: Uri = endpoint.parse().map_err(|_| "it is no URL")?;
        if uri.scheme_str() != Some("http") {
            return Err("it must begin with `http://`");
        }
        if uri.host().is_none_or(str::is_empty) {
            return Err("it names no host");
        }
        if uri.path() != "/" || uri.query().is_some() {
            return Err("it must end with the host or its port, without a path");
        }
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
            endpoint: endpoint.trim_end_matches('/').into(),
        })
    }

    pub(super) async fn post(&self, path: &str, body: Bytes) -> Result<(), Untaken> {
        let request = hyper::Request::builder()
            .method(Method::POST)
            .uri(format!("{}{path}", self.endpoint))
            .header(CONTENT_TYPE, "application/x-protobuf")
            .body(Full::new(body))
            .map_err(|_| Untaken::Request)?;
        let answer = self.client.request(request).await;
        let answer = answer.map_err(|_| Untaken::Unreachable)?;
        let (head, body) = answer.into_parts();
        // Read to its end, so that the connection can be used again.
        let read = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        if head.status != StatusCode::OK {
            let seconds = head.headers.get(RETRY_AFTER);
            let seconds = seconds.and_then(|it| it.to_str().ok()?.parse().ok());
            return Err(Untaken::Status {
                status: head.status.as_u16(),
                retry_after: seconds.map(Duration::from_secs),
            });
        }
        read.map(drop).map_err(|_| Untaken::Unreachable)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    /// Catches: a collector that is taken for away because it says something.
    #[tokio::test]
    async fn a_collector_may_say_as_much_as_is_read() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let collector = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept()?;
            let asked = stream.read(&mut [0; 4_096])?;
            let said = " ".repeat(65_536);
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 65536\r\n\r\n{said}");
            stream.write_all(answer.as_bytes()).map(|()| asked)
        });
        let to = Collector::at(&format!("http://{address}")).expect("an address");
        assert_eq!(to.post("/v1/metrics", Bytes::new()).await, Ok(()));
        let asked = collector.join().expect("it ends").expect("it is asked");
        assert!(asked > 0);
    }

    /// Catches: a collector that asks for patience and is not heard, or one that did not and is waited for;
    /// and an answer that is tried again though the protocol says that it never succeeds.
    #[test]
    fn what_a_collector_did_not_take_is_tried_again_as_the_protocol_says() {
        let wait = Some(Duration::from_secs(3));
        let answered = |status, retry_after| Untaken::Status {
            status,
            retry_after,
        };
        let away = FailureKind::ServiceUnavailable;
        for (untaken, kind, retry_after) in [
            (answered(429, wait), FailureKind::RateLimiting, wait),
            (answered(502, None), away, None),
            (answered(503, wait), away, wait),
            (answered(504, None), away, None),
            (answered(500, None), FailureKind::InvalidInput, None),
            (answered(505, None), FailureKind::InvalidInput, None),
            (answered(401, None), FailureKind::Authentication, None),
            (answered(403, None), FailureKind::Authentication, None),
            (Untaken::Unreachable, away, None),
            (Untaken::Request, FailureKind::InvalidInput, None),
        ] {
            let told = (untaken.kind(), untaken.retry_after());
            assert_eq!(told, (kind, retry_after), "{untaken}");
        }
    }
}
