//! The fuzz targets' bodies. `tests/engine/properties` of the package above replays their corpora with them.

#[path = "../../tests/engine/random/engine.rs"]
mod engine;
#[path = "../../tests/engine/reference/mod.rs"]
mod reference;
mod support;
pub mod targets;
#[path = "../../tests/engine/random/written.rs"]
mod written;
