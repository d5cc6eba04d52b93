//! What holds for every policy and job, and the corpora of the fuzz targets.
//!
//! Each property is also asked of an engine that is wrong on purpose, where it has to fail.

mod advice;
mod corpora;
mod engines;
mod grammar;
mod laws;
#[path = "../../../fuzz/src/targets/mod.rs"]
mod targets;
