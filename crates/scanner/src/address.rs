//! Where a daemon listens.

use std::{fmt, path::PathBuf, str::FromStr};

use super::ClamdError;

/// `unix:/path` or `tcp://host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClamdAddress {
    /// A unix socket.
    Unix(PathBuf),
    /// `host:port`, resolved at each connection. The traffic is plain: for a trusted network only.
    Tcp(String),
}

impl FromStr for ClamdAddress {
    type Err = ClamdError;

    fn from_str(text: &str) -> Result<Self, ClamdError> {
        let wrong = || ClamdError::Address(text.to_owned());
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.starts_with('/') {
                Ok(Self::Unix(path.into()))
            } else {
                Err(wrong())
            };
        }
        let host_port = text.strip_prefix("tcp://").ok_or_else(wrong)?;
        let (host, port) = host_port.rsplit_once(':').ok_or_else(wrong)?;
        let bare_ipv6 = host.contains(':') && !(host.starts_with('[') && host.ends_with(']'));
        if host.is_empty() || bare_ipv6 || port.parse::<u16>().is_err() {
            return Err(wrong());
        }
        Ok(Self::Tcp(host_port.to_owned()))
    }
}

impl fmt::Display for ClamdAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(host_port) => write!(f, "tcp://{host_port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_as_they_print() {
        for text in [
            "unix:/run/clamav/clamd.ctl",
            "tcp://clamav:3310",
            "tcp://[::1]:3310",
        ] {
            assert_eq!(text.parse::<ClamdAddress>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "/run/clamd",
            "unix:",
            "unix:run",
            "tcp://:1",
            "tcp://h",
            "tcp://h:x",
            "tcp://::1:9",
        ] {
            assert!(text.parse::<ClamdAddress>().is_err(), "{text}");
        }
    }
}
