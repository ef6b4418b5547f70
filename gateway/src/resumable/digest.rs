//! Digests of the bytes of one request, which are made while they arrive. No I/O.

use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};

/// The algorithms of tus's checksums, as they are announced.
pub const TUS_ALGORITHMS: &str = "sha1,sha256,sha512";

/// A digest that the bytes of a request are to have.
#[derive(Debug, Clone)]
pub struct Expected {
    state: State,
    digest: Vec<u8>,
}

#[derive(Debug, Clone)]
enum State {
    Sha1(Sha1),
    Sha256(Sha256),
    Sha512(Sha512),
}

impl Expected {
    /// By its name in either protocol. `None` for an algorithm that is not known here.
    pub fn new(algorithm: &str, digest: Vec<u8>) -> Option<Self> {
        let state = match algorithm {
            "sha1" => State::Sha1(Sha1::new()),
            "sha256" | "sha-256" => State::Sha256(Sha256::new()),
            "sha512" | "sha-512" => State::Sha512(Sha512::new()),
            _ => return None,
        };
        Some(Self { state, digest })
    }

    /// The next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Sha1(state) => state.update(bytes),
            State::Sha256(state) => state.update(bytes),
            State::Sha512(state) => state.update(bytes),
        }
    }

    /// Whether all bytes together have the digest.
    pub fn holds(self) -> bool {
        let found = match self.state {
            State::Sha1(state) => state.finalize().to_vec(),
            State::Sha256(state) => state.finalize().to_vec(),
            State::Sha512(state) => state.finalize().to_vec(),
        };
        found == self.digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_in_pieces_have_the_digest_of_the_whole() {
        let sha1 = Sha1::digest(b"hello").to_vec();
        let sha256 = Sha256::digest(b"hello").to_vec();
        let sha512 = Sha512::digest(b"hello").to_vec();
        for (name, digest) in [
            ("sha1", &sha1),
            ("sha256", &sha256),
            ("sha-256", &sha256),
            ("sha512", &sha512),
            ("sha-512", &sha512),
        ] {
            let mut expected = Expected::new(name, digest.clone()).unwrap();
            expected.update(b"hel");
            assert!(!expected.clone().holds(), "{name}");
            expected.update(b"lo");
            assert!(expected.holds(), "{name}");
        }
        assert!(Expected::new("md5", Vec::new()).is_none());
    }
}
