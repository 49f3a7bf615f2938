//! Where the service listens: `unix:PATH`, `inet:HOST:PORT` or `inet:PORT`, as `PostSRSd` 2 writes it.

use std::fmt::{self, Display};
use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use rustix::net::sockopt::set_ipv6_v6only;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, UnixListener, UnixStream, lookup_host};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Unix(PathBuf),
    Inet {
        host: String,
        port: u16,
        family: Family,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Any,
    V4,
    V6,
}

#[derive(Debug, thiserror::Error)]
#[error("expected unix:PATH, inet:HOST:PORT or inet:PORT")]
pub(crate) struct EndpointError;

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, rest) = text.split_once(':').ok_or(EndpointError)?;
        let family = match kind {
            "unix" | "local" if !rest.is_empty() => return Ok(Self::Unix(rest.into())),
            "inet" => Family::Any,
            "inet4" => Family::V4,
            "inet6" => Family::V6,
            _ => return Err(EndpointError),
        };
        let (host, port) = rest.rsplit_once(':').unwrap_or(("localhost", rest));
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let host = match (bare.unwrap_or(host), family) {
            ("", _) => return Err(EndpointError),
            ("*", Family::V4) => "0.0.0.0",
            ("*", _) => "::",
            (host, _) => host,
        };
        Ok(Self::Inet {
            host: host.to_owned(),
            port: port.parse().map_err(|_| EndpointError)?,
            family,
        })
    }
}

impl Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Inet { host, port, .. } if host.contains(':') => {
                write!(f, "inet:[{host}]:{port}")
            }
            Self::Inet { host, port, .. } => write!(f, "inet:{host}:{port}"),
        }
    }
}

/// A socket that connections come to.
pub(crate) enum Listener {
    Unix {
        /// Goes first: once nobody listens, a successor may put another in its place.
        file: SocketFile,
        listener: UnixListener,
    },
    Tcp(TcpListener),
}

/// Removes the socket's file when the service ends.
pub(crate) struct SocketFile {
    path: PathBuf,
    /// The device and the number of the file there.
    identity: (u64, u64),
}

impl SocketFile {
    fn identity(path: &Path) -> io::Result<(u64, u64)> {
        let file = fs::symlink_metadata(path)?;
        Ok((file.dev(), file.ino()))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // If somebody else has removed it, or put one of their own there, there is nothing to do.
        if Self::identity(&self.path).is_ok_and(|found| found == self.identity) {
            drop(fs::remove_file(&self.path));
        }
    }
}

impl Endpoint {
    /// Listens there; a name can have several addresses.
    pub(crate) async fn listen(&self) -> io::Result<Vec<Listener>> {
        match self {
            Self::Unix(path) => Ok(vec![listen_unix(path.clone()).await?]),
            Self::Inet { host, port, family } => {
                let mut listeners = Vec::new();
                let addresses = lookup_host((host.as_str(), *port)).await?;
                let mut failed = io::Error::from(ErrorKind::AddrNotAvailable);
                for address in addresses.filter(|address| family.has(address)) {
                    match listen_tcp(address, *family) {
                        Ok(listener) => listeners.push(Listener::Tcp(listener)),
                        // Somebody else serves there, or may; Postfix would ask them.
                        Err(error) if is_taken(&error) => return Err(error),
                        // Many hosts have a name for an address that is switched off.
                        Err(error) => failed = error,
                    }
                }
                if listeners.is_empty() {
                    return Err(failed);
                }
                Ok(listeners)
            }
        }
    }
}

impl Family {
    fn has(self, address: &SocketAddr) -> bool {
        match self {
            Self::Any => true,
            Self::V4 => address.is_ipv4(),
            Self::V6 => address.is_ipv6(),
        }
    }
}

fn is_taken(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::AddrInUse | ErrorKind::PermissionDenied
    )
}

fn listen_tcp(address: SocketAddr, family: Family) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    if family == Family::V6 {
        // Else `*` is IPv4 as well.
        set_ipv6_v6only(&socket, true)?;
    }
    // What the port was last used for does no harm to a new service.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(1024)
}

async fn listen_unix(path: PathBuf) -> io::Result<Listener> {
    // What a service left behind that was killed goes; a live one, or a file that is none, stays.
    if fs::symlink_metadata(&path).is_ok_and(|file| file.file_type().is_socket())
        && let Err(error) = UnixStream::connect(&path).await
        && error.kind() == ErrorKind::ConnectionRefused
    {
        fs::remove_file(&path)?;
    }
    let listener = UnixListener::bind(&path)?;
    let identity = SocketFile::identity(&path)?;
    let file = SocketFile { path, identity };
    // Postfix connects under its own user. Who else may is up to the folder that the socket is in.
    fs::set_permissions(&file.path, Permissions::from_mode(0o666))?;
    Ok(Listener::Unix { listener, file })
}

impl Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix { file, .. } => write!(f, "unix:{}", file.path.display()),
            Self::Tcp(listener) => match listener.local_addr() {
                Ok(address) => write!(f, "inet:{address}"),
                Err(error) => write!(f, "inet ({error})"),
            },
        }
    }
}

/// A connection, of either kind.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Listener {
    pub(crate) async fn accept(&self) -> io::Result<Box<dyn Stream>> {
        match self {
            Self::Unix { listener, .. } => Ok(Box::new(listener.accept().await?.0)),
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // A reply must not wait for more to be sent with it. It fails for a client that has left,
                // which the first read finds out.
                drop(stream.set_nodelay(true));
                Ok(Box::new(stream))
            }
        }
    }

    /// Whether it can be reached from other machines, which then can have any sender signed.
    pub(crate) fn is_public(&self) -> bool {
        match self {
            Self::Unix { .. } => false,
            Self::Tcp(listener) => listener
                .local_addr()
                .is_ok_and(|address| !address.ip().is_loopback()),
        }
    }
}
