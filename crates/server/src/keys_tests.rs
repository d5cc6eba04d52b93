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
        tokio::spawn(async move { store.renewed("b").await })
    });
    for one in asking.collect::<Vec<_>>() {
        assert!(matches!(one.await.unwrap(), Renewed::Keys(_)));
    }
    assert_eq!(source.asked(), 1);
    for number in 0..10_000 {
        let made_up = store.renewed(&number.to_string()).await;
        assert_eq!(later(&made_up), Some(58));
    }
    assert_eq!(source.asked(), 0);
    assert!(store.missing.lock().unwrap().since.len() <= MAX_MISSING);
    tokio::time::advance(seconds(61)).await;
    source.set(down());
    assert_eq!(later(&store.renewed("b").await), Some(58));
    assert_eq!(source.asked(), 1);
    // It cannot be asked again yet: nobody knows whether the key exists.
    source.set(set(&["a", "b"]));
    assert_eq!(later(&store.renewed("b").await), Some(58));
    assert_eq!(source.asked(), 0);
    tokio::time::advance(seconds(61)).await;
    let renewed = store.renewed("b").await;
    assert!(matches!(renewed, Renewed::Keys(keys) if keys.contains("b")));
}

/// The seconds after which the issuer can be asked.
fn later(renewed: &Renewed) -> Option<u64> {
    match renewed {
        Renewed::Later(after) => Some(after.as_secs()),
        Renewed::Keys(_) | Renewed::Unavailable => None,
    }
}

/// A stranger's made-up key keeps the issuer from being asked for a minute. A key that is published then is not one
/// that does not exist.
#[tokio::test(start_paused = true)]
async fn a_key_is_unknown_only_by_a_set_that_was_fetched_after_a_token_named_it() {
    let (source, store) = store(seconds(0)).await;
    assert!(matches!(store.renewed("made-up").await, Renewed::Keys(_)));
    source.set(set(&["a", "new"]));
    tokio::time::advance(seconds(20)).await;
    assert_eq!(later(&store.renewed("new").await), Some(40));
    // What a set was fetched for is still unknown.
    assert!(matches!(store.renewed("made-up").await, Renewed::Keys(_)));
    // The next made-up key makes the server ask for both.
    tokio::time::advance(seconds(40)).await;
    assert!(matches!(store.renewed("made-up-2").await, Renewed::Keys(_)));
    let renewed = store.renewed("new").await;
    assert!(matches!(renewed, Renewed::Keys(keys) if keys.contains("new")));
    // A fetch on the schedule counts too.
    tokio::time::advance(seconds(1)).await;
    assert!(later(&store.renewed("made-up-3").await).is_some());
    tokio::time::advance(seconds(1)).await;
    assert!(store.fetch().await);
    assert!(matches!(store.renewed("made-up-3").await, Renewed::Keys(_)));
}

/// A key that left the set is refused at once: nobody has to ask for it.
#[tokio::test(start_paused = true)]
async fn a_key_that_left_the_set_is_unknown() {
    let (source, store) = store(seconds(0)).await;
    source.set(set(&["b"]));
    tokio::time::advance(seconds(10)).await;
    assert!(matches!(store.renewed("b").await, Renewed::Keys(_)));
    tokio::time::advance(seconds(10)).await;
    let renewed = store.renewed("a").await;
    assert!(matches!(renewed, Renewed::Keys(keys) if !keys.contains("a")));
    assert!(later(&store.renewed("c").await).is_some());
}

/// The set of a fetch that began before says nothing about a key that a token names while it arrives.
#[tokio::test(start_paused = true)]
async fn a_set_that_was_on_its_way_is_not_fresh() {
    let (source, store) = store(seconds(2)).await;
    let first = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.renewed("made-up").await }
    });
    tokio::time::sleep(seconds(1)).await;
    assert_eq!(later(&store.renewed("new").await), Some(58));
    assert!(matches!(first.await.unwrap(), Renewed::Keys(_)));
    source.set(set(&["a", "new"]));
    tokio::time::advance(seconds(59)).await;
    let renewed = store.renewed("new").await;
    assert!(matches!(renewed, Renewed::Keys(keys) if keys.contains("new")));
}

#[tokio::test(start_paused = true)]
async fn a_slow_issuer_holds_few_requests() {
    let (source, store) = store(seconds(5)).await;
    source.asked();
    let asking = (0..1000).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.renewed("b").await })
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
    let gone = tokio::time::timeout(seconds(1), store.renewed("b")).await;
    assert!(gone.is_err());
    tokio::time::advance(seconds(3)).await;
    assert!(matches!(store.renewed("b").await, Renewed::Keys(_)));
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
