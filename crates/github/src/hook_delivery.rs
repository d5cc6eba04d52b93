//! Deliveries of an App's webhooks, which GitHub keeps for some days.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::api::{Api, ApiError, encode, json};
use crate::http::HttpError;

const ACCEPT: &str = "application/vnd.github+json";
/// Maximum size of a page of deliveries.
const MAX_PAGE: usize = 1 << 20;
/// Maximum size of a delivery without its payload: headers, and the answer of the server.
const MAX_REST: usize = 1 << 20;
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
    /// Status of the answer; 502 without one.
    pub status_code: u16,
    /// Name of the event.
    pub event: String,
    /// Id of the repository of the event.
    #[serde(default)]
    pub repository_id: Option<u64>,
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
    /// Lists the deliveries of the App's webhooks that failed: those with the statuses 400 to 599. One that succeeded at
    /// a second attempt is in the list, because its first attempt is. A server that does not know the parameter lists
    /// all of them. The client authenticates as the App.
    ///
    /// Source: GitHub's OpenAPI descriptions of github.com and of Enterprise Server 3.17 and later,
    /// `apps/list-webhook-deliveries`.
    ///
    /// # Errors
    /// The request failed.
    pub async fn failed_hook_deliveries(
        &self,
        cursor: Option<&str>,
    ) -> Result<DeliveryPage, ApiError> {
        let mut path = format!("app/hook/deliveries?status=failure&per_page={PER_PAGE}");
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

    /// Fetches a delivery, and reads its payload in place. The client authenticates as the App.
    ///
    /// # Errors
    /// The request failed. [`HttpError::TooLarge`]: the payload has more than `limit` bytes.
    pub async fn hook_payload<T>(
        &self,
        id: u64,
        limit: usize,
        read: impl FnOnce(&[u8]) -> T,
    ) -> Result<T, ApiError> {
        #[derive(Deserialize)]
        struct Delivery<'a> {
            id: u64,
            #[serde(borrow)]
            request: Request<'a>,
        }
        #[derive(Deserialize)]
        struct Request<'a> {
            #[serde(borrow)]
            payload: Option<&'a RawValue>,
        }
        let path = format!("app/hook/deliveries/{id}");
        let response = self.get(&path, ACCEPT, limit + MAX_REST).await?;
        let delivery: Delivery<'_> = serde_json::from_slice(&response.body)
            .map_err(|error| ApiError::Shape(error.to_string()))?;
        match delivery.request.payload {
            Some(payload) if delivery.id == id && payload.get().len() <= limit => {
                Ok(read(payload.get().as_bytes()))
            }
            Some(_) if delivery.id == id => Err(HttpError::TooLarge {
                host: self.host(),
                limit,
            }
            .into()),
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
