//! The list of deliveries that failed, as the simulator has it.

use serde_json::json;
use simulator::github::Answer;

use super::*;

/// Another event of the App, which this server does not take.
fn push() -> Delivery {
    Delivery::new(&app(), "push", &json!({}))
}

fn hours_ago(hours: i64) -> Timestamp {
    Timestamp::now() - SignedDuration::from_hours(hours)
}

impl Stage {
    /// Keeps a failed delivery of a run that waits, and then failed ones of another event, all of an hour ago.
    fn with_old(name: &str, others: usize) -> Self {
        let stage = Self::new(name, Some(POLICY));
        let old = waiting_delivery(&stage.github, (&app(), stage.installation), 1);
        stage.github.forget_deliveries(Timestamp::now());
        stage.github.keep_delivery_of(&old, 503, hours_ago(1));
        for _ in 0..others {
            stage.github.keep_delivery_of(&push(), 500, hours_ago(1));
        }
        stage
    }

    /// Looks, and returns the cursors of the pages that it asked for.
    async fn look(&mut self) -> Vec<Option<String>> {
        let before = self.github.requests_to(Endpoint::HookDeliveries).len();
        self.reconciler.look().await;
        let requests = self.github.requests_to(Endpoint::HookDeliveries);
        let asked = requests.into_iter().skip(before);
        asked
            .map(|asked| {
                assert_eq!(asked.request.query_value("status").unwrap(), "failure");
                asked.request.query_value("cursor")
            })
            .collect()
    }

    fn refuse(&self, page: usize, status: u16) {
        let fault = Fault::status(status, "No");
        let rule = FaultRule::nth(Endpoint::HookDeliveries, page, fault);
        self.github.add_fault(rule);
    }

    fn reviewed(&self) -> Vec<u64> {
        let reviews = self.github.reviews();
        reviews.iter().map(|review| review.run).collect()
    }
}

/// An App with many events would have the server read all of them at each start.
#[tokio::test]
async fn only_failed_deliveries_are_listed() {
    let mut stage = Stage::new("failed-only", Some(POLICY));
    for _ in 0..450 {
        stage.github.keep_delivery(&push(), 200);
    }
    assert_eq!(stage.look().await, [None]);
    assert_eq!(stage.reviewed(), [1]);
}

#[tokio::test]
async fn a_broken_list_goes_on_at_its_cursor() {
    let mut stage = Stage::with_old("broken", 350);
    stage.refuse(3, 403);
    let first = stage.look().await;
    assert_eq!(first.len(), 3);
    assert_eq!(stage.reviewed(), Vec::<u64>::new());
    let second = stage.look().await;
    assert_eq!(second.len(), 3);
    assert_eq!(second[..2], [None, first[2].clone()]);
    assert_eq!(stage.reviewed(), [1]);
    assert_eq!(stage.look().await, [None]);
}

/// What fails while the older part cannot be read does not wait for it.
#[tokio::test]
async fn a_broken_list_holds_up_no_new_delivery() {
    let mut stage = Stage::with_old("holds-up", 250);
    let fault = Fault::status(403, "No");
    let rule = FaultRule::always(Endpoint::HookDeliveries, fault).path_contains("cursor=");
    stage.github.add_fault(rule);
    for id in 2..5 {
        keep_failed_delivery(&stage.github, (&app(), stage.installation), id);
        assert_eq!(stage.look().await.len(), 2);
        assert_eq!(stage.reviewed(), (2..=id).collect::<Vec<_>>());
    }
    stage.github.clear_faults();
    stage.look().await;
    assert_eq!(stage.reviewed(), [2, 3, 4, 1]);
    assert_eq!(stage.look().await, [None]);
}

/// GitHub may not know a cursor any more. Then the list is read from its start.
#[tokio::test]
async fn a_cursor_that_github_refuses() {
    let mut stage = Stage::with_old("refused", 0);
    for _ in 0..150 {
        stage.github.keep_delivery_of(&push(), 500, hours_ago(2));
    }
    for _ in 0..150 {
        stage.github.keep_delivery_of(&push(), 500, hours_ago(1));
    }
    stage.refuse(3, 403);
    let first = stage.look().await;
    assert_eq!(first.len(), 3);
    // The delivery of the cursor is one of those of two hours ago; the one that waits is older in the list.
    stage
        .github
        .forget_deliveries(hours_ago(2) + SignedDuration::from_mins(1));
    assert_eq!(stage.look().await, [None, first[2].clone()]);
    assert_eq!(stage.reviewed(), Vec::<u64>::new());
    let third = stage.look().await;
    assert_eq!(third.len(), 2);
    assert_eq!(stage.reviewed(), [1]);
    assert_eq!(stage.look().await, [None]);
}

/// The newest deliveries do not wait until all of a long list is read.
#[tokio::test]
async fn a_long_list_is_read_in_parts() {
    let mut stage = Stage::with_old("long", 2050);
    keep_failed_delivery(&stage.github, (&app(), stage.installation), 2);
    assert_eq!(stage.look().await.len(), 20);
    assert_eq!(stage.reviewed(), [2]);
    assert_eq!(stage.look().await.len(), 2);
    assert_eq!(stage.reviewed(), [2, 1]);
}

/// An Enterprise Server that does not know the filter lists successes too.
#[tokio::test]
async fn a_list_with_successes() {
    let mut stage = Stage::new("successes", Some(POLICY));
    let at = Timestamp::now().to_string();
    let delivery = |id: u64, guid: &str, status: u16| {
        json!({"id": id, "guid": guid, "delivered_at": at, "status_code": status,
            "event": "deployment_protection_rule"})
    };
    let answer = Answer::json(
        200,
        &json!([
            delivery(3, "a", 202),
            delivery(2, "b", 202),
            delivery(1, "a", 503)
        ]),
    );
    let fault = Fault::Answer(answer);
    let rule = FaultRule::always(Endpoint::HookDeliveries, fault);
    stage.github.add_fault(rule);
    stage.reconciler.look().await;
    assert!(stage.reconciler.pending.is_empty());
    assert!(stage.github.requests_to(Endpoint::HookDelivery).is_empty());
}
