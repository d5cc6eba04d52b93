//! A delivery of GitHub's: the parts that count, and why one is refused.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use crate::app::RequestError;
use crate::deployments::{NotReviewed, RequestShapeError};

/// The parts of a delivery's body that all events have.
#[derive(Debug, Deserialize)]
pub(super) struct Delivery {
    /// The repository of the event.
    #[serde(default)]
    pub(super) repository: Option<DeliveredRepository>,
}

/// A repository.
#[derive(Debug, Deserialize)]
pub(super) struct DeliveredRepository {
    /// Its id.
    pub(super) id: u64,
    /// Its account.
    pub(super) owner: DeliveredOwner,
}

/// An account.
#[derive(Debug, Deserialize)]
pub(super) struct DeliveredOwner {
    /// Its id.
    pub(super) id: u64,
}

/// Why a delivery is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// The body is larger than the limit, or broke off.
    #[error("the body is larger than 5 MB, or not whole")]
    TooLarge,
    /// A header is missing, or there are several.
    #[error("the header `{0}` is missing, or there are several")]
    Header(&'static str),
    /// No secret made the signature.
    #[error("the signature is not one of this App's secret")]
    Signature,
    /// It is for another App.
    #[error("the delivery is not for this App")]
    OtherApp,
    /// The body is not JSON of the documented shape.
    #[error("the body is not as documented: {0}")]
    Shape(String),
    /// Nobody knows now which App this is.
    #[error("GitHub does not say which App this is: {0}")]
    Unavailable(RequestError),
    /// It is not a request for a review.
    #[error("{0}")]
    Request(#[from] RequestShapeError),
    /// There is no review, and the jobs wait on.
    #[error("the deployment is not reviewed: {0}")]
    NotReviewed(#[from] NotReviewed),
    /// Too many deliveries arrive.
    #[error("too many deliveries arrive at once")]
    Busy,
}

impl Refusal {
    /// Returns whether the delivery was known to have a right signature.
    pub(super) fn is_signed(&self) -> bool {
        match self {
            Self::TooLarge | Self::Header(_) | Self::Signature | Self::Busy => false,
            Self::OtherApp
            | Self::Shape(_)
            | Self::Unavailable(_)
            | Self::Request(_)
            | Self::NotReviewed(_) => true,
        }
    }

    /// Returns the status of the answer.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Header(_) | Self::Shape(_) | Self::Request(_) => StatusCode::BAD_REQUEST,
            Self::Signature => StatusCode::UNAUTHORIZED,
            Self::OtherApp => StatusCode::FORBIDDEN,
            Self::Unavailable(_) | Self::NotReviewed(_) | Self::Busy => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }
}

/// Returns the only value of a header.
pub(super) fn header<'h>(headers: &'h HeaderMap, name: &'static str) -> Result<&'h str, Refusal> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().and_then(|value| value.to_str().ok());
    match (value, values.next()) {
        (Some(value), None) => Ok(value),
        _ => Err(Refusal::Header(name)),
    }
}

impl Delivery {
    /// Parses a body, whose signature is known to be right.
    pub(super) fn parse(headers: &HeaderMap, body: &[u8]) -> Result<Self, Refusal> {
        let media_type = header(headers, CONTENT_TYPE.as_str()).unwrap_or_default();
        if !media_type.starts_with("application/json") {
            let message = "set the webhook's content type to `application/json`";
            return Err(Refusal::Shape(message.to_owned()));
        }
        serde_json::from_slice(body).map_err(|error| Refusal::Shape(error.to_string()))
    }
}
