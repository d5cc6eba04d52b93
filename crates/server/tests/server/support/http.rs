//! HTTP as bytes: a client library would refuse to send what an attacker sends.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut named = self.headers.iter().filter(|(other, _)| other == name);
        let value = named.next().map(|(_, value)| value.as_str());
        assert!(named.next().is_none(), "two {name} in {self:?}");
        value
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The reason in the header, which the body repeats.
    #[track_caller]
    pub fn reason(&self) -> &str {
        let reason = self.header("x-repo-permissions-reason").unwrap_or_default();
        if self.status != 200 && !self.body.is_empty() {
            let problem = self.json();
            assert_eq!(problem["reason"].as_str().unwrap_or_default(), reason);
            assert_eq!(problem["status"], self.status);
            assert_eq!(
                self.header("content-type"),
                Some("application/problem+json")
            );
        }
        reason
    }
}

/// Sends a request's bytes and reads the answer, until the other side closes the connection or the answer is whole.
pub fn exchange(address: &str, request: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    // The other side may answer and close before it has read everything.
    _ = stream.write_all(request);
    read_answer(&mut stream)
}

/// Reads one answer.
pub fn read_answer(stream: &mut impl std::io::Read) -> Answer {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some(answer) = parse(&bytes, false) {
            return answer;
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(count) => bytes.extend(&buffer[..count]),
        }
    }
    parse(&bytes, true).unwrap_or(Answer {
        status: 0,
        headers: Vec::new(),
        body: String::from_utf8_lossy(&bytes).into_owned(),
    })
}

fn parse(bytes: &[u8], is_all: bool) -> Option<Answer> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let body = &bytes[end + 4..];
    let named = |wanted: &str| headers.iter().find(|(name, _)| name == wanted);
    let length = named("content-length").and_then(|(_, value)| value.parse::<usize>().ok());
    let is_chunked = named("transfer-encoding").is_some();
    let is_whole = match length {
        Some(length) => body.len() >= length,
        None if is_chunked => body.ends_with(b"0\r\n\r\n"),
        None => status == 204 || status == 304,
    };
    (is_whole || is_all).then(|| Answer {
        status,
        headers,
        body: String::from_utf8_lossy(body).into_owned(),
    })
}
