//! What each fuzz target of the server does with its input. Whatever the bytes are, none of them may panic.
//!
//! They stand here because they see what no other crate does. `fuzz/fuzz_targets` runs them, and a test replays the
//! inputs that were kept. No program contains them.

#![allow(
    clippy::allow_attributes,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "a target that finds something panics"
)]

pub mod evaluation_request;
pub mod request_head;
pub mod server_configuration;
pub use crate::webhooks::fuzzing as webhook_delivery;

pub(crate) mod stage;

/// A target's name and what it does with its input.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const ALL: [Target; 4] = [
    ("evaluation_request", evaluation_request::run),
    ("request_head", request_head::run),
    ("server_configuration", server_configuration::run),
    ("webhook_delivery", webhook_delivery::run),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kept_input_still_holds() {
        let corpora = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
        for (target, run) in ALL {
            let mut count = 0;
            for file in std::fs::read_dir(corpora.join(target)).unwrap() {
                let file = file.unwrap().path();
                let data = std::fs::read(&file).unwrap();
                if std::panic::catch_unwind(|| run(&data)).is_err() {
                    panic!("{} does not hold", file.display());
                }
                count += 1;
            }
            assert!(count >= 5, "{target} has {count} inputs");
        }
    }
}
