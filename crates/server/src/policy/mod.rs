//! The policy: where it comes from, and which version of it decides.

mod central;
mod file;
mod held;
mod own;
mod parse;
mod remote;
mod store;

pub use central::CentralPolicy;
pub use file::{DELEGATE_IGNORED, PolicyFile};
pub use own::OwnPolicies;
pub use parse::ActivePolicy;
pub use store::{Condition, PolicyStore};
