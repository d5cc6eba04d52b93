//! Every fault.

use std::time::Duration;

use serde_json::{Value, json};
use simulator::github::{Answer, Fault};

/// How a request ends that meets a fault, by the plain words of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// The answer is right.
    Harmless,
    /// The answer is right, in a form that may be refused.
    Odd,
    /// It fails, and is asked again where that is safe: transport errors, 429, 5xx.
    Passing,
    /// It fails for good.
    Lasting,
    /// There is no answer for as long as anybody waits.
    Silent,
}

pub struct Kind {
    pub name: String,
    pub nature: Nature,
    pub fault: Fault,
}

const HUGE: usize = 100 << 20;

pub fn kinds() -> Vec<Kind> {
    let mut kinds = Vec::new();
    let mut add = |name: &str, nature, fault| {
        let name = name.to_owned();
        kinds.push(Kind {
            name,
            nature,
            fault,
        });
    };
    let error = |status| Answer::error(status, "requested by the test");
    add(
        "delay",
        Nature::Harmless,
        Fault::Delay(Duration::from_millis(150)),
    );
    add("stall", Nature::Silent, Fault::Stall);
    add(
        "slow trickle",
        Nature::Odd,
        Fault::Trickle(Duration::from_millis(100)),
    );
    add("reset before", Nature::Passing, Fault::Reset);
    add("reset after", Nature::Passing, Fault::ResetAfter);
    add("not HTTP", Nature::Passing, Fault::Garbage);
    add("half of the body", Nature::Passing, Fault::Truncate);
    add(
        "half of the body, without a length",
        Nature::Lasting,
        Fault::TruncateUnframed,
    );
    for media_type in ["text/html", "application/json", "application/octet-stream"] {
        let fault = Fault::ContentType(media_type.to_owned());
        add(&format!("as {media_type}"), Nature::Odd, fault);
    }
    for (name, body) in [
        ("empty", &b""[..]),
        ("JSON {}", b"{}"),
        ("JSON null", b"null"),
        ("JSON []", b"[]"),
        (
            "JSON of another shape",
            other_shape().to_string().as_bytes(),
        ),
        (
            "not UTF-8",
            b"version: 1\n# \xff\xfe\xc3\x28\npermissions: [\xed\xa0\x80]\n",
        ),
    ] {
        let answer = Answer::new(200, "application/json; charset=utf-8", body);
        add(name, Nature::Lasting, Fault::Answer(answer));
    }
    for status in [202, 203, 206] {
        add(
            &format!("{status} with the right answer"),
            Nature::Odd,
            Fault::WithStatus(status),
        );
    }
    for status in [401, 403, 404, 409, 422] {
        add(
            &status.to_string(),
            Nature::Lasting,
            Fault::Answer(error(status)),
        );
    }
    for status in [429, 500, 502, 503, 504] {
        add(
            &status.to_string(),
            Nature::Passing,
            Fault::Answer(error(status)),
        );
    }
    for (status, wait, nature) in [
        (429, "0", Nature::Passing),
        (429, "1", Nature::Passing),
        (429, "1000000000", Nature::Lasting),
        (429, "99999999999999999999", Nature::Passing),
        (429, "-1", Nature::Passing),
        (429, "Fri, 31 Dec 2100 23:59:59 GMT", Nature::Passing),
        (429, "soon\u{ff}", Nature::Passing),
        (403, "1", Nature::Passing),
        (403, "1000000000", Nature::Lasting),
        (403, "Fri, 31 Dec 2100 23:59:59 GMT", Nature::Lasting),
        (503, "1", Nature::Passing),
        (503, "1000000000", Nature::Lasting),
    ] {
        let answer = error(status).with_header("Retry-After", wait);
        let name = format!("{status}, Retry-After: {wait}");
        add(&name, nature, Fault::Answer(answer));
    }
    add("100 MB", Nature::Lasting, Fault::Huge(HUGE));
    let bomb = Answer::new(200, "application/json", gzip_bomb());
    let bomb = bomb.with_header("Content-Encoding", "gzip");
    add("gzip of 100 MB", Nature::Lasting, Fault::Answer(bomb));
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    add(
        "called gzip",
        Nature::Odd,
        Fault::Headers(vec![header("Content-Encoding", "gzip")]),
    );
    add(
        "a header of 1 MB",
        Nature::Passing,
        Fault::Headers(vec![header("X-Long", &"x".repeat(1 << 20))]),
    );
    add(
        "10,000 headers",
        Nature::Passing,
        Fault::Headers(vec![header("X-Many", "x"); 10_000]),
    );
    for status in [301, 302, 307, 308] {
        let name = format!("{status} to another host");
        add(&name, Nature::Lasting, Fault::RedirectElsewhere(status));
        // Once: the same address answers the next time. Always: a loop.
        add(
            &format!("{status} to itself"),
            Nature::Odd,
            Fault::RedirectLoop(status),
        );
    }
    kinds
}

