//! What breaks: the network, GitHub, the disk, the limits of the process, its signals. Whatever it is,
//! the outcome is right or an error, never a grant that should not be, and never late.
//!
//! `cargo test` runs each request with a quarter of the faults; all of them, with the program that is released:
//!
//! ```sh
//! STEPS=all STEPS_BINARY=target/release/repo-permissions cargo test --test action -- faults:: injection:: --nocapture
//! ```

mod cell;
mod files;
mod kinds;
mod limits;
mod matrix;
mod oracle;
mod requests;
mod scene;
mod signals;
mod streams;
