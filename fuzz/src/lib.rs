//! The fuzz targets' bodies. `tests/properties` of the package above replays their corpora with them.

#[path = "../../tests/random/engine.rs"]
mod engine;
#[path = "../../tests/reference/mod.rs"]
mod reference;
pub mod targets;
#[path = "../../tests/random/written.rs"]
mod written;
