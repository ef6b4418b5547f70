//! Where a proxy leads, and Postgres URLs that lead through it.

use std::{io, net::SocketAddr, path::PathBuf};

use sqlx::postgres::PgConnectOptions;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
};

use crate::Error;

/// A server that a proxy stands in front of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// `host:port`
    Tcp(String),
    /// A unix socket.
    Unix(PathBuf),
}

impl From<SocketAddr> for Target {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address.to_string())
    }
}

/// A connection to either kind.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Target {
    /// The server of a Postgres URL.
    pub fn of_database(url: &str) -> Result<Self, Error> {
        let options: PgConnectOptions = url.parse().map_err(|source| Error::Database {
            action: "read the URL of a database",
            source,
        })?;
        let (host, port) = (options.get_host(), options.get_port());
        // A host that is a path is a folder of sockets, as for libpq.
        let folder = options.get_socket().cloned();
        let folder = folder.or_else(|| host.starts_with('/').then(|| PathBuf::from(host)));
        Ok(folder.map_or_else(
            || Self::Tcp(format!("{host}:{port}")),
            |folder| Self::Unix(folder.join(format!(".s.PGSQL.{port}"))),
        ))
    }

    pub(super) async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        Ok(match self {
            Self::Tcp(address) => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
            Self::Unix(path) => Box::new(UnixStream::connect(path).await?),
        })
    }
}

/// A Postgres URL with another address, and without TLS.
pub(super) fn through(url: &str, address: SocketAddr) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let user = authority.rfind('@').map_or("", |at| &authority[..=at]);
    let joint = if path.contains('?') { '&' } else { '?' };
    format!("{scheme}://{user}{address}{path}{joint}sslmode=disable")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_of_a_database_names_its_server() {
        for (url, target) in [
            (
                "postgres://u:p@%2Frun%2Fmine/db",
                Target::Unix("/run/mine/.s.PGSQL.5432".into()),
            ),
            (
                "postgres://u:p@db.internal:6432/db",
                Target::Tcp("db.internal:6432".into()),
            ),
        ] {
            assert_eq!(Target::of_database(url).unwrap(), target, "{url}");
        }
        assert!(Target::of_database("no address").is_err());
    }

    #[test]
    fn a_url_through_the_proxy_keeps_all_but_the_address() {
        let address = SocketAddr::from(([127, 0, 0, 1], 7));
        for (url, expected) in [
            (
                "postgres://u:p@%2Frun%2Fmine/db",
                "postgres://u:p@127.0.0.1:7/db?sslmode=disable",
            ),
            (
                "postgres://h:1/db?options=-c%20a=b",
                "postgres://127.0.0.1:7/db?options=-c%20a=b&sslmode=disable",
            ),
            ("postgres://u@h", "postgres://u@127.0.0.1:7?sslmode=disable"),
        ] {
            assert_eq!(through(url, address), expected, "{url}");
        }
    }
}
