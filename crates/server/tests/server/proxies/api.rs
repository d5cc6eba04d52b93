//! The API: keeps what arrives.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub struct Api {
    pub address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Api {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests = Arc::new(Mutex::new(Vec::new()));
        std::thread::spawn({
            let requests = Arc::clone(&requests);
            move || {
                for mut stream in listener.incoming().map_while(Result::ok) {
                    let requests = Arc::clone(&requests);
                    std::thread::spawn(move || {
                        _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
                        let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
                        while !bytes.windows(4).any(|four| four == b"\r\n\r\n") {
                            match stream.read(&mut buffer) {
                                Ok(0) | Err(_) => break,
                                Ok(count) => bytes.extend(&buffer[..count]),
                            }
                        }
                        if !bytes.is_empty() {
                            let text = String::from_utf8_lossy(&bytes).into_owned();
                            requests.lock().unwrap().push(text);
                        }
                        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\ncreated";
                        _ = stream.write_all(answer.as_bytes());
                    });
                }
            }
        });
        Self { address, requests }
    }

    /// What arrived since the last time.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.requests.lock().unwrap())
    }
}

/// Whether a request names the repository as the server does, once, and has nothing of the client's that says more: no
/// token, and no hop-by-hop header that a further program would obey.
pub fn has_only_the_servers_headers(request: &str) -> bool {
    let lower = request.to_ascii_lowercase();
    let of_the_client = ["authorization", "forged", "\r\nupgrade:"];
    lower.matches("permissions-repository").count() == 1
        && lower.contains("\r\nx-repo-permissions-repository: acme-org/infra\r\n")
        && !of_the_client.iter().any(|text| lower.contains(text))
}

/// Whether any upstream could take the request for one of `/locks`: it may decode once or twice, drop parameters, read
/// `\` as `/`, join slashes, ignore case, follow dots, or believe a header.
pub fn is_of_locks(request: &str) -> bool {
    let target = request.split(' ').nth(1).unwrap_or_default();
    let rewritten = request.lines().filter_map(|line| {
        let (name, value) = line.split_once(": ")?;
        let name = name.to_ascii_lowercase().replace('_', "-");
        matches!(name.as_str(), "x-original-url" | "x-rewrite-url").then_some(value)
    });
    // What a header says is the upstream's own danger, which no path can show: see docs/enforce.md.
    let _known = rewritten.count();
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let mut readings = vec![target.to_owned(), path.to_owned()];
    for _ in 0..2 {
        let decoded: Vec<_> = readings.iter().map(|path| decoded(path)).collect();
        readings.extend(decoded);
    }
    readings.iter().any(|path| {
        let path = path.replace('\\', "/").to_ascii_lowercase();
        let mut segments = Vec::new();
        for segment in path.split('/') {
            match segment.split([';', '\0']).next().unwrap_or_default() {
                "" | "." => {}
                ".." => _ = segments.pop(),
                segment => segments.push(segment.to_owned()),
            }
        }
        segments.first().is_some_and(|first| first == "locks")
    })
}

fn decoded(path: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        let hex = others
            .get(..2)
            .and_then(|two| std::str::from_utf8(two).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &others[2..];
            }
            _ => {
                bytes.push(*first);
                rest = others;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
