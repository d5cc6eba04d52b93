//! An API behind a proxy that asks the server about each request, and the process of the server.

mod message;
mod process;
mod proxy;

pub use self::message::Message;
pub use self::process::ServerProcess;
pub use self::proxy::{Call, Proxy};
