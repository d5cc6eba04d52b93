//! What makes a release (`.github/release/`), and the action that runs its archives (`native/`).

mod archives;
mod commit;
mod native;
mod policy;
mod tree;
mod versions;
