//! HTTP messages with a head and a short body.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, bail};

/// Maximum size of a message.
const MAX_MESSAGE: usize = 1 << 20;

/// A request or an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// First line: `GET / HTTP/1.1` or `HTTP/1.1 200 OK`.
    pub start: String,
    /// Headers in their order, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Message {
    /// Creates a message without a body.
    #[must_use]
    pub fn new(start: &str) -> Self {
        Self {
            start: start.to_owned(),
            ..Self::default()
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Returns the first header of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(other, _)| other == name)?;
        Some(&found.1)
    }

    /// Returns the status of an answer; 0 for anything else.
    #[must_use]
    pub fn status(&self) -> u16 {
        let status = self.start.split(' ').nth(1);
        status.and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    pub(super) fn read(stream: &mut impl Read) -> anyhow::Result<Self> {
        let mut bytes = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            if let Some(message) = Self::parse(&bytes)? {
                return Ok(message);
            }
            let count = stream.read(&mut buffer)?;
            if count == 0 || bytes.len() > MAX_MESSAGE {
                bail!("the message broke off");
            }
            bytes.extend(buffer.iter().take(count));
        }
    }

    /// Parses a message, or returns `None` if a part is missing.
    fn parse(bytes: &[u8]) -> anyhow::Result<Option<Self>> {
        let text = String::from_utf8_lossy(bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            return Ok(None);
        };
        let mut lines = head.split("\r\n");
        let mut message = Self::new(lines.next().unwrap_or_default());
        for line in lines {
            let (name, value) = line.split_once(':').context("a header without a colon")?;
            let name = name.to_ascii_lowercase();
            message.headers.push((name, value.trim().to_owned()));
        }
        let length = message.header("content-length").unwrap_or("0").parse()?;
        message.body = body.to_owned();
        Ok((body.len() >= length).then_some(message))
    }

    pub(super) fn write(&self, stream: &mut impl Write) -> anyhow::Result<()> {
        let mut text = format!("{}\r\n", self.start);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str(&format!("content-length: {}\r\n", self.body.len()));
        text.push_str("connection: close\r\n\r\n");
        text.push_str(&self.body);
        stream.write_all(text.as_bytes())?;
        Ok(())
    }

    /// Sends the message to `HOST:PORT` and returns the answer.
    ///
    /// # Errors
    ///
    /// Nobody listens, or the answer is not HTTP.
    pub fn exchange(&self, address: &str) -> anyhow::Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        self.write(&mut stream)?;
        Self::read(&mut stream)
    }
}
