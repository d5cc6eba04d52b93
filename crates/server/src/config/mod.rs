//! Configuration: a file, its grammar, and the values.

mod deployments;
mod duration;
mod file;
mod github;
mod grammar;
mod model;
mod policy;
mod routes;
mod values;

pub use file::ConfigError;
pub use model::{
    AppConfig, Config, DeploymentRule, GitHubConfig, PolicyConfig, PolicyPlace, RoutesConfig,
};
