//! Configuration: a file, its grammar, and the values.

mod duration;
mod file;
mod grammar;
mod model;
mod routes;
mod values;

pub use file::ConfigError;
pub use model::{Config, PolicyConfig, RoutesConfig};
