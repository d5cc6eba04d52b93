//! Listening for connections on an address or a Unix socket.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;

/// Place to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// IP address and port.
    Tcp(SocketAddr),
    /// Path of a Unix socket.
    Unix(PathBuf),
}

impl Address {
    /// Returns whether only this machine reaches it.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Tcp(address) => address.ip().is_loopback(),
            Self::Unix(_) => true,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A connection of any kind.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Listener of one address. Dropping it removes its Unix socket.
#[derive(Debug)]
pub struct Listener(Kind);

#[derive(Debug)]
enum Kind {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(os::UnixSocket),
}

impl Listener {
    /// Starts to listen. It replaces a Unix socket on which nobody listens.
    ///
    /// # Errors
    /// The address is in use or not allowed, or the system has no Unix sockets.
    pub async fn bind(address: &Address) -> io::Result<Self> {
        match address {
            Address::Tcp(address) => Ok(Self(Kind::Tcp(TcpListener::bind(address).await?))),
            #[cfg(unix)]
            Address::Unix(path) => Ok(Self(Kind::Unix(os::UnixSocket::bind(path)?))),
            #[cfg(not(unix))]
            Address::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Returns the address, with the port that the system chose for port 0.
    ///
    /// # Errors
    /// The system does not say.
    pub fn address(&self) -> io::Result<Address> {
        match &self.0 {
            Kind::Tcp(listener) => listener.local_addr().map(Address::Tcp),
            #[cfg(unix)]
            Kind::Unix(socket) => Ok(Address::Unix(socket.path.clone())),
        }
    }

    /// Waits for a connection.
    ///
    /// # Errors
    /// A connection ended early, or the process has no descriptor left.
    pub async fn accept(&self) -> io::Result<Box<dyn Stream>> {
        match &self.0 {
            Kind::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // An answer is one small write: it must not wait for more.
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
            #[cfg(unix)]
            Kind::Unix(socket) => Ok(Box::new(socket.accept().await?)),
        }
    }
}

#[cfg(unix)]
mod os {
    use std::io;
    use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
    use std::path::{Path, PathBuf};

    use tokio::net::{UnixListener, UnixStream};

    #[derive(Debug)]
    pub(super) struct UnixSocket {
        listener: UnixListener,
        pub(super) path: PathBuf,
    }

    impl UnixSocket {
        pub(super) fn bind(path: &Path) -> io::Result<Self> {
            let is_socket =
                std::fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
            // A process that was killed leaves its socket behind.
            if is_socket && std::os::unix::net::UnixStream::connect(path).is_err() {
                std::fs::remove_file(path)?;
            }
            let listener = UnixListener::bind(path)?;
            // The proxy is in the group; nobody else connects.
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
            Ok(Self {
                listener,
                path: path.to_owned(),
            })
        }

        pub(super) async fn accept(&self) -> io::Result<UnixStream> {
            Ok(self.listener.accept().await?.0)
        }
    }

    impl Drop for UnixSocket {
        fn drop(&mut self) {
            _ = std::fs::remove_file(&self.path);
        }
    }
}
