//! Addresses on loopback for programs that cannot choose their port themselves.

use std::io;
use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// Ports below those that the kernel gives to listeners and connections without a port of their own, on Linux from 32768
/// and elsewhere from 49152. So nothing takes one between this answer and the program's start.
const FIRST: u16 = 12_000;
const COUNT: u16 = 16_000;

/// Returns an address, `127.0.0.1:PORT`, where nobody listens. No two calls of this process return the same one until
/// 16,000 are used up, and each process begins elsewhere.
///
/// # Errors
///
/// [`io::ErrorKind::AddrInUse`] where all 16,000 ports are in use.
pub fn free_address() -> io::Result<String> {
    static USED: AtomicU16 = AtomicU16::new(0);
    // Neighbouring process ids begin far from each other.
    let begin = std::process::id().wrapping_mul(7_919) % u32::from(COUNT);
    for _ in 0..COUNT {
        let used = u32::from(USED.fetch_add(1, Ordering::Relaxed));
        let offset = (begin + used) % u32::from(COUNT);
        let address = format!("127.0.0.1:{}", u32::from(FIRST) + offset);
        if TcpListener::bind(&address).is_ok() {
            return Ok(address);
        }
    }
    Err(io::ErrorKind::AddrInUse.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_free_and_returned_once() {
        let (one, two) = (free_address().unwrap(), free_address().unwrap());
        assert_ne!(one, two);
        let _listener = TcpListener::bind(&one).unwrap();
        for address in [one, two] {
            let port: u16 = address.strip_prefix("127.0.0.1:").unwrap().parse().unwrap();
            assert!((FIRST..FIRST + COUNT).contains(&port), "{address}");
        }
    }
}
