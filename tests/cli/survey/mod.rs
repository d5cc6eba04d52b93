//! The survey of an organisation, against a GitHub on loopback.

mod faults;
mod limits;
mod output;
mod refusals;
mod scale;
mod stage;
mod stop;
