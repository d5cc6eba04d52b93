//! The server: answers a proxy whether the job that sends a request may use a permission.
//!
//! A request arrives (`connections`), its path names a permission (`forward_auth`) or has a route to one (`routes`), or
//! its body does (`evaluation`). Its token is verified with the issuer's keys (`bearer`, `keys`), the policy decides
//! (`policy`, `check`), and the answer (`answer`) leaves after its audit record is kept (`audit`).

mod admin;
mod answer;
mod audit;
mod bearer;
mod check;
mod config;
mod connections;
mod evaluation;
mod forward_auth;
mod keys;
mod log;
mod metrics;
mod policy;
mod request_line;
mod resource;
mod routes;
mod run;

pub use config::{Config, ConfigError, PolicyConfig, RoutesConfig};
pub use routes::{Family, OriginalRequest, Route, RouteTable, Template};
pub use run::{Proxies, check, run};
