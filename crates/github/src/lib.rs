//! GitHub's APIs: the only place that sees octocrab.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::allow_attributes,
        reason = "a test that fails may panic"
    )
)]

mod about;
mod api;
mod app;
mod check_run;
mod contents;
mod graphql;
pub mod http;
mod rate_limit;
mod status;
mod token_request;

pub use about::{About, Origin, Owner};
pub use api::{Api, ApiError};
pub use app::{App, AppError, InstallationToken};
pub use check_run::CreatedCheckRun;
pub use contents::File;
pub use graphql::{
    FileText, ListedFile, ListedRepository, NoFiles, PageQuery, QueryError, RepositoryPage,
};
pub use rate_limit::{Limited, RateLimit};
pub use token_request::{KeysError, TokenEndpoint, Unavailable, keys};
