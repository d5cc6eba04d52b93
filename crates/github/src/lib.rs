//! The HTTP client, GitHub's APIs and the token request. Only this crate uses octocrab.

mod api;
mod app;
mod check_run;
mod collector;
mod contents;
mod graphql;
mod hook_delivery;
pub mod http;
mod policy_file;
mod rate_limit;
mod repository;
mod run;
mod status;
mod token_request;

pub use api::{Api, ApiError, InvalidApi};
pub use app::{App, AppError, Installation, InstallationToken, Permissions};
pub use check_run::CreatedCheckRun;
pub use collector::Collector;
pub use contents::{Etag, File};
pub use graphql::{
    FileText, FilesUnavailable, ListedFile, ListedRepository, PageQuery, QueryError, RepositoryPage,
};
pub use hook_delivery::{DeliveryPage, HookDelivery};
pub use policy_file::unreadable_policy;
pub use rate_limit::{Limited, RateLimit};
pub use repository::{Owner, Repository, RepositoryKey, Upstream};
pub use run::{Actor, Reviewed, Run, RunRepository, Tag, Verdict};
pub use token_request::{FetchKeysError, TokenEndpoint, Unavailable, keys};
