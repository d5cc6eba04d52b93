//! A GitHub on loopback.
//!
//! One model of its state (`state`), thin HTTP adapters over it (`oidc`, `contents`, `checks`, `statuses`,
//! `apps`), faults between the two and the wire, and a record of all requests. The URLs have the form of GitHub Enterprise Server: everything below one host.

mod access;
mod app;
mod apps;
mod authorize;
mod builder;
mod capacity;
mod check_run;
mod checks;
mod commit_status;
mod contents;
mod deliveries;
mod delivery;
mod dispatch;
mod faults;
mod graphql;
mod handle;
mod http;
mod issuer;
mod jwt;
mod keys;
mod limits;
mod oidc;
mod organization;
mod receivers;
mod recorder;
mod releases;
mod repository;
mod route;
mod run;
mod runs;
mod server;
mod state;
mod statuses;
mod tls;

pub use self::access::{AppIdentity, Level, Permissions};
pub use self::app::App;
pub use self::builder::GitHubBuilder;
pub use self::capacity::QueryFault;
pub use self::check_run::{CheckAnnotation, CheckRun};
pub use self::commit_status::CommitStatus;
pub use self::delivery::Delivery;
pub use self::faults::{Fault, FaultRule};
pub use self::handle::GitHub;
pub use self::http::{Answer, Request};
pub use self::issuer::{SlugKeys, TokenRecipe};
pub use self::jwt::{Signature, mint as mint_jwt, verify as verify_jwt};
pub use self::keys::{APP_PRIVATE_KEY_PKCS1, TestKey, key_set, short_jwk};
pub use self::limits::RateLimits;
pub use self::oidc::JobCredentials;
pub use self::organization::Organization;
pub(crate) use self::receivers::Authority;
pub use self::recorder::RecordedRequest;
pub use self::repository::{CommitSha, Repository, blob_sha};
pub use self::route::Endpoint;
pub use self::run::{PostedReview, Run};
