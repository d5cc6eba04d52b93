//! The attacks that the project was planned with, each against the whole program: the built binary, real HTTP, real
//! signatures. Every attack has a twin, the honest job that differs in one thing and is granted, so
//! that no attack is refused for a wrong reason.
//!
//! What answers each is in `docs/threat-model.md`; `documented` keeps the two the same.

mod bases;
mod dispatched;
mod documented;
mod earlier_steps;
mod jobs;
mod patterns;
mod policies;
mod policy_source;
mod reports;
mod review;
mod row;
mod tokens;
