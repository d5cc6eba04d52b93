//! What the proxy takes for the server: the real one, or one that breaks.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[derive(Clone, Debug, PartialEq)]
pub enum Mode {
    /// The real server answers.
    Pass,
    /// An answer with this status, which says nothing else.
    Status(u16),
    /// Bytes, and then the end.
    Bytes(&'static str),
    /// No answer for longer than the proxy waits.
    Slow,
    /// The connection ends at once.
    Reset,
    /// Half a head, and nothing more.
    Stalled,
}

impl Mode {
    /// All but the real server. A 2xx of it never occurs, but 200.
    pub fn faults() -> Vec<Self> {
        let statuses = [
            301, 302, 400, 401, 403, 404, 407, 408, 418, 429, 431, 500, 501, 502, 503, 504, 599,
        ];
        let mut all: Vec<_> = statuses.map(Self::Status).to_vec();
        all.extend([
            Self::Reset,
            Self::Slow,
            Self::Stalled,
            Self::Bytes(""),
            Self::Bytes("HTTP/1.1 2"),
            Self::Bytes("HTTP/1.1 200 OK\r\nContent-Le"),
            Self::Bytes("granted\r\n\r\n"),
            Self::Bytes("HTTP/1.1 999999 Granted\r\n\r\n"),
            Self::Bytes("HTTP/1.1 20 OK\r\n\r\n"),
            Self::Bytes("HTTP/1.1 100 Continue\r\n\r\n"),
        ]);
        all
    }
}

pub struct Authority {
    pub address: String,
    mode: Arc<Mutex<Mode>>,
}

impl Authority {
    pub fn start(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let mode = Arc::new(Mutex::new(Mode::Pass));
        std::thread::spawn({
            let (mode, server) = (Arc::clone(&mode), server.to_owned());
            move || {
                for stream in listener.incoming().map_while(Result::ok) {
                    let (mode, server) = (Arc::clone(&mode), server.clone());
                    std::thread::spawn(move || serve(stream, &mode, &server));
                }
            }
        });
        Self { address, mode }
    }

    pub fn set(&self, mode: Mode) {
        *self.mode.lock().unwrap() = mode;
    }
}

/// Answers requests without a body, one after the other.
fn serve(mut stream: TcpStream, mode: &Mutex<Mode>, server: &str) -> Option<()> {
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .ok()?;
    loop {
        let head = head(&mut stream)?;
        let now = mode.lock().unwrap().clone();
        match now {
            Mode::Pass => {
                let mut upstream = TcpStream::connect(server).ok()?;
                upstream.write_all(&head).ok()?;
                let answer = crate::support::http::read_answer(&mut upstream);
                let mut text = format!("HTTP/1.1 {} X\r\n", answer.status);
                for (name, value) in &answer.headers {
                    text += &format!("{name}: {value}\r\n");
                }
                stream
                    .write_all(format!("{text}\r\n{}", answer.body).as_bytes())
                    .ok()?;
            }
            Mode::Status(status) => {
                let answer = format!(
                    "HTTP/1.1 {status} X\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                );
                stream.write_all(answer.as_bytes()).ok()?;
                return None;
            }
            Mode::Bytes(bytes) => {
                stream.write_all(bytes.as_bytes()).ok()?;
                return None;
            }
            Mode::Stalled => {
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\nX-Repo-Permissions")
                    .ok()?;
                std::thread::sleep(Duration::from_secs(8));
                return None;
            }
            Mode::Slow => {
                std::thread::sleep(Duration::from_secs(8));
                _ = stream.write_all(b"HTTP/1.1 200 OK\r\nX-Repo-Permissions-Repository: a/b\r\nContent-Length: 0\r\n\r\n");
                return None;
            }
            Mode::Reset => {
                _ = stream.shutdown(Shutdown::Both);
                return None;
            }
        }
    }
}

fn head(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    while !bytes.ends_with(b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend(&buffer[..count]),
        }
    }
    Some(bytes)
}
