//! Deliveries of an App's webhooks, which GitHub keeps for some days.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::api::{Api, ApiError, encode, json};

const ACCEPT: &str = "application/vnd.github+json";
/// Maximum size of a page of deliveries.
const MAX_PAGE: usize = 1 << 20;
/// Maximum size of a delivery: GitHub's own for its payload, and as much for the rest.
const MAX_DELIVERY: usize = 50 << 20;
/// Number of deliveries of a page.
const PER_PAGE: u32 = 100;

/// A delivery in a list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct HookDelivery {
    /// Its id.
    pub id: u64,
    /// Id of what was delivered, which a redelivery repeats.
    pub guid: String,
    /// When it was delivered.
    pub delivered_at: Timestamp,
    /// Status of the answer; 0 without one.
    pub status_code: u16,
    /// Name of the event.
    pub event: String,
}

/// A page of deliveries, the newest first.
#[derive(Clone, Debug)]
pub struct DeliveryPage {
    /// The deliveries.
    pub deliveries: Vec<HookDelivery>,
    /// Where the next page starts, if there is one.
    pub next: Option<String>,
}

impl Api {
    /// Lists the deliveries of the App's webhooks. The client authenticates as the App.
    ///
    /// # Errors
    /// The request failed.
    pub async fn hook_deliveries(&self, cursor: Option<&str>) -> Result<DeliveryPage, ApiError> {
        let mut path = format!("app/hook/deliveries?per_page={PER_PAGE}");
        if let Some(cursor) = cursor {
            path = format!("{path}&cursor={}", encode(cursor));
        }
        let response = self.get(&path, ACCEPT, MAX_PAGE).await?;
        let next = response.header("link").and_then(next_cursor);
        Ok(DeliveryPage {
            deliveries: json(&response)?,
            next,
        })
    }

    /// Fetches the payload of a delivery. The client authenticates as the App.
    ///
    /// # Errors
    /// The request failed.
    pub async fn hook_payload(&self, id: u64) -> Result<Value, ApiError> {
        #[derive(Deserialize)]
        struct Delivery {
            id: u64,
            request: Request,
        }
        #[derive(Deserialize)]
        struct Request {
            payload: Option<Value>,
        }
        let path = format!("app/hook/deliveries/{id}");
        let delivery: Delivery = json(&self.get(&path, ACCEPT, MAX_DELIVERY).await?)?;
        match delivery.request.payload {
            Some(payload) if delivery.id == id => Ok(payload),
            _ => Err(ApiError::Shape(
                "it is about another delivery, or has no payload".to_owned(),
            )),
        }
    }
}

/// Returns the cursor of the next page (RFC 8288; docs.github.com, "Using pagination in the REST API").
fn next_cursor(link: &str) -> Option<String> {
    let mut links = link.split(',');
    let next = links.find(|link| link.contains("rel=\"next\""))?;
    let url = next.trim().strip_prefix('<')?.split('>').next()?;
    let url = url::Url::parse(url).ok()?;
    let mut pairs = url.query_pairs();
    let (_, cursor) = pairs.find(|(name, _)| name == "cursor")?;
    Some(cursor.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_the_one_that_the_link_names() {
        let base = "https://api.github.com/app/hook/deliveries?per_page=100";
        let link = format!("<{base}&cursor=v1_7%3D>; rel=\"next\"");
        assert_eq!(next_cursor(&link).as_deref(), Some("v1_7="));
        let both = format!("<{base}&cursor=a>; rel=\"prev\", {link}");
        assert_eq!(next_cursor(&both).as_deref(), Some("v1_7="));
        for none in [
            "",
            "<x>; rel=\"next\"",
            &format!("<{base}&cursor=a>; rel=\"prev\""),
        ] {
            assert_eq!(next_cursor(none), None);
        }
    }
}
