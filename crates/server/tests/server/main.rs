//! The server as its users meet it: the built program, real HTTP, real RSA, a GitHub on loopback.

#![allow(
    clippy::allow_attributes,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unwrap_used,
    missing_docs,
    reason = "a test that fails may panic"
)]

mod admin;
mod attacks;
mod audit;
mod authzen;
mod configuration;
mod deployments;
mod ending;
mod forward_auth;
mod keys;
mod otlp;
#[allow(
    dead_code,
    unused_imports,
    reason = "the tests of the engine use all of it"
)]
#[path = "../../../../tests/engine/programs/pairs.rs"]
mod pairs;
mod policy;
mod policy_by_api;
mod proxies;
mod pull_requests;
#[path = "../../../../tests/engine/random/mod.rs"]
mod random;
#[path = "../../../../tests/engine/reference/mod.rs"]
mod reference;
mod reference_pairs;
mod routes;
mod schema;
mod showcase;
mod support;
mod webhooks;
