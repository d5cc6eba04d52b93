use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use github::Unavailable;
use serde_json::json;
use token::KeyError;

/// An issuer that says what it is set to.
struct Source {
    answer: std::sync::Mutex<Result<String, FetchKeysError>>,
    takes: Duration,
    asked: AtomicUsize,
}

impl FetchKeys for Arc<Source> {
    async fn fetch(&self) -> Result<KeySet, FetchKeysError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(self.takes).await;
        let answer = self.answer.lock().unwrap().clone();
        Ok(KeySet::parse(answer?.as_bytes())?)
    }
}

/// An odd number of 2,048 bits, which could be a modulus.
fn modulus() -> String {
    format!("{}Q", "_".repeat(341))
}

/// A set of one key with these numbers.
fn one(n: &str, e: &str) -> String {
    json!({"keys": [{"kty": "RSA", "kid": "a", "n": n, "e": e}]}).to_string()
}

fn set(kids: &[&str]) -> Result<String, FetchKeysError> {
    let keys = kids
        .iter()
        .map(|kid| json!({"kty": "RSA", "kid": kid, "n": modulus(), "e": "AQAB"}));
    Ok(json!({"keys": keys.collect::<Vec<_>>()}).to_string())
}

fn down() -> Result<String, FetchKeysError> {
    Err(Unavailable::NoEndpoint("down".to_owned()).into())
}

/// A store with the keys `a`, and its source.
async fn store(takes: Duration) -> (Arc<Source>, Arc<KeyStore<Arc<Source>>>) {
    let source = Arc::new(Source {
        answer: std::sync::Mutex::new(set(&["a"])),
        takes,
        asked: AtomicUsize::new(0),
    });
    let store = Arc::new(KeyStore::new(Arc::clone(&source), Metrics::new()));
    assert!(store.current().is_none());
    assert!(store.fetch().await);
    (source, store)
}

impl Source {
    fn set(&self, answer: Result<String, FetchKeysError>) {
        *self.answer.lock().unwrap() = answer;
    }

    fn asked(&self) -> usize {
        self.asked.swap(0, Ordering::Relaxed)
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn unknown_keys_ask_once_a_minute_and_all_wait_for_one_request() {
    let (source, store) = store(seconds(2)).await;
    source.asked();
    let asking = (0..50).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.renewed().await })
    });
    for one in asking.collect::<Vec<_>>() {
        assert!(matches!(one.await.unwrap(), Renewed::Keys(_)));
    }
    assert_eq!(source.asked(), 1);
    for _ in 0..10_000 {
        assert!(matches!(store.renewed().await, Renewed::Keys(_)));
    }
    assert_eq!(source.asked(), 0);
    tokio::time::advance(seconds(61)).await;
    source.set(down());
    assert!(matches!(store.renewed().await, Renewed::Unavailable));
    assert_eq!(source.asked(), 1);
    // It cannot be asked again yet: nobody knows whether the key exists.
    source.set(set(&["a", "b"]));
    assert!(matches!(store.renewed().await, Renewed::Unavailable));
    assert_eq!(source.asked(), 0);
    tokio::time::advance(seconds(61)).await;
    assert!(matches!(store.renewed().await, Renewed::Keys(_)));
}

#[tokio::test(start_paused = true)]
async fn a_slow_issuer_holds_few_requests() {
    let (source, store) = store(seconds(5)).await;
    source.asked();
    let asking = (0..1000).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.renewed().await })
    });
    let mut renewed = 0;
    for one in asking.collect::<Vec<_>>() {
        renewed += usize::from(matches!(one.await.unwrap(), Renewed::Keys(_)));
    }
    assert_eq!((renewed, source.asked()), (WAITING, 1));
    assert!(store.current().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_does_not_end_the_fetch() {
    let (source, store) = store(seconds(2)).await;
    source.set(set(&["a", "b"]));
    let gone = tokio::time::timeout(seconds(1), store.renewed()).await;
    assert!(gone.is_err());
    tokio::time::advance(seconds(3)).await;
    assert!(matches!(store.renewed().await, Renewed::Keys(_)));
}

#[tokio::test(start_paused = true)]
async fn a_set_that_is_of_no_use_replaces_no_good_one() {
    let (source, store) = store(seconds(0)).await;
    for answer in [
        Ok(json!({"keys": []}).to_string()),
        Ok(json!({"keys": [{"kty": "EC", "kid": "a"}]}).to_string()),
        Ok(one(&modulus(), "")),
        Ok(one(&modulus(), "AQ")),
        Ok(one("", "AQAB")),
        Ok(one(&"_".repeat(168), "AQAB")),
        Ok("<html>".to_owned()),
        Ok("{}".to_owned()),
        down(),
        Err(KeyError::Discovery("why".to_owned()).into()),
    ] {
        source.set(answer);
        assert!(!store.fetch().await);
        assert!(store.current().unwrap().is_usable());
    }
}

#[tokio::test(start_paused = true)]
async fn keys_are_renewed_and_do_not_count_for_ever() {
    let (source, store) = store(seconds(0)).await;
    let fresh = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.keep_fresh().await }
    });
    tokio::time::sleep(seconds(30 * 60 + 1)).await;
    // At once, and three times after ten minutes.
    assert_eq!(source.asked(), 1 + 4);
    source.set(down());
    tokio::time::sleep(seconds(59 * 60)).await;
    assert!(store.current().is_some());
    tokio::time::sleep(seconds(2 * 60)).await;
    assert!(store.current().is_none());
    // The issuer is back: at most a minute later, so are the keys.
    source.set(set(&["b"]));
    tokio::time::sleep(LONGEST_RETRY + seconds(1)).await;
    assert!(store.current().is_some());
    fresh.abort();
}