/// What the endpoints' answers have, each of another type.
fn other_shape() -> Value {
    json!({
        "value": 7, "keys": "none", "token": {}, "id": "seven", "sha": ["x"], "merge_base_commit": null,
        "type": "file", "encoding": "base64", "content": 7, "html_url": [], "name": {}, "message": [],
        "version": "1", "permissions": {}, "partialSuccess": "none",
    })
}

/// 100 MB of spaces in 650 KB, below every limit: a block of fixed Huffman codes (RFC 1951, 3.2.6) with one
/// literal and 400,000 times "the last byte 258 times more". It has no checksum: a decoder that reaches it
/// has unpacked everything.
fn gzip_bomb() -> Vec<u8> {
    let mut bits = Bits::default();
    bits.push(0b011, 3);
    bits.push_code(0x30 + u32::from(b' '), 8);
    for _ in 0..HUGE / 258 {
        bits.push_code(0b1100_0101, 8);
        bits.push_code(0, 5);
    }
    bits.push_code(0, 7);
    bits.push(0, 7);
    let head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    [&head[..], &bits.bytes, &[0; 8]].concat()
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    /// Not yet a whole byte.
    open: u32,
    count: u32,
}

impl Bits {
    /// The lowest bit first.
    fn push(&mut self, bits: u32, count: u32) {
        self.open |= bits << self.count;
        self.count += count;
        while self.count >= 8 {
            self.bytes.push(u8::try_from(self.open & 0xff).unwrap());
            self.open >>= 8;
            self.count -= 8;
        }
    }

    /// A Huffman code: the highest bit first.
    fn push_code(&mut self, code: u32, count: u32) {
        self.push(code.reverse_bits() >> (32 - count), count);
    }
}

impl Kind {
    /// Only the end of the time ends it.
    pub fn waits(&self, once: bool) -> bool {
        match self.nature {
            Nature::Silent => true,
            Nature::Passing => !once,
            _ => matches!(self.fault, Fault::Trickle(_)),
        }
    }

    /// So much that memory has to be looked at.
    pub fn is_large(&self) -> bool {
        match &self.fault {
            Fault::Huge(_) | Fault::Headers(_) => true,
            Fault::Answer(answer) => answer.body.len() > 100_000,
            _ => false,
        }
    }

    /// The answer's status, where the fault says one.
    pub fn status(&self) -> Option<u16> {
        match &self.fault {
            Fault::Answer(answer) => Some(answer.status),
            Fault::Huge(_) | Fault::ContentType(_) | Fault::TruncateUnframed => Some(200),
            Fault::RedirectElsewhere(status) | Fault::RedirectLoop(status) => Some(*status),
            _ => None,
        }
    }
}

#[test]
fn the_bomb_is_one() {
    let unpacked = std::env::temp_dir().join(format!("bomb-{}.gz", std::process::id()));
    std::fs::write(&unpacked, gzip_bomb()).unwrap();
    let count = format!("gzip -dc {} 2>/dev/null | wc -c", unpacked.display());
    let shell = std::process::Command::new("sh")
        .args(["-c", &count])
        .output()
        .unwrap();
    std::fs::remove_file(&unpacked).unwrap();
    let length: usize = String::from_utf8(shell.stdout)
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    assert!(length > HUGE - (1 << 20), "{length}");
}
