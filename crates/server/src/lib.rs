//! The server: answers a proxy whether the job that sends a request may use a permission.
//!
//! A request arrives (`connections`, `endpoints`), its path names a permission (`forward_auth`) or has a route to one
//! (`routes`), or its body does (`evaluation`). Its token is verified with the issuer's keys (`bearer`, `keys`), the
//! policy decides (`policy`, `check`), and the answer (`answer`) leaves after its audit record is kept (`audit`). What a
//! decision lacks, an App fetches from GitHub (`deciding`, `lookups`, `app`); `webhooks` hasten it, and `deployments` are
//! reviewed. Decisions that take long have a lane of their own (`slow`).

mod admin;
mod answer;
mod app;
mod audit;
mod bearer;
mod check;
mod config;
mod connections;
mod deciding;
mod deployments;
mod endpoints;
mod evaluation;
mod flights;
mod forward_auth;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod keys;
pub mod log;
mod lookups;
mod metrics;
mod otlp;
mod policy;
mod request_line;
mod resource;
mod routes;
mod run;
mod run_context;
mod slow;
mod sources;
mod webhooks;

pub use config::{
    AppConfig, Config, ConfigError, DeploymentRule, GitHubConfig, PolicyConfig, PolicyPlace,
    RoutesConfig,
};
pub use routes::{Family, OriginalRequest, Route, RouteTable, Template};
pub use run::{check, run};
