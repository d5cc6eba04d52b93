use std::time::Duration;

use super::*;

#[derive(Clone, Debug, PartialEq)]
struct Value {
    number: usize,
    fresh: bool,
    weight: usize,
}

impl Kept for Value {
    fn is_fresh(&self) -> bool {
        self.fresh
    }

    fn weight(&self) -> usize {
        self.weight
    }
}

fn value(number: usize) -> Value {
    Value {
        number,
        fresh: true,
        weight: 1,
    }
}

#[tokio::test(start_paused = true)]
async fn all_wait_for_one_fetch() {
    let flights = Arc::new(Flights::new(10, 100));
    let fetched = Arc::new(AtomicUsize::new(0));
    let asking = (0..50).map(|_| {
        let (flights, fetched) = (Arc::clone(&flights), Arc::clone(&fetched));
        tokio::spawn(async move {
            let fetch = move |_| async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                value(fetched.fetch_add(1, Ordering::Relaxed))
            };
            flights.get("a", fetch).await
        })
    });
    for one in asking.collect::<Vec<_>>() {
        assert_eq!(one.await.unwrap(), Some(value(0)));
    }
    assert_eq!(fetched.load(Ordering::Relaxed), 1);
    flights.forget(&"a");
    let last = flights.get("a", |last| async move {
        assert_eq!(last, None);
        value(7)
    });
    assert_eq!(last.await, Some(value(7)));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_does_not_end_the_fetch() {
    let flights = Flights::new(10, 100);
    let slow = |_| async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        value(1)
    };
    let gone = tokio::time::timeout(Duration::from_secs(1), flights.get("a", slow)).await;
    assert!(gone.is_err());
    tokio::time::sleep(Duration::from_secs(2)).await;
    let kept = flights.get("a", |_| async { value(2) }).await;
    assert_eq!(kept, Some(value(1)));
}

#[tokio::test(start_paused = true)]
async fn a_slow_source_holds_few_requests() {
    let flights = Arc::new(Flights::new(10, 3));
    let asking = (0..20).map(|_| {
        let flights = Arc::clone(&flights);
        tokio::spawn(async move {
            let slow = |_| async {
                tokio::time::sleep(Duration::from_secs(5)).await;
                value(1)
            };
            flights.get("a", slow).await
        })
    });
    let mut answered = 0;
    for one in asking.collect::<Vec<_>>() {
        answered += usize::from(one.await.unwrap().is_some());
    }
    assert_eq!(answered, 3);
}

#[tokio::test(start_paused = true)]
async fn clients_that_go_away_make_no_room_for_others() {
    let flights = Flights::new(10, 3);
    let slow = |_| async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        value(1)
    };
    for _ in 0..3 {
        let gone = tokio::time::timeout(Duration::from_millis(10), flights.get("a", slow)).await;
        assert!(gone.is_err());
    }
    assert_eq!(flights.get("a", slow).await, None);
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(flights.get("a", slow).await, Some(value(1)));
}

#[tokio::test]
async fn a_value_that_is_not_fresh_is_what_the_next_fetch_starts_from() {
    let flights = Flights::new(10, 3);
    let old = Value {
        fresh: false,
        ..value(1)
    };
    let given = old.clone();
    flights.get("a", |_| async { given }).await;
    let next = flights.get("a", |last| async move {
        assert_eq!(last, Some(old));
        value(2)
    });
    assert_eq!(next.await, Some(value(2)));
}

#[tokio::test]
async fn an_outdated_value_is_fetched_again_once() {
    let flights = Flights::new(10, 3);
    flights.get("a", |_| async { value(1) }).await;
    flights.outdate(&"a");
    let next = flights.get("a", |last| async move {
        assert_eq!(last, Some(value(1)));
        value(2)
    });
    assert_eq!(next.await, Some(value(2)));
    assert_eq!(
        flights.get("a", |_| async { value(3) }).await,
        Some(value(2))
    );
}

#[tokio::test]
async fn the_limit_holds() {
    let flights = Flights::new(100, 3);
    for number in 0..50 {
        let heavy = Value {
            weight: 30,
            ..value(number)
        };
        flights.get(number, |_| async { heavy }).await;
    }
    let mut kept: Vec<_> = flights.slots().keys().copied().collect();
    kept.sort_unstable();
    assert_eq!(kept, [47, 48, 49]);
}

/// What a value costs can grow while it is kept.
#[tokio::test]
async fn values_that_grow_make_room_for_themselves() {
    #[derive(Clone)]
    struct Growing(Arc<AtomicUsize>);
    impl Kept for Growing {
        fn is_fresh(&self) -> bool {
            true
        }

        fn weight(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }
    }
    let flights = Flights::new(10, 100);
    let sizes = [1, 1, 1].map(|size| Arc::new(AtomicUsize::new(size)));
    for (key, size) in sizes.iter().enumerate() {
        let value = Growing(Arc::clone(size));
        flights.get(key, |_| async { value }).await;
    }
    flights.trim();
    assert_eq!(flights.slots().len(), 3);
    sizes[2].store(9, Ordering::Relaxed);
    flights.trim();
    let kept: Vec<_> = flights.slots().keys().copied().collect();
    assert_eq!(kept.len(), 2);
    assert!(!kept.contains(&0), "{kept:?}");
}
