//! Reviews deployments: the jobs of a run that wait for an environment with this App's protection rule.

mod branch;
mod list;
mod reconcile;
mod request;
mod review;

pub use reconcile::Reconciler;
pub use request::{DeploymentRequest, RequestShapeError};
pub use review::{Attempt, Deployments, Handled, NotReviewed, Parts};
