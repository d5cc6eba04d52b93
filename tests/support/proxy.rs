//! A proxy that knows CONNECT only.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A running proxy; its threads end with the test.
pub struct Proxy {
    /// As `HTTPS_PROXY` wants it.
    pub url: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Tunnels to the port that it is asked for, on this machine whatever the host; to `instead`, where that is
    /// given.
    pub fn start(instead: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&heads);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (seen, instead) = (Arc::clone(&seen), instead.clone());
                std::thread::spawn(move || tunnel(client.unwrap(), &seen, instead));
            }
        });
        Self { url, heads }
    }

    /// What was sent to it before the tunnels, a request each.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn tunnel(mut client: TcpStream, heads: &Mutex<Vec<String>>, instead: Option<String>) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if client.read(&mut byte).unwrap_or(0) == 0 {
            return;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    heads.lock().unwrap().push(head.clone());
    let target = head
        .strip_prefix("CONNECT ")
        .and_then(|rest| rest.split(' ').next());
    let Some(target) = target else { return };
    let target = instead.unwrap_or_else(|| target.to_owned());
    let (_, port) = target.rsplit_once(':').unwrap();
    let server = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
    let pump = |mut from: TcpStream, mut to: TcpStream| {
        std::thread::spawn(move || {
            _ = std::io::copy(&mut from, &mut to);
            _ = to.shutdown(Shutdown::Write);
        })
    };
    let threads = [
        pump(client.try_clone().unwrap(), server.try_clone().unwrap()),
        pump(server, client),
    ];
    for thread in threads {
        thread.join().unwrap();
    }
}
