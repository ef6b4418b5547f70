//! Signed tokens in their compact form (RFC 7515), as they come from strangers.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

use crate::contract;

/// What a token says about its signature. It decides nothing but which key is looked for.
#[derive(Deserialize)]
pub struct Header {
    /// How it is signed.
    pub alg: String,
    /// With which key.
    pub kid: Option<String>,
    /// What must be understood besides.
    crit: Option<Value>,
}

/// A token, taken apart. Nothing of it is true yet.
pub struct Token<'a> {
    /// What it says about its signature.
    pub header: Header,
    /// What was signed.
    pub message: &'a [u8],
    /// By which it was.
    pub signature: Vec<u8>,
    claims: &'a str,
}

impl<'a> Token<'a> {
    /// `None` where it cannot be read, or asks for what is not known here (RFC 7515 §4.1.11).
    pub fn read(text: &'a str) -> Option<Self> {
        let (message, signature) = text.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let header: Header = serde_json::from_slice(&decoded(header)?).ok()?;
        header.crit.is_none().then_some(())?;
        Some(Self {
            header,
            message: message.as_bytes(),
            signature: decoded(signature)?,
            claims,
        })
    }

    /// What it claims, to be asked once the signature holds. A name that is there twice is refused.
    pub fn claims(&self) -> Option<Value> {
        contract::read(&decoded(self.claims)?).ok()
    }
}

/// Base 64 as tokens and keys have it: for URLs, without padding, in one spelling only.
pub fn decoded(text: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()
}
