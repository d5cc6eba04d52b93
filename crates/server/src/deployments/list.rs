//! GitHub's list of the deliveries that failed, read from look to look.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::app::{GitHubApp, RequestError};
use crate::log;
use github::http::Budget;
use github::{ApiError, DeliveryPage, HookDelivery};

/// Maximum time for a page.
const TIME: Duration = Duration::from_secs(20);
/// Maximum number of pages that a look reads of a part: the newest deliveries must not wait for all of the list.
const PAGES: usize = 20;
/// How far back GitHub's list is read: it keeps deliveries for three days.
pub(super) const KEPT: SignedDuration = SignedDuration::from_hours(72);
/// How far before the last look the next one reads, for deliveries that took long.
const OVERLAP: SignedDuration = SignedDuration::from_mins(10);

/// What was read of the list.
#[derive(Debug)]
pub(super) struct FailedList {
    app: Arc<GitHubApp>,
    /// Time up to which the list was read, but for its rest.
    read_until: Timestamp,
    /// An older part, which was not read to its end.
    rest: Option<Part>,
}

/// A part of the list.
#[derive(Clone, Debug)]
struct Part {
    /// Where it starts, if not with the newest delivery.
    cursor: Option<String>,
    /// The time of its oldest delivery.
    since: Timestamp,
}

impl FailedList {
    /// Starts with all that GitHub keeps.
    pub(super) fn new(app: Arc<GitHubApp>) -> Self {
        Self {
            app,
            read_until: Timestamp::now() - KEPT,
            rest: None,
        }
    }

    /// Reads what is new, and goes on with an older part that was not read to its end, at its cursor. Returns the
    /// deliveries, some of them again.
    pub(super) async fn read(&mut self) -> Vec<HookDelivery> {
        let started = Timestamp::now();
        let mut found = Vec::new();
        let new = Part {
            cursor: None,
            since: self.read_until - OVERLAP,
        };
        let new = self.read_part(new, &mut found).await;
        let old = match self.rest.take() {
            Some(rest) => self.read_part(rest, &mut found).await,
            None => Ok(()),
        };
        match new {
            Ok(()) => self.read_until = started,
            Err(part) if part.cursor.is_some() && old.is_ok() => {
                self.rest = Some(part);
                self.read_until = started;
            }
            // The next look begins with the newest delivery again.
            Err(_) => {}
        }
        match old {
            Ok(()) => {}
            Err(part) if part.cursor.is_some() => self.rest = Some(part),
            Err(part) => self.read_until = self.read_until.min(part.since + OVERLAP),
        }
        found
    }

    /// Reads a part. Returns what is left of it, if that was not all: without a cursor if GitHub refuses the cursor,
    /// because it no longer has that delivery, for example.
    async fn read_part(&self, mut part: Part, found: &mut Vec<HookDelivery>) -> Result<(), Part> {
        for _ in 0..PAGES {
            let page = match self.page(part.cursor.as_deref()).await {
                Ok(page) => page,
                Err(error) => {
                    log::warning("deliveries_not_read", &[("why", &error)]);
                    part.cursor = part.cursor.filter(|_| !is_wrong(&error));
                    return Err(part);
                }
            };
            let mut deliveries = page.deliveries.iter();
            let is_last = deliveries.any(|one| one.delivered_at < part.since);
            found.extend(page.deliveries);
            match page.next {
                Some(next) if !is_last => part.cursor = Some(next),
                _ => return Ok(()),
            }
        }
        Err(part)
    }

    async fn page(&self, cursor: Option<&str>) -> Result<DeliveryPage, RequestError> {
        let budget = Budget::until(Instant::now() + TIME);
        let api = self.app.as_app(budget)?;
        Ok(api.failed_hook_deliveries(cursor).await?)
    }
}

/// Returns whether GitHub refused a request for what it asks for, and not for who asks, or how often.
fn is_wrong(error: &RequestError) -> bool {
    let status = error.api().and_then(ApiError::status);
    matches!(
        status,
        Some(StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND | StatusCode::UNPROCESSABLE_ENTITY)
    )
}
