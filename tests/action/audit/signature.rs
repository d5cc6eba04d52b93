//! Standard Webhooks from the receiver's side, written from the standard; nothing of the program is used.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use simulator::github::Request;

use crate::support::WEBHOOK_SECRET as SECRET;

/// Whether one of the signatures of the request is made with the secret.
pub fn verifies(request: &Request, secret: &str) -> bool {
    let header = |name: &str| request.header(name).unwrap();
    let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
    assert!(timestamp.bytes().all(|byte| byte.is_ascii_digit()));
    let key = STANDARD
        .decode(secret.strip_prefix("whsec_").unwrap())
        .unwrap();
    let signed = [format!("{id}.{timestamp}.").as_bytes(), &request.body].concat();
    let expected = format!("v1,{}", STANDARD.encode(hmac(&key, &signed)));
    header("webhook-signature")
        .split(' ')
        .any(|signature| signature == expected)
}

/// RFC 2104 with SHA-256, for keys of up to one block.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let hash = |parts: [&[u8]; 2]| {
        let digest = ring::digest::digest(&ring::digest::SHA256, &parts.concat());
        digest.as_ref().to_vec()
    };
    let pad = |byte: u8| {
        let mut block = [byte; 64];
        for (block, key) in block.iter_mut().zip(key) {
            *block ^= key;
        }
        block
    };
    let inner = hash([&pad(0x36), message]);
    hash([&pad(0x5c), &inner])
}

#[test]
fn the_standards_own_example_verifies() {
    let mut request = Request {
        method: "POST".to_owned(),
        path: String::new(),
        query: String::new(),
        headers: [
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("webhook-timestamp", "1614265330"),
            (
                "webhook-signature",
                "v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            ),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
        body: br#"{"test": 2432232314}"#.to_vec(),
    };
    assert!(verifies(&request, SECRET));
    request.body.push(b' ');
    assert!(!verifies(&request, SECRET));
}
