//! Configuration: a file, its grammar, and the values.

mod duration;
mod file;
mod grammar;
mod model;

pub use file::ConfigError;
pub use model::{Config, PolicyConfig};
