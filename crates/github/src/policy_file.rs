//! Why a policy cannot be read from a repository.

use std::fmt::Display;

use http::StatusCode;

use super::api::ApiError;
use crate::http::HttpError;
use engine::decision::Reason;
use engine::policy::MAX_FILE;

/// Returns the reason, and what to do. `source` is the policy as an input or a configuration names it.
pub fn unreadable_policy(
    error: &ApiError,
    repository: &dyn Display,
    source: &str,
) -> (Reason, String) {
    match error {
        ApiError::Status {
            status: StatusCode::NOT_FOUND,
            ..
        } => (
            Reason::PolicyNotFound,
            format!(
                "there is no policy `{source}` in `{repository}`, or the token may not read it \
                 (it needs `contents: read`)"
            ),
        ),
        ApiError::Status {
            status: StatusCode::UNAUTHORIZED,
            answer,
            ..
        } => (
            Reason::PolicyUnreadable,
            format!(
                "GitHub does not accept the token that should read `{source}` of `{repository}`: it answered {answer}"
            ),
        ),
        ApiError::Status {
            status: StatusCode::FORBIDDEN,
            answer,
            ..
        } if error.limited().is_none() => (
            Reason::PolicyUnreadable,
            format!(
                "the token may not read `{source}` of `{repository}`: GitHub answered {answer}; it needs `contents: read`"
            ),
        ),
        ApiError::Http(HttpError::TooLarge { .. }) => (
            Reason::PolicyInvalid,
            format!("the policy `{source}` is larger than {MAX_FILE} bytes, which is the limit"),
        ),
        other => (
            Reason::PolicyUnreadable,
            format!("the policy `{source}` of `{repository}` cannot be read: {other}"),
        ),
    }
}
