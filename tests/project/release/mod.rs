//! What makes a release (`.github/release/`), and the actions that run its archives (`native/`, `setup/`).

mod archives;
mod assets;
mod commit;
mod licences;
mod native;
mod policy;
mod setup;
mod stage;
mod tree;
mod versions;
