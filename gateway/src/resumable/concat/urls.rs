//! `Upload-Concat`, read and written. No I/O.

use std::collections::HashSet;
use std::fmt;

use media::UploadId;
use media::uploads::resumable::PARTIAL;

use crate::resumable::answers::location;

/// Most partial uploads of a file.
const MOST: usize = 64;

/// What an upload is in a concatenation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Concat {
    /// A piece of a file, which others are put behind.
    Partial,
    /// These, in this order.
    Final(Vec<UploadId>),
}

impl Concat {
    /// Reads a header field. Addresses may be whole ones of one of `hosts`, or paths. An error says what is wrong.
    pub fn read(value: &str, hosts: &[&str]) -> Result<Self, String> {
        if value.trim() == PARTIAL {
            return Ok(Self::Partial);
        }
        let urls = value.trim().strip_prefix("final;");
        let urls = urls.ok_or("must be partial, or final; and the addresses of partial uploads")?;
        let mut ids = Vec::new();
        for url in urls.split_ascii_whitespace() {
            ids.push(id(url, hosts)?);
            if ids.len() > MOST {
                return Err(format!("must name at most {MOST} partial uploads"));
            }
        }
        if ids.is_empty() {
            return Err("must name partial uploads".to_owned());
        }
        let different: HashSet<_> = ids.iter().collect();
        if different.len() != ids.len() {
            return Err("names a partial upload twice".to_owned());
        }
        Ok(Self::Final(ids))
    }
}

impl fmt::Display for Concat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Partial => f.write_str(PARTIAL),
            Self::Final(ids) => {
                let paths: Vec<_> = ids.iter().map(|id| location(*id)).collect();
                write!(f, "final;{}", paths.join(" "))
            }
        }
    }
}

fn id(url: &str, hosts: &[&str]) -> Result<UploadId, String> {
    let path = match url.split_once("://") {
        None => url,
        Some((_, rest)) => {
            let at = rest.find('/').unwrap_or(rest.len());
            if !hosts
                .iter()
                .any(|host| name(host).eq_ignore_ascii_case(name(&rest[..at])))
            {
                return Err("names uploads of another host".to_owned());
            }
            &rest[at..]
        }
    };
    let id = path
        .strip_prefix("/v1/resumable/")
        .and_then(|id| id.parse().ok());
    id.map(UploadId)
        .ok_or_else(|| "must have addresses of uploads, as Location told them".to_owned())
}

/// The host alone: proxies may change the port, and whoever speaks TLS does not say which it is.
fn name(address: &str) -> &str {
    let authority = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = authority.split('/').next().unwrap_or_default();
    match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "019ab000-0000-7000-8000-000000000001";
    const TWO: &str = "019ab000-0000-7000-8000-000000000002";

    #[test]
    fn addresses_are_ours_and_no_others() {
        let hosts = ["127.0.0.1:8080", "https://api.example.com/base", "[::1]:80"];
        let read = |value: &str| Concat::read(value, &hosts);
        let both = Concat::Final([ONE, TWO].map(|id| UploadId(id.parse().unwrap())).to_vec());
        let paths = format!("final;/v1/resumable/{ONE} /v1/resumable/{TWO}");
        assert_eq!(both.to_string(), paths);
        for host in [
            "http://127.0.0.1:8080",
            "https://API.example.com",
            "http://[::1]",
        ] {
            let urls = format!("final;{host}/v1/resumable/{ONE}  /v1/resumable/{TWO}");
            assert_eq!(read(&urls), Ok(both.clone()), "{host}");
        }
        assert_eq!(read(&paths), Ok(both));
        assert_eq!(read(" partial "), Ok(Concat::Partial));
        for wrong in [
            String::new(),
            "Partial".to_owned(),
            "final".to_owned(),
            "final;".to_owned(),
            format!("final;{ONE}"),
            format!("final;/v1/uploads/{ONE}"),
            "final;/v1/resumable/1".to_owned(),
            format!("final;https://other.example.com/v1/resumable/{ONE}"),
            format!("final;https://127.0.0.1.example.com/v1/resumable/{ONE}"),
            format!("final;https://user@127.0.0.1/v1/resumable/{ONE}"),
            format!("final;/v1/resumable/{ONE} /v1/resumable/{ONE}"),
            format!("final;{}", format!("/v1/resumable/{ONE} ").repeat(65)),
        ] {
            assert!(read(&wrong).is_err(), "{wrong}");
        }
    }
}
