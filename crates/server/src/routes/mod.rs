//! Routes: which permission a request of a client needs, where the proxy does not name it.
//!
//! Proxy, server and upstream have to read the same request. So the server reads one family of headers, and refuses
//! every path that two programs could read in two ways.

mod head;
mod path;
mod table;

pub use head::{Family, OriginalRequest, without_port};
pub use path::Template;
pub use table::{Route, RouteTable};
